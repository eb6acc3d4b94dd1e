/**
 * One sync of one DaemonSet, step by step as upstream's (docs/spec/daemonset-controller.md#5), over slots that events
 * keep up to date.
 *
 *   stale? ─▶ history ─▶ claim ─▶ expectations met? ─▶ manage ─▶ rolling update ─▶ history clean-up ─▶ status
 *                                        └── no ──▶ status only, observedGeneration untouched
 *
 * Not here: which events lead to a sync (handlers.ts), the decisions (plan.ts, rolling-update.ts, history.ts, status.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, syncDaemonSet.
 */
import { type DaemonSet, maxUnreachableAnnotation, type Pod, pods } from "../../api/index.ts";
import type { Clock, Log, Random } from "../../base/index.ts";
import {
  type Client,
  type EventRecorder,
  type Expectations,
  type Informer,
  type ReconcileResult,
} from "../../client/index.ts";
import { apply } from "./apply.ts";
import { ClaimPass } from "./claim.ts";
import { joinErrors } from "./errors.ts";
import { explain, type Verdict } from "./explain.ts";
import type { History } from "./history.ts";
import { observe, paramsOf, strategyOf } from "./observe.ts";
import { isOlder } from "./resource-versions.ts";
import { type Action, plan, type Snapshot } from "./plan.ts";
import type { RevisionKeeper } from "./revisions.ts";
import type { Standstill } from "./reasons.ts";
import { planRollout } from "./rolling-update.ts";
import { standstills } from "./standstill.ts";
import { statusNumbers } from "./status.ts";
import { writeStatus } from "./status-writer.ts";
import { podMaker, type PlacementMode } from "./template.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";
import type { Tracker } from "./tracker.ts";
import type { WrittenResource } from "./unconfirmed-writes.ts";
import { Warnings } from "./warnings.ts";

/** Claim patches sent at once: as many as keep a connection busy. */
const claimsAtOnce = 64;
/**
 * A sync that waits for a cache is tried again at the latest after this, in ms. The missing event enqueues the key much earlier;
 * this is for events that never come: of pods that came and went while the watch was broken.
 */
const staleRecheckMs = 30_000;
const selectingAll = "This daemon set is selecting all pods. A non-empty selector is required.";

export interface ReconcileDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly recorder: EventRecorder;
  readonly expectations: Expectations;
  readonly tracker: Tracker;
  readonly revisions: RevisionKeeper;
  readonly daemonSets: Informer<DaemonSet>;
  readonly pods: Informer<Pod>;
  /** Told of each sync that a stale cache prevented. */
  staleSkipped(resource: string): void;
  /** Told of what a step is about to do. */
  acting(daemonSet: DaemonSet, actions: readonly Action[]): void;
}

export interface ReconcileOptions {
  readonly placement: PlacementMode;
  readonly burst: number;
  readonly planning: Planning;
}

/** The two decisions of a sync. */
export interface Planning {
  plan(snapshot: Snapshot): readonly Action[];
  planRollout(snapshot: Snapshot): readonly Action[];
}

export const ownPlanning: Planning = { plan, planRollout };

interface Target {
  readonly daemonSet: DaemonSet;
  readonly tracked: TrackedDaemonSet;
  readonly hash: string;
}

export class Reconciler {
  readonly #options: ReconcileOptions;
  readonly #dependencies: ReconcileDependencies;
  readonly #warnings: Warnings;

  constructor(options: ReconcileOptions, dependencies: ReconcileDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#warnings = new Warnings(dependencies);
  }

  /** Brings one DaemonSet nearer to its wanted state. Safe to repeat. @throws what the queue shall retry. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const { daemonSets, tracker, recorder } = this.#dependencies;
    const daemonSet = daemonSets.lister.get(key);
    const tracked = tracker.get(key);
    if (daemonSet === undefined || tracked === undefined) return undefined;
    const [standstill] = this.#standstills(daemonSet, tracked);
    if (standstill === undefined) return this.#sync(daemonSet, tracked);
    if (standstill.why === "SelectsAllPods")
      recorder.event(daemonSet, "Warning", "SelectingAll", selectingAll);
    if (standstill.why !== "CacheBehind") return undefined;
    this.#dependencies.staleSkipped(standstill.resource);
    return { requeueAfterMs: staleRecheckMs };
  }

  /**
   * Takes a snapshot of a DaemonSet. The answer gives the verdict of one node at a time, and is valid until the next event.
   * @returns undefined when there is no such DaemonSet.
   */
  explain(key: string): ((node: string) => Verdict) | undefined {
    const { daemonSets, tracker, clock } = this.#dependencies;
    const daemonSet = daemonSets.lister.get(key);
    const tracked = tracker.get(key);
    if (daemonSet === undefined || tracked === undefined) return undefined;
    const still = [...this.#standstills(daemonSet, tracked)];
    if (!this.#isSatisfied(tracked)) still.push({ why: "WritesUnseen" });
    if (!tracked.isBuilt || tracked.revised?.generation !== daemonSet.metadata.generation)
      still.push({ why: "NotSynced" });
    tracked.slots.advance();
    const snapshot = observe(daemonSet, tracked, { nowMs: clock.nowMs(), burst: this.#options.burst });
    const verdictOf = explain(snapshot, still);
    return (node) => verdictOf(tracked.question(node));
  }

  #standstills(daemonSet: DaemonSet, { writes }: TrackedDaemonSet): readonly Standstill[] {
    return standstills(
      daemonSet,
      writes,
      (resource) => this.#dependencies[cacheOf[resource]].lastResourceVersion,
    );
  }

  async #sync(daemonSet: DaemonSet, tracked: TrackedDaemonSet): Promise<ReconcileResult> {
    const { client, revisions } = this.#dependencies;
    const pass = new ClaimPass(client, daemonSet);
    const history = await revisions.construct(daemonSet, tracked, pass);
    tracked.historyFound(daemonSet, history);
    if (!this.#isSameSpec(daemonSet, tracked)) return undefined;
    await tracked.refresh(daemonSet, paramsOf(daemonSet, history));
    if (!this.#isCurrent(daemonSet, tracked)) return undefined;
    tracked.forgetFailures(daemonSet);
    const errors = await this.#claimPods(tracked, pass);
    if (!this.#isSatisfied(tracked)) {
      await this.#writeStatus(daemonSet, tracked, undefined);
      if (errors.length > 0) throw joinErrors(errors);
      return this.#wake(tracked);
    }
    // A decision without the pods that could not be claimed would be wrong. The status is written all the same (#23.29).
    if (errors.length === 0 && this.#isCurrent(daemonSet, tracked))
      errors.push(...(await this.#act(daemonSet, tracked, history)));
    try {
      await this.#writeStatus(daemonSet, tracked, daemonSet.metadata.generation ?? 0);
    } catch (error) {
      if (errors.length === 0) throw error;
    }
    if (errors.length > 0) throw joinErrors(errors);
    return this.#wake(tracked);
  }

  /** Whether the slots may be relied on, and were made for this specification. What changed that has put the key into the queue. */
  #isCurrent(daemonSet: DaemonSet, tracked: TrackedDaemonSet): boolean {
    return tracked.isBuilt && this.#isSameSpec(daemonSet, tracked);
  }

  /** Whether the cache still shows this specification and budget. Newer ones have put the key into the queue again. */
  #isSameSpec({ metadata }: DaemonSet, { key }: TrackedDaemonSet): boolean {
    const { uid, generation, annotations } = this.#dependencies.daemonSets.lister.get(key)?.metadata ?? {};
    const isSameBudget =
      annotations?.[maxUnreachableAnnotation] === metadata.annotations?.[maxUnreachableAnnotation];
    return uid === metadata.uid && generation === metadata.generation && isSameBudget;
  }

  /** Placement, then the roll-out if nothing is awaited, then the history. @returns the error, if any, of the first step that failed. */
  async #act(daemonSet: DaemonSet, tracked: TrackedDaemonSet, history: History): Promise<unknown[]> {
    const { revisions } = this.#dependencies;
    const { planning } = this.#options;
    const target = { daemonSet, tracked, hash: history.hash };
    const snapshot = (): Snapshot =>
      observe(daemonSet, tracked, { nowMs: this.#dependencies.clock.nowMs(), burst: this.#options.burst });
    try {
      this.#warnings.tellSpec(daemonSet, tracked);
      this.#warnings.tellUnreadable(daemonSet, tracked);
      this.#warnings.tellHeld(daemonSet, tracked);
      this.#warnings.tellRefusals(daemonSet, tracked);
      this.#warnings.tellUnscheduled(daemonSet, tracked);
      await this.#apply(target, planning.plan(snapshot()));
      if (
        this.#isCurrent(daemonSet, tracked) &&
        this.#isSatisfied(tracked) &&
        strategyOf(daemonSet).type === "RollingUpdate"
      ) {
        tracked.slots.advance();
        await this.#apply(target, planning.planRollout(snapshot()));
      }
      await revisions.cleanUp(daemonSet, history, (hash) => tracked.slots.isHashInUse(hash));
      return [];
    } catch (error) {
      return [error];
    }
  }

  async #apply(target: Target, actions: readonly Action[]): Promise<void> {
    const { daemonSet, tracked, hash } = target;
    if (actions.length === 0) return;
    for (const action of actions) {
      if (action.do !== "delete") continue;
      tracked.writes.deleteSent(action.uid);
      if (action.because === "failed") tracked.podFailed(action.node);
    }
    this.#dependencies.acting(daemonSet, actions);
    let make: ((node: string) => Pod) | undefined;
    const podFor = (node: string): Pod => {
      make ??= podMaker(daemonSet, { hash, placement: this.#options.placement });
      return make(node);
    };
    const cached = (name: string): Pod | undefined =>
      this.#dependencies.pods.lister.get(`${tracked.namespace}/${name}`);
    await apply({ daemonSet, tracked, actions, podFor, cached }, this.#dependencies);
  }

  /** Releases what does not match any more and adopts what does. @returns the errors; the rest is claimed. */
  async #claimPods(tracked: TrackedDaemonSet, pass: ClaimPass): Promise<unknown[]> {
    const errors: unknown[] = [];
    const claims = [
      ...[...tracked.claims.notMatching.values()].map((pod) => ({ pod, adopt: false })),
      ...[...tracked.claims.orphans.values()].map((pod) => ({ pod, adopt: true })),
    ];
    for (let at = 0; at < claims.length; at += claimsAtOnce) {
      const part = claims.slice(at, at + claimsAtOnce);
      const results = await Promise.allSettled(
        part.map(({ pod, adopt }) =>
          adopt ? this.#adopt(tracked, pod, pass) : this.#release(tracked, pod, pass),
        ),
      );
      for (const result of results) if (result.status === "rejected") errors.push(result.reason);
    }
    return errors;
  }

  /** Counts the adopted pod at once, before the cache shows it. */
  async #adopt(tracked: TrackedDaemonSet, pod: Pod, pass: ClaimPass): Promise<void> {
    const uid = pod.metadata.uid ?? "";
    const adopted = await pass.adopt(pods, pod);
    tracked.claims.adopted(uid);
    if (adopted === undefined) return;
    tracked.writes.written("pods", adopted.metadata.resourceVersion ?? "");
    const cached = this.#dependencies.pods.lister.get(`${tracked.namespace}/${pod.metadata.name ?? ""}`);
    if (cached?.metadata.uid === uid && !isOlder(adopted.metadata, cached.metadata)) tracked.put(adopted);
  }

  async #release(tracked: TrackedDaemonSet, pod: Pod, pass: ClaimPass): Promise<void> {
    await pass.release(pods, pod);
    tracked.claims.released(pod.metadata.uid ?? "");
  }

  async #writeStatus(
    daemonSet: DaemonSet,
    tracked: TrackedDaemonSet,
    observedGeneration: number | undefined,
  ): Promise<void> {
    if (!this.#isCurrent(daemonSet, tracked)) return;
    const numbers = statusNumbers(tracked.slots.counts());
    const written = await writeStatus(this.#dependencies.client, { daemonSet, numbers, observedGeneration });
    if (written === undefined) return;
    if (written === "gone") {
      tracked.writes.foundGone(daemonSet.metadata.resourceVersion);
      return;
    }
    tracked.writes.written("daemonsets", written.metadata.resourceVersion ?? "");
  }

  /** Whether the cache has shown what the last step did, or is new enough to have. */
  #isSatisfied({ uid }: TrackedDaemonSet): boolean {
    const { expectations, pods: cache } = this.#dependencies;
    return expectations.satisfied(uid, cache.lastResourceVersion);
  }

  #wake(tracked: TrackedDaemonSet): ReconcileResult {
    const wakeMs = Math.min(tracked.untilWakeMs(), this.#isSatisfied(tracked) ? Infinity : staleRecheckMs);
    return wakeMs === Infinity ? undefined : { requeueAfterMs: wakeMs };
  }
}

const cacheOf = { pods: "pods", daemonsets: "daemonSets" } as const satisfies Record<WrittenResource, string>;
