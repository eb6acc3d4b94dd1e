/**
 * The scheduler: pods without a node in, bindings out.
 *
 *   informers ─▶ cluster state, queue ─▶ choose (a value) ─▶ count it as there ─▶ POST binding, up to 64 at once
 *                                              └─ none ─▶ preempt? (a value) ─▶ keep the room, delete the victims ─┐
 *                                                              └─ no ─▶ condition, event, park until something ◀──┘
 *                                                                       relevant changes
 *
 * Choosing is synchronous, so no two pods ever see the same room free. Daemon pods cost O(1) each.
 * Not here: who is driven out, and how (preemption.ts, preemptor.ts).
 * Upstream: kubernetes v1.35, pkg/scheduler/schedule_one.go, eventhandlers.go.
 */
import type { Counter, Gauge } from "../base/index.ts";
import { isPodTerminal, type Node, nodes, type Pod, podCondition, pods } from "../api/index.ts";
import { type Controller, type ControllerContext, type Informer, runWhenSynced } from "../client/index.ts";
import { isConflict, isNotFound, keyOf } from "../machinery/index.ts";
import { bindPod, reportGated, reportUnschedulable } from "./calls.ts";
import { ClusterState } from "./cluster-state.ts";
import { type Candidate, type Filter, rejectionOf } from "./filters.ts";
import { factsOf, isGated, isToSchedule, shapeOf } from "./pod-facts.ts";
import { Preemptor } from "./preemptor.ts";
import type { Preemption } from "./preemption.ts";
import { type Parked, type ParkedReason, SchedulingQueue, type Waiting } from "./queue.ts";
import { type Choice, Selector } from "./select.ts";

export interface SchedulerOptions {
  /** Pods that name another scheduler are left alone. Default: default-scheduler. */
  readonly schedulerName?: string;
}

/** Calls on their way at once: enough to fill a group commit, few enough to leave the server to others. */
const inFlightMax = 64;
/** Pods tried in one turn. A queue full of pods that fit nowhere must not stop the process. */
const turnMax = 256;
/** Filters that more room on a node can satisfy. */
const roomFilters: readonly Filter[] = ["NodeResourcesFit", "NodePorts"];

/** Asks for its informers at once; does nothing before `run`. `run` ends when the signal aborts; call it once. */
export function createScheduler(options: SchedulerOptions, context: ControllerContext): Controller {
  return new Scheduler(options, context);
}

class Scheduler implements Controller {
  readonly #name: string;
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #cluster = new ClusterState();
  readonly #queue: SchedulingQueue;
  readonly #selector: Selector;
  readonly #preemptor: Preemptor;
  readonly #attempts: Counter;
  readonly #pending: Gauge;
  #inFlight = 0;
  #isRunning = false;
  #isTurnDue = false;

  constructor(options: SchedulerOptions, context: ControllerContext) {
    const { informers, clock, metrics, random } = context;
    this.#name = options.schedulerName ?? "default-scheduler";
    this.#context = context;
    this.#queue = new SchedulingQueue(clock, () => this.#turnSoon());
    this.#selector = new Selector(this.#cluster, random);
    this.#attempts = metrics.counter("scheduler_schedule_attempts_total", "Tries to find a node for a pod.", [
      "result",
    ]);
    this.#pending = metrics.gauge("scheduler_pending_pods", "Pods that wait for a node.");
    this.#pods = informers.for(pods);
    this.#nodes = informers.for(nodes);
    this.#preemptor = new Preemptor(context, this.#cluster, this.#pods);
    this.#nodes.addHandler({
      added: (node) => this.#nodeSeen(node),
      updated: (_before, node) => this.#nodeSeen(node),
      deleted: (node) => this.#nodeGone(node.metadata.name ?? ""),
    });
    this.#pods.addHandler({
      added: (pod) => this.#podSeen(undefined, pod),
      updated: (before, pod) => this.#podSeen(before, pod),
      deleted: (pod) => this.#podGone(pod),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return runWhenSynced(this.#context.informers, signal, () => this.#work(signal));
  }

  async #work(signal: AbortSignal): Promise<void> {
    this.#isRunning = true;
    this.#turn();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#isRunning = false;
    this.#queue.stop();
  }

  #nodeSeen(node: Node): void {
    if (this.#cluster.setNode(node)) this.#releaseFor(node.metadata.name ?? "", false);
  }

  /** Whoever made room there has to make it elsewhere. */
  #nodeGone(name: string): void {
    this.#cluster.removeNode(name);
    for (const { key } of this.#cluster.nominatedTo(name)) this.#queue.releaseOne(key);
  }

  #podSeen(before: Pod | undefined, pod: Pod): void {
    if (before !== undefined && before.metadata.uid !== pod.metadata.uid) this.#podGone(before);
    const key = keyOf(pod);
    if (pod.spec.nodeName) {
      this.#queue.remove(key);
      this.#endNomination(pod);
      if (isPodTerminal(pod)) this.#freed(pod);
      else if (!this.#isCounted(before, pod)) this.#cluster.addPod(factsOf(pod), pod.spec.nodeName);
    } else if (!isToSchedule(pod, this.#name)) {
      this.#queue.remove(key);
      this.#endNomination(pod);
    } else if (isGated(pod)) {
      this.#background(reportGated(this.#context, pod));
    } else {
      this.#nominationSeen(before, pod);
      this.#wanted(before, pod);
    }
    this.#pending.set(this.#queue.size);
  }

  #wanted(before: Pod | undefined, pod: Pod): void {
    const key = keyOf(pod);
    const uid = pod.metadata.uid ?? "";
    if (!this.#queue.has(key, uid)) {
      // A pod that was given a node already waits for its binding to be seen.
      if (!this.#isAssumed(pod)) this.#queue.add(key, uid, pod.spec.priority ?? 0);
      return;
    }
    if (before === undefined || before.spec === pod.spec) return;
    if (shapeOf(before, factsOf(before)) !== shapeOf(pod, factsOf(pod))) this.#queue.releaseOne(key);
  }

  /** What the status says counts when it changes. Between that we know more than the cache. */
  #nominationSeen(before: Pod | undefined, pod: Pod): void {
    const node = pod.status?.nominatedNodeName ?? "";
    if (node === (before?.status?.nominatedNodeName ?? "") || this.#isAssumed(pod)) return;
    if (node === "") this.#endNomination(pod);
    else this.#cluster.nominate(factsOf(pod), node);
  }

  #isAssumed({ metadata }: Pod): boolean {
    return this.#cluster.nodeOfPod(metadata.uid ?? "") !== undefined;
  }

  #endNomination({ metadata, spec }: Pod): void {
    const node = this.#cluster.endNomination(metadata.uid ?? "");
    if (node !== undefined && node !== spec.nodeName) this.#releaseFor(node, true);
  }

  /** True for updates that change no demand: the binding that we made, a new status. Servers raise the generation with the spec. */
  #isCounted(before: Pod | undefined, pod: Pod): boolean {
    const { generation, uid = "" } = pod.metadata;
    if (before === undefined || this.#cluster.nodeOfPod(uid) !== pod.spec.nodeName) return false;
    return !before.spec.nodeName || (generation !== undefined && before.metadata.generation === generation);
  }

  #podGone(pod: Pod): void {
    this.#queue.remove(keyOf(pod));
    this.#endNomination(pod);
    this.#preemptor.podGone(pod.metadata.uid ?? "");
    this.#freed(pod);
    this.#pending.set(this.#queue.size);
  }

  #freed(pod: Pod): void {
    const node = this.#cluster.removePod(pod.metadata.uid ?? "");
    if (node !== undefined) this.#releaseFor(node, true);
  }

  /** Releases parked pods that this node suits now, or could. O(1) for pinned pods, else one check for each waiting shape. */
  #releaseFor(name: string, isRoomOnly: boolean): void {
    const node = this.#cluster.node(name);
    if (node === undefined) return;
    for (const parked of this.#queue.concernedBy(name)) {
      if (isRoomOnly && !roomFilters.some((filter) => parked.filters.has(filter))) continue;
      const rejection = rejectionOf(parked.sample, node);
      if (
        rejection === undefined ||
        (rejection.isResolvable && this.#preemptor.couldMakeRoom(parked.sample, node))
      )
        this.#queue.release(parked);
    }
    for (const facts of this.#cluster.nominatedTo(name))
      if (this.#preemptor.waitsInVain(facts, node)) this.#queue.releaseOne(facts.key);
  }

  #turnSoon(): void {
    if (this.#isTurnDue || !this.#isRunning) return;
    this.#isTurnDue = true;
    queueMicrotask(() => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    for (let looked = 0; this.#isRunning && this.#inFlight < inFlightMax; looked++) {
      if (looked === turnMax) {
        this.#context.clock.after(0, () => this.#turn());
        return;
      }
      const waiting = this.#queue.take();
      if (waiting === undefined) return;
      this.#scheduleOne(waiting);
    }
  }

  #scheduleOne(waiting: Waiting): void {
    const pod = this.#pods.lister.get(waiting.key);
    if (pod?.metadata.uid !== waiting.uid || !isToSchedule(pod, this.#name)) {
      this.#queue.remove(waiting.key);
      return;
    }
    const candidate = { pod, facts: factsOf(pod) };
    const parked = this.#parkedAlike(candidate);
    if (parked !== undefined) {
      this.#queue.park(waiting, parked);
      this.#attempts.add(1, { result: "unschedulable" });
      const { message } = parked;
      const isSaid = podCondition(pod, "PodScheduled")?.message === message;
      // A promise that was taken back while the pod's status was on its way may still stand there.
      if (!isSaid || pod.status?.nominatedNodeName)
        this.#background(reportUnschedulable(this.#context, pod, { message, nominatedNodeName: null }));
      return;
    }
    const choice = this.#selector.choose(candidate);
    if (choice.node !== undefined) {
      this.#attempts.add(1, { result: "scheduled" });
      const promised = this.#cluster.nominationOf(waiting.uid);
      this.#cluster.addPod(candidate.facts, choice.node);
      if (promised !== undefined && promised !== choice.node) this.#releaseFor(promised, true);
      this.#background(this.#bind(waiting, candidate, choice.node));
      return;
    }
    this.#attempts.add(1, { result: "unschedulable" });
    this.#unschedulable(waiting, candidate, choice);
  }

  /** Pods of this shape that failed, if nothing that could help has changed since. One that has a promise is like no other. */
  #parkedAlike({ pod, facts }: Candidate): Parked | undefined {
    if (!this.#queue.hasParkedShapes || this.#cluster.nominationOf(facts.uid) !== undefined) return undefined;
    return this.#queue.parkedShape(shapeOf(pod, facts));
  }

  #unschedulable(
    waiting: Waiting,
    candidate: Candidate,
    choice: Choice & { readonly node: undefined },
  ): void {
    const { pod, facts } = candidate;
    const { diagnosis, pinned } = choice;
    const preemption = this.#preemptor.decide(candidate, diagnosis.resolvable);
    const message = diagnosis.message(this.#cluster.nodeCount, preemption);
    if (preemption.do === "give-up") this.#endNomination(pod);
    const isAlone =
      pinned !== undefined ||
      preemption.do === "preempt" ||
      this.#cluster.nominationOf(facts.uid) !== undefined;
    const parked = {
      shape: isAlone ? `pod ${waiting.uid}` : shapeOf(pod, facts),
      sample: candidate,
      filters: diagnosis.filters,
      pinned,
      message,
    };
    if (preemption.do === "preempt") {
      this.#background(this.#makeRoom(waiting, parked, preemption));
      return;
    }
    this.#queue.park(waiting, parked);
    const nominatedNodeName = this.#cluster.nominationOf(facts.uid) ?? null;
    this.#background(reportUnschedulable(this.#context, pod, { message, nominatedNodeName }));
  }

  /** The pod is parked when the calls have ended. By then a victim may have gone, the pod changed, the promise been taken back. */
  async #makeRoom(
    waiting: Waiting,
    parked: ParkedReason,
    preemption: Preemption & { readonly do: "preempt" },
  ): Promise<void> {
    const { node } = preemption;
    const { pod, facts } = parked.sample;
    for (const { key } of this.#preemptor.nominate(parked.sample, node)) this.#queue.releaseOne(key);
    const said = reportUnschedulable(this.#context, pod, {
      message: parked.message,
      nominatedNodeName: node,
    });
    try {
      await Promise.all([said, this.#preemptor.evict(pod, preemption)]);
    } catch (error) {
      this.#queue.retry(waiting);
      if (this.#isRunning)
        this.#context.log.warn("preemption failed", { pod: waiting.key, error: String(error) });
      return;
    }
    const now = this.#pods.lister.get(waiting.key);
    const isChanged = now !== undefined && shapeOf(now, factsOf(now)) !== shapeOf(pod, facts);
    if (isChanged || this.#cluster.nominationOf(facts.uid) !== node) this.#queue.retry(waiting);
    else {
      this.#queue.park(waiting, parked);
      this.#releaseFor(node, true);
    }
  }

  async #bind(waiting: Waiting, { pod, facts }: Candidate, node: string): Promise<void> {
    try {
      await bindPod(this.#context, pod, node);
      this.#queue.remove(waiting.key);
    } catch (error) {
      this.#bindFailed(waiting, facts.uid, error);
    }
  }

  /** Gives the room back, unless the cache shows the binding after all. Bindings and deletions by others come as events. */
  #bindFailed(waiting: Waiting, uid: string, error: unknown): void {
    this.#attempts.add(1, { result: "error" });
    const seen = this.#pods.lister.get(waiting.key);
    if (seen?.metadata.uid === uid && seen.spec.nodeName) return;
    const freed = this.#cluster.removePod(uid);
    if (seen !== undefined) this.#nominationSeen(undefined, seen);
    if (freed !== undefined) this.#releaseFor(freed, true);
    if (isNotFound(error) && seen?.metadata.uid !== uid) this.#queue.remove(waiting.key);
    else this.#queue.retry(waiting);
    if (this.#isRunning && !isConflict(error) && !isNotFound(error)) {
      this.#context.log.warn("binding failed", { pod: waiting.key, error: String(error) });
    }
  }

  /** Counts a call as under way. When it ends the next pod is tried. */
  #background(call: Promise<void>): void {
    this.#inFlight++;
    void call.finally(() => {
      this.#inFlight--;
      this.#turnSoon();
    });
  }
}
