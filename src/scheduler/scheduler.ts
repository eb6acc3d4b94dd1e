/**
 * The scheduler: pods without a node in, bindings out.
 *
 *   informers ─▶ cluster state, queue ─▶ choose (a value) ─▶ count it as there ─▶ POST binding, up to 64 at once
 *                                              └─ none ─▶ condition, event, park until something relevant changes
 *
 * Choosing is synchronous, so no two pods ever see the same room free. Daemon pods cost O(1) each.
 * Not here: preemption. A pod never makes room for itself by removing others, whatever its priority.
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
import { type Parked, SchedulingQueue, type Waiting } from "./queue.ts";
import { Selector } from "./select.ts";

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
    this.#nodes.addHandler({
      added: (node) => this.#nodeSeen(node),
      updated: (_before, node) => this.#nodeSeen(node),
      deleted: (node) => this.#cluster.removeNode(node.metadata.name ?? ""),
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

  #podSeen(before: Pod | undefined, pod: Pod): void {
    if (before !== undefined && before.metadata.uid !== pod.metadata.uid) this.#podGone(before);
    const key = keyOf(pod);
    if (pod.spec.nodeName) {
      this.#queue.remove(key);
      if (isPodTerminal(pod)) this.#freed(pod);
      else if (!this.#isCounted(before, pod)) this.#cluster.addPod(factsOf(pod), pod.spec.nodeName);
    } else if (!isToSchedule(pod, this.#name)) {
      this.#queue.remove(key);
    } else if (isGated(pod)) {
      this.#background(reportGated(this.#context, pod));
    } else {
      this.#wanted(before, pod);
    }
    this.#pending.set(this.#queue.size);
  }

  #wanted(before: Pod | undefined, pod: Pod): void {
    const key = keyOf(pod);
    const uid = pod.metadata.uid ?? "";
    if (!this.#queue.has(key, uid)) {
      // A pod that was given a node already waits for its binding to be seen.
      if (this.#cluster.nodeOfPod(uid) === undefined) this.#queue.add(key, uid, pod.spec.priority ?? 0);
      return;
    }
    if (before === undefined || before.spec === pod.spec) return;
    if (shapeOf(before, factsOf(before)) !== shapeOf(pod, factsOf(pod))) this.#queue.releaseOne(key);
  }

  /** True for updates that change no demand: the binding that we made, a new status. Servers raise the generation with the spec. */
  #isCounted(before: Pod | undefined, pod: Pod): boolean {
    const { generation, uid = "" } = pod.metadata;
    if (before === undefined || this.#cluster.nodeOfPod(uid) !== pod.spec.nodeName) return false;
    return !before.spec.nodeName || (generation !== undefined && before.metadata.generation === generation);
  }

  #podGone(pod: Pod): void {
    this.#queue.remove(keyOf(pod));
    this.#freed(pod);
    this.#pending.set(this.#queue.size);
  }

  #freed(pod: Pod): void {
    const node = this.#cluster.removePod(pod.metadata.uid ?? "");
    if (node !== undefined) this.#releaseFor(node, true);
  }

  /** Releases parked pods that this node suits now. O(1) for pinned pods, else one check for each waiting shape. */
  #releaseFor(name: string, isRoomOnly: boolean): void {
    const node = this.#cluster.node(name);
    if (node === undefined) return;
    for (const parked of this.#queue.concernedBy(name)) {
      if (isRoomOnly && !roomFilters.some((filter) => parked.filters.has(filter))) continue;
      if (rejectionOf(parked.sample, node) === undefined) this.#queue.release(parked);
    }
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
    const facts = factsOf(pod);
    const parked = this.#queue.hasParkedShapes ? this.#queue.parkedShape(shapeOf(pod, facts)) : undefined;
    if (parked !== undefined) {
      // Another pod of this shape failed, and nothing that could help has changed since.
      this.#queue.park(waiting, parked);
      this.#attempts.add(1, { result: "unschedulable" });
      if (podCondition(pod, "PodScheduled")?.message === parked.message) return;
      this.#background(reportUnschedulable(this.#context, pod, parked.message));
      return;
    }
    const choice = this.#selector.choose({ pod, facts });
    if (choice.node !== undefined) {
      this.#attempts.add(1, { result: "scheduled" });
      this.#cluster.addPod(facts, choice.node);
      this.#background(this.#bind(waiting, { pod, facts }, choice.node));
      return;
    }
    const { diagnosis, pinned } = choice;
    this.#park(
      waiting,
      { pod, facts },
      {
        shape: pinned === undefined ? shapeOf(pod, facts) : `pod ${waiting.uid}`,
        sample: { pod, facts },
        filters: diagnosis.filters,
        pinned,
        message: diagnosis.message(this.#cluster.nodeCount, pod.spec.preemptionPolicy !== "Never"),
      },
    );
  }

  #park(waiting: Waiting, { pod }: Candidate, reason: Omit<Parked, "entries" | "sinceMs">): void {
    this.#attempts.add(1, { result: "unschedulable" });
    this.#queue.park(waiting, reason);
    this.#background(reportUnschedulable(this.#context, pod, reason.message));
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
