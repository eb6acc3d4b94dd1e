/**
 * One DaemonSet of one UID, with all that is known of its pods and nodes.
 * Its slots are built at its first sync and again when its placement or selector changed; in between every event is
 * applied as it comes. Until then events pass it by: building reads the caches.
 *
 * Not here: which event concerns which DaemonSet (tracker.ts).
 */
import { type DaemonSet, maxUnreachableOf, type Node, type Pod, type PodSpec } from "../../api/index.ts";
import { type Clock, sleep } from "../../base/index.ts";
import type { Lister } from "../../client/index.ts";
import { controllerOf, keyOf, type Selector, selectorFromLabelSelector } from "../../machinery/index.ts";
import { type FailedPodBackoff, RejectedPods } from "./backoff.ts";
import { Claims } from "./claims.ts";
import { type PodFacts, podFacts, type SlotParams } from "./facts.ts";
import type { History } from "./history.ts";
import { legacyAnswer, legacyFingerprint } from "./legacy-placement.ts";
import { isOlder } from "./resource-versions.ts";
import { orphansOf, ownerIndex } from "./owner-index.ts";
import { type NodeChange, type PlacementRule, placementRule } from "./placement.ts";
import { rejectHoldMs } from "./plan.ts";
import { DaemonSetSlots, type Placement } from "./slots.ts";
import type { SlotFacts } from "./slot-view.ts";
import { UnconfirmedWrites } from "./unconfirmed-writes.ts";
import { isUnreachable } from "./unreachable.ts";

export interface TrackerDependencies {
  readonly clock: Clock;
  readonly pods: Lister<Pod>;
  readonly nodes: Lister<Node>;
  /** Given with `controller-legacy` placement only: all pods that are bound to a node. */
  podsOn?(node: string): readonly Pod[];
}

/** Wall and monotonic time drifting apart by more than this counts as a jump of the wall clock. */
const clockJumpMs = 1_000;

/**
 * Objects taken into new slots before other work gets its turn: 5 to 10 ms. 15,000 nodes with their pods in one go
 * would keep everything else waiting for 100 to 200 ms.
 */
export const buildSlice = 1_000;

export interface Revised {
  readonly generation: number | undefined;
  /** Since when, in wall time, its revision is current. */
  readonly currentSinceMs: number | undefined;
}

/** One DaemonSet of one UID, with all that is known of its pods. */
export class TrackedDaemonSet {
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly backoff: FailedPodBackoff;
  readonly rejected: RejectedPods = new RejectedPods();
  /** Nodes that were put on hold since the last `takeHeld`, with the number of rejects in a row. */
  readonly #newlyHeld = new Map<string, number>();
  /** With `controller-legacy` placement: nodes that want a pod and cannot take one, with the reason. */
  readonly #refusals = new Map<string, string>();
  #newlyRefused = new Map<string, string>();
  readonly claims: Claims;
  readonly writes: UnconfirmedWrites = new UnconfirmedWrites();
  /** Nobody had ever finished a sync of the DaemonSet when it was first seen here. */
  readonly isNew: boolean;
  #revised: Revised | undefined;
  readonly #dependencies: TrackerDependencies;
  #podLabels: Readonly<Record<string, string>>;
  #podSpec: PodSpec;
  #rule: PlacementRule;
  /** Whether it matters which nodes are unreachable. */
  #watchesReach = false;
  #slots: DaemonSetSlots;
  /** What the slots were built for, or are being built for; events are applied from then on. */
  #builtFor: string | undefined;
  #isBuilding = false;
  #clockOffsetMs: number;

  constructor(daemonSet: DaemonSet, dependencies: TrackerDependencies, backoff: FailedPodBackoff) {
    this.key = keyOf(daemonSet);
    this.uid = daemonSet.metadata.uid ?? "";
    this.namespace = daemonSet.metadata.namespace ?? "";
    this.isNew = (daemonSet.status?.observedGeneration ?? 0) === 0;
    this.backoff = backoff;
    this.#dependencies = dependencies;
    this.claims = new Claims(selectorOf(daemonSet));
    this.#podLabels = podLabelsOf(daemonSet);
    this.#podSpec = daemonSet.spec.template.spec!;
    this.#rule = placementRule(this.#podSpec);
    this.#clockOffsetMs = this.#offsetMs();
    this.#slots = this.#emptySlots();
  }

  /** The template whose revision was found or made last. */
  get revised(): Revised | undefined {
    return this.#revised;
  }

  historyFound({ metadata }: DaemonSet, { currentSinceMs }: History): void {
    this.#revised = { generation: metadata.generation, currentSinceMs };
  }

  /** Empty until the first `refresh`. */
  get slots(): DaemonSetSlots {
    return this.#slots;
  }

  /** Whether the slots are complete; their counts mean something only then. */
  get isBuilt(): boolean {
    return this.#takesEvents && !this.#isBuilding;
  }

  get #takesEvents(): boolean {
    return this.#builtFor !== undefined;
  }

  /**
   * Brings the slots in line with the DaemonSet and the clock. A full pass only when placement or selector changed, or
   * whether unreachable nodes matter (rebuild, in slices), or the parameters did, or the wall clock jumped. One call at a time.
   */
  async refresh(daemonSet: DaemonSet, params: SlotParams): Promise<void> {
    const rule = placementRule(daemonSet.spec.template.spec!);
    const selector = selectorOf(daemonSet);
    this.#podLabels = podLabelsOf(daemonSet);
    const podSpec = daemonSet.spec.template.spec!;
    const legacy = this.#dependencies.podsOn === undefined ? "" : legacyFingerprint(podSpec);
    const watchesReach = maxUnreachableOf(daemonSet) !== undefined;
    const fingerprint = [rule.fingerprint, selector.toString(), legacy, watchesReach].join("\n");
    if (this.#builtFor !== fingerprint) {
      this.#rule = rule;
      this.#podSpec = podSpec;
      this.claims.reset(selector);
      this.#watchesReach = watchesReach;
      this.#builtFor = fingerprint;
      await this.#build(params);
      return;
    }
    const isSeenAnew = this.#slots.setParams(params);
    const offsetMs = this.#offsetMs();
    if (Math.abs(offsetMs - this.#clockOffsetMs) > clockJumpMs) {
      this.#clockOffsetMs = offsetMs;
      if (!isSeenAnew) this.#slots.judgeAll();
    }
    this.#slots.advance();
  }

  /** A pod that has this DaemonSet as controller. A state older than the one known is ignored. */
  put(pod: Pod): void {
    if (!this.#takesEvents) return;
    const uid = pod.metadata.uid ?? "";
    const known = this.#known(pod);
    if (known !== undefined && isOlder(pod.metadata, known)) return;
    const { isMatching, node } = this.claims.own(pod);
    if (!isMatching || pod.metadata.deletionTimestamp !== undefined) this.#lost(this.#slots.pod(uid));
    if (node === undefined) this.#slots.removePod(uid);
    else this.#slots.putPod(podFacts(pod, node));
  }

  /** The pod is gone or has another controller now. */
  drop(uid: string): void {
    this.#lost(this.#slots.pod(uid));
    this.writes.podGone(uid);
    this.#slots.removePod(uid);
    this.claims.drop(uid);
  }

  /** Nodes that cannot take the pod they want, with the reason, as far as not told by an earlier call. */
  takeRefusals(): ReadonlyMap<string, string> {
    const refused = this.#newlyRefused;
    this.#newlyRefused = new Map();
    return refused;
  }

  /** Drops failures and rejects that are long past. */
  sweep(nowMs: number): void {
    this.backoff.sweep(nowMs);
    this.rejected.sweep(nowMs);
  }

  /** Nodes put on hold since the last call, with their rejects in a row. */
  takeHeld(): ReadonlyMap<string, number> {
    const held = new Map(this.#newlyHeld);
    this.#newlyHeld.clear();
    return held;
  }

  /** What failed or was rejected before the DaemonSet's last change is forgotten: the new spec may do better. */
  forgetFailures(daemonSet: DaemonSet): void {
    const hadFailures = this.backoff.setGeneration(daemonSet.status?.observedGeneration ?? 0);
    const hadRejects = this.rejected.setGeneration(daemonSet.metadata.generation ?? 0);
    if (hadFailures || hadRejects) this.#slots.judgeAll();
  }

  /** The pod goes. Somebody else's doing is remembered, once per pod. */
  #lost(pod: PodFacts | undefined): void {
    if (pod === undefined || pod.isTerminating || this.writes.isDeleting(pod.uid)) return;
    const { clock } = this.#dependencies;
    const loss = { ageMs: clock.nowMs() - pod.createdMs, wasReady: pod.isReady };
    const rejects = this.rejected.lost(pod.node, loss, clock.monotonicMs());
    if (rejectHoldMs(rejects) > 0) this.#newlyHeld.set(pod.node, rejects);
    else this.#newlyHeld.delete(pod.node);
  }

  /** A pod without controller: kept for adoption if it matches. One that we have adopted since is known better. */
  putOrphan(pod: Pod): void {
    if (!this.#takesEvents) return;
    const known = this.#known(pod);
    if (known !== undefined && isOlder(pod.metadata, known)) return;
    if (known !== undefined) this.drop(pod.metadata.uid ?? "");
    this.claims.orphan(pod);
  }

  /** What is known of an owned pod, wherever it is kept. */
  #known({ metadata: { uid = "" } }: Pod): { readonly resourceVersion?: string } | undefined {
    return this.#slots.pod(uid) ?? this.claims.owned(uid)?.metadata;
  }

  /** Whether the other's selector matches the pods of this one's template. */
  makesPodsFor(other: TrackedDaemonSet): boolean {
    return other.claims.matches({ metadata: { labels: this.#podLabels } });
  }

  /** The pod that we created for `node` cannot be told to belong there; remember it. */
  rememberNode(pod: Pod, node: string): void {
    const waiting = this.claims.rememberNode(pod.metadata.uid ?? "", node);
    if (waiting !== undefined) this.put(waiting);
  }

  isConcernedBy(change: NodeChange): boolean {
    if (!this.#takesEvents) return false;
    return this.#rule.isConcernedBy(change) || (this.#watchesReach && change.isReach);
  }

  /** @returns whether anything changed for the DaemonSet. */
  putNode(node: Node): boolean {
    return this.#takesEvents && this.#slots.putNode(node.metadata.name ?? "", this.#place(node));
  }

  /** @returns whether the DaemonSet had a slot there. */
  dropNode(node: string): boolean {
    this.#refusals.delete(node);
    return this.#takesEvents && this.#slots.removeNode(node);
  }

  /** Ends of the back-offs that are running on the nodes of these slots. */
  backoffsOf(slots: readonly SlotFacts[]): ReadonlyMap<string, number> {
    const ends = new Map<string, number>();
    for (const { node } of slots) {
      const until = this.#backoffUntilMs(node);
      if (until !== undefined) ends.set(node, until);
    }
    return ends;
  }

  /** Ends of the holds that are running on the nodes of these slots. */
  holdsOf(slots: readonly SlotFacts[]): ReadonlyMap<string, number> {
    const ends = new Map<string, number>();
    for (const { node } of slots) {
      const until = this.#holdUntilMs(node);
      if (until !== undefined) ends.set(node, until);
    }
    return ends;
  }

  /** Milliseconds until time alone changes a slot; Infinity for never. */
  untilWakeMs(): number {
    return Math.max(0, this.#slots.nextWakeMs - this.#dependencies.clock.nowMs());
  }

  #emptySlots(params?: SlotParams): DaemonSetSlots {
    const { clock, nodes } = this.#dependencies;
    return new DaemonSetSlots({
      placementOf: (name) => {
        const node = nodes.get(name);
        return node === undefined ? undefined : this.#place(node);
      },
      nowMs: () => clock.nowMs(),
      backoffUntilMs: (node) => this.#backoffUntilMs(node),
      holdUntilMs: (node) => this.#holdUntilMs(node),
      ...(params === undefined ? {} : { params }),
    });
  }

  #backoffUntilMs(node: string): number | undefined {
    return this.#inWallTime(this.backoff.untilMs(node, this.#dependencies.clock.monotonicMs()));
  }

  #holdUntilMs(node: string): number | undefined {
    if (this.#refusals.has(node)) return Infinity;
    return this.#inWallTime(this.rejected.untilMs(node, this.#dependencies.clock.monotonicMs()));
  }

  /** Back-offs count in monotonic time; slots are judged in wall time. */
  #inWallTime(untilMs: number | undefined): number | undefined {
    return untilMs === undefined ? undefined : untilMs + this.#offsetMs();
  }

  /** New slots from the caches. Events that come between two slices are applied to the new slots as well. */
  async #build(params: SlotParams): Promise<void> {
    this.#slots = this.#emptySlots(params);
    this.#clockOffsetMs = this.#offsetMs();
    this.#refusals.clear();
    this.#isBuilding = true;
    try {
      let taken = 0;
      for (const take of this.#everything()) {
        take();
        if (++taken % buildSlice === 0) await sleep(this.#dependencies.clock, 0);
      }
    } catch (error) {
      this.#builtFor = undefined;
      throw error;
    } finally {
      this.#isBuilding = false;
    }
  }

  /** What the caches hold for this DaemonSet; each object is read again when its turn comes. */
  *#everything(): Generator<() => void> {
    const { pods, nodes } = this.#dependencies;
    for (const listed of pods.byIndex(ownerIndex, this.uid)) {
      const pod = pods.get(keyOf(listed));
      if (pod !== undefined && controllerOf(pod)?.uid === this.uid) yield () => this.put(pod);
    }
    for (const { metadata } of nodes.list()) {
      const node = nodes.get(metadata.name ?? "");
      // A slot that its pod has opened has asked for the node already.
      if (node !== undefined && this.#slots.slot(metadata.name ?? "") === undefined)
        yield () => this.putNode(node);
    }
    for (const listed of pods.byIndex(ownerIndex, orphansOf(this.namespace))) {
      const pod = pods.get(keyOf(listed));
      if (pod !== undefined && controllerOf(pod) === undefined) yield () => this.putOrphan(pod);
    }
  }

  #place(node: Node): Placement {
    const placement = this.#placeByRule(node);
    return this.#watchesReach && isUnreachable(node) ? { ...placement, isUnreachable: true } : placement;
  }

  #placeByRule(node: Node): Placement {
    const basic = this.#rule.place(node);
    const name = node.metadata.name ?? "";
    if (this.#dependencies.podsOn === undefined) return basic;
    const others = this.#dependencies.podsOn(name).filter((pod) => controllerOf(pod)?.uid !== this.uid);
    const { placement, refusal } = legacyAnswer(this.#podSpec, node, { basic, others });
    if (refusal === undefined) {
      this.#refusals.delete(name);
      this.#newlyRefused.delete(name);
    } else {
      if (this.#refusals.get(name) !== refusal) this.#newlyRefused.set(name, refusal);
      this.#refusals.set(name, refusal);
    }
    return placement;
  }

  #offsetMs(): number {
    const { clock } = this.#dependencies;
    return clock.nowMs() - clock.monotonicMs();
  }
}

function selectorOf(daemonSet: DaemonSet): Selector {
  return selectorFromLabelSelector(daemonSet.spec.selector);
}

function podLabelsOf(daemonSet: DaemonSet): Readonly<Record<string, string>> {
  return daemonSet.spec.template.metadata?.labels ?? {};
}
