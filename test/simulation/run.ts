/**
 * One simulation from beginning to end: build the cluster, play the script, let it come to rest, check.
 * Not here: many of them (simulation.test.ts, scripts/simulate.mjs).
 * Invariants by number: docs/spec/invariants.md.
 */
import type { Transport } from "../../src/client/index.ts";
import type { DaemonSet } from "../../src/api/index.ts";
import { SimulatedCluster } from "../../src/testing/simulated-cluster.ts";
import type { ControllerSeams } from "../../src/testing/simulated-controller.ts";
import { verdictTroubles } from "../../src/testing/verdict-rules.ts";
import { Actor, labelsOf, nodeName, nodeNames, sets, settleMs } from "./actor.ts";
import { LogRules } from "./log-rules.ts";
import { RevisionLog, type Violation } from "./log.ts";
import {
  desiredNodes,
  hashLabel,
  isRolling,
  isUpToDate,
  ownerUid,
  podsOf,
  podsOn,
  recount,
} from "./model.ts";
import { ProcessRules, SharedFacts } from "./process-rules.ts";
import type { Script } from "./script.ts";

export interface RunOptions {
  readonly seams?: ControllerSeams;
  readonly collector?: (transport: Transport) => Transport;
  readonly freeze?: boolean;
  /** Told of warnings and errors that parts log. */
  readonly onLog?: (text: string) => void;
}

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
  readonly revisions: number;
  /** Equal for equal logs. */
  readonly digest: number;
  readonly virtualMs: number;
}

/** Virtual time between two recounts: an eighth of the run's processor time at 3 s, a thirtieth at 10 s. */
const recountEveryMs = 10_000;
/** Virtual time in which everything must be well after the last fault: back-offs of failed pods are the longest waits. */
const patienceMs = 20 * 60_000;
/** The DaemonSet whose namespace stays. */
const keyOfFirst = `${sets[0].namespace}/${sets[0].name}`;
/** Virtual time after a gap in which every node has its pod again. */
const gapMs = 60_000;
/** Virtual time after that in which nobody may write. */
const quietMs = 10 * 60_000;

export async function run(script: Script, options: RunOptions = {}): Promise<RunResult> {
  return await new Simulation(script, options).play();
}

class Simulation {
  readonly #script: Script;
  readonly #cluster: SimulatedCluster;
  readonly #log: RevisionLog;
  readonly #rules: LogRules;
  readonly #actor: Actor;
  #recountAtMs = 0;

  constructor(script: Script, options: RunOptions) {
    this.#script = script;
    const shared = new SharedFacts();
    const isPlanTampered = options.seams?.options?.planning !== undefined;
    const log = (): RevisionLog => this.#log;
    const nowMs = (): number => this.#cluster.clock.nowMs();
    const complain = (message: string, fields: { readonly error?: unknown } = {}): void => {
      options.onLog?.(`${message} ${JSON.stringify(fields, errorText)}`);
      if (message.startsWith("an audit")) this.#log.report("recount", `${message} ${JSON.stringify(fields)}`);
      if (isDefect(fields.error))
        this.#log.report("defect", `${message}: ${String((fields.error as Error).stack)}`);
    };
    this.#cluster = new SimulatedCluster({
      seed: script.seed,
      nodes: Array.from({ length: script.nodes }, (_, i) => ({ name: nodeName(i), labels: labelsOf(i) })),
      placement: script.placement,
      controllers: script.controllers,
      faults: script.faults,
      otherFaults: script.otherFaults,
      freeze: options.freeze === true,
      seams: { ...options.seams, options: { burst: script.burst, ...options.seams?.options } },
      ...(options.collector === undefined ? {} : { collector: options.collector }),
      log: { debug() {}, info() {}, warn: complain, error: complain },
      observe: () =>
        new ProcessRules({
          log,
          nowMs,
          shared,
          isPlanTampered,
          nodes: nodeNames,
          syncMs: syncMsOf(script),
          burst: script.burst,
        }),
      answered: (...answer) => this.#log.answered(...answer),
      settled: () => this.#settled(),
    });
    this.#rules = new LogRules(log, {
      wasSurge: (uid, node) => shared.surges.has(`${uid}/${node}`),
      risen: shared.risen,
    });
    this.#log = new RevisionLog({
      store: this.#cluster.store,
      nowMs,
      onEntry: (entry) => this.#rules.entry(entry),
      onAuthored: (entry) => this.#rules.authored(entry),
    });
    this.#actor = new Actor(this.#cluster, script, () => this.#log.state);
  }

  async play(): Promise<RunResult> {
    try {
      await this.#play();
    } catch (error) {
      this.#log.report("defect", error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      await this.#cluster.stop();
    }
    const { violations, revision, digest } = this.#log;
    const virtualMs = this.#cluster.clock.monotonicMs();
    return { violations, trace: this.#log.trace(), revisions: revision, digest, virtualMs };
  }

  /** Whatever needs no time has happened. */
  #settled(): void {
    this.#log.settled();
    const nowMs = this.#cluster.clock.monotonicMs();
    if (nowMs < this.#recountAtMs) return;
    this.#recountAtMs = nowMs + recountEveryMs;
    for (const text of this.#cluster.recountControllers()) this.#log.report("recount", text);
    for (const { namespace, name } of sets)
      for (const verdict of this.#cluster.explain(`${namespace}/${name}`, nodeNames))
        for (const text of verdictTroubles(verdict)) this.#log.report("explained", text);
  }

  get #hasFailed(): boolean {
    return this.#log.violations.length > 0;
  }

  async #play(): Promise<void> {
    await this.#cluster.start();
    await this.#actor.begin();
    await this.#cluster.advance(4_000);
    for (const { afterMs, ...step } of this.#script.steps) {
      this.#log.note(JSON.stringify(step));
      await this.#actor.act(step);
      for (let i = 0; i < this.#script.controllers; i++)
        if (!this.#cluster.isControllerRunning(i)) this.#cluster.restartController(i);
      if (step.do === "gap") await this.#goesOn();
      await this.#cluster.advance(afterMs);
      if (this.#hasFailed) return;
    }
    this.#log.note("heal");
    await this.#actor.heal();
    if (this.#hasFailed) return;
    if (!(await this.#cluster.until(() => this.#hasFailed || this.#troubles().length === 0, patienceMs))) {
      for (const trouble of this.#troubles())
        this.#log.report("I6", `not well after ${patienceMs} ms: ${trouble}`);
      return;
    }
    if (this.#hasFailed) return;
    await this.#cluster.advance(settleMs(this.#script));
    this.#rules.isFrozen = true;
    await this.#cluster.advance(quietMs);
    for (const trouble of this.#troubles()) this.#log.report("I6", trouble);
  }

  /** After a gap nobody waits for what no event will tell: within a minute each node that should have a pod has one again. */
  async #goesOn(): Promise<void> {
    const { state } = this.#log;
    const web = state.daemonsets.get(keyOfFirst);
    const bare = (): string[] => {
      const daemonSet = state.daemonsets.get(keyOfFirst);
      if (daemonSet === undefined || daemonSet.metadata.uid !== web?.metadata.uid) return [];
      if (daemonSet.metadata.deletionTimestamp !== undefined) return [];
      const { uid } = daemonSet.metadata;
      return desiredNodes(state, daemonSet).filter((node) => podsOn(state, uid!, node).length === 0);
    };
    if (!(await this.#cluster.until(() => this.#hasFailed || bare().length === 0, gapMs)))
      this.#log.report("I6", `no pod ${gapMs} ms after a gap on ${bare().join(", ")}`);
  }

  /** What is not as it should be in the end. */
  #troubles(): string[] {
    const { state } = this.#log;
    const troubles = state.daemonsets.size < 2 ? ["a DaemonSet is missing"] : [];
    for (const daemonSet of state.daemonsets.values()) {
      const name = daemonSet.metadata.name!;
      const { status, metadata } = daemonSet;
      const counts = recount(state, daemonSet, this.#cluster.clock.nowMs());
      const told = {
        desired: status?.desiredNumberScheduled ?? 0,
        current: status?.currentNumberScheduled ?? 0,
        misscheduled: status?.numberMisscheduled ?? 0,
        ready: status?.numberReady ?? 0,
        available: status?.numberAvailable ?? 0,
        updated: status?.updatedNumberScheduled ?? 0,
      };
      if (JSON.stringify(told) !== JSON.stringify(counts))
        troubles.push(`${name}: status says ${JSON.stringify(told)}, there is ${JSON.stringify(counts)}`);
      if (status?.observedGeneration !== metadata.generation)
        troubles.push(`${name}: generation not observed`);
      if (counts["current"] !== counts["desired"]) troubles.push(`${name}: current is not desired`);
      if (isRolling(daemonSet)) {
        if (counts["available"] !== counts["desired"]) troubles.push(`${name}: available is not desired`);
        if (counts["updated"] !== counts["desired"]) troubles.push(`${name}: updated is not desired`);
      }
      troubles.push(...this.#podTroubles(daemonSet), ...this.#historyTroubles(daemonSet));
    }
    return troubles;
  }

  /** One pod per node at rest, each of a revision that is there (I1, I9). */
  #podTroubles(daemonSet: DaemonSet): string[] {
    const { state } = this.#log;
    const { uid, name } = daemonSet.metadata;
    const pods = podsOf(state, uid!);
    const nodes = new Set(pods.map((pod) => pod.spec.nodeName));
    const troubles = nodes.size === pods.length ? [] : [`${name}: more than one pod on a node`];
    const hashes = new Set(
      [...state.controllerrevisions.values()]
        .filter((revision) => ownerUid(revision) === uid)
        .map((revision) => revision.metadata.labels?.[hashLabel]),
    );
    for (const pod of pods)
      if (!hashes.has(pod.metadata.labels?.[hashLabel]))
        if (isRolling(daemonSet)) troubles.push(`${name}: ${pod.metadata.name} has no revision`);
    return troubles;
  }

  #historyTroubles(daemonSet: DaemonSet): string[] {
    const { state } = this.#log;
    const { uid, name } = daemonSet.metadata;
    const revisions = [...state.controllerrevisions.values()].filter(
      (revision) => ownerUid(revision) === uid,
    );
    const live = new Set(podsOf(state, uid!).map((pod) => pod.metadata.labels?.[hashLabel]));
    const idle = revisions.filter((revision) => !live.has(revision.metadata.labels?.[hashLabel]));
    const limit = daemonSet.spec.revisionHistoryLimit ?? 10;
    // The current revision is never removed, even if no pod has it (no node is desired).
    const current = podsOf(state, uid!).some((pod) => isUpToDate(state, daemonSet, pod)) ? 0 : 1;
    return idle.length > limit + current
      ? [`${name}: ${idle.length} revisions without pods, limit ${limit}`]
      : [];
  }
}

/** Errors that no code throws on purpose. */
function isDefect(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    (error instanceof Error && error.message.startsWith("defect:"))
  );
}

function errorText(_: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

/** From a decision to its last call: a few batches of creates, each a way there and back. */
function syncMsOf(script: Script): number {
  const { delayMs = 0 } = script.faults;
  return 24 * delayMs + 1;
}
