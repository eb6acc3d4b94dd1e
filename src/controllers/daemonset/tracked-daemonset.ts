/**
 * One DaemonSet of one UID, with all that is known of its pods and nodes.
 * Its slots are built at its first sync and again when its placement or selector changed; in between every event is
 * applied as it comes. Until then events pass it by: building reads the caches.
 *
 * Not here: which event concerns which DaemonSet (tracker.ts).
 */
import type { DaemonSet, Node, Pod } from "../../api/index.ts";
import { type Clock, sleep } from "../../base/index.ts";
import type { Lister } from "../../client/index.ts";
import { controllerOf, keyOf, type Selector, selectorFromLabelSelector } from "../../machinery/index.ts";
import type { FailedPodBackoff } from "./backoff.ts";
import { Claims } from "./claims.ts";
import type { Question } from "./explain.ts";
import { type PodFacts, podFacts, type SlotParams } from "./facts.ts";
import type { History } from "./history.ts";
import { Holds } from "./holds.ts";
import { recountClaims, recountPlacements, recountPlaces, recountSums, recountViews } from "./recount.ts";
import { isOlder } from "./resource-versions.ts";
import { orphansOf, ownerIndex } from "./owner-index.ts";
import { type NodePlacer, nodePlacer } from "./node-placer.ts";
import type { NodeChange } from "./placement.ts";
import { DaemonSetSlots, type Placement } from "./slots.ts";
import { UnconfirmedWrites } from "./unconfirmed-writes.ts";
import { Unscheduled } from "./unscheduled.ts";

export interface TrackerDependencies {
  readonly clock: Clock;
  readonly pods: Lister<Pod>;
  readonly nodes: Lister<Node>;
  /** Given with `controller-legacy` placement only: all pods that are bound to a node. */
  readonly podsOn?: (node: string) => readonly Pod[];
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
  readonly claims: Claims;
  readonly holds: Holds;
  readonly writes: UnconfirmedWrites = new UnconfirmedWrites();
  readonly unscheduled: Unscheduled = new Unscheduled();
  /** Nobody had ever finished a sync of the DaemonSet when it was first seen here. */
  readonly isNew: boolean;
  #revised: Revised | undefined;
  readonly #dependencies: TrackerDependencies;
  #podLabels: Readonly<Record<string, string>>;
  #slots: DaemonSetSlots;
  /** What the slots were built for, or are being built for; events are applied from then on. */
  #built: { readonly fingerprint: string; readonly placer: NodePlacer } | undefined;
  #isBuilding = false;
  #clockOffsetMs: number;

  constructor(daemonSet: DaemonSet, dependencies: TrackerDependencies, backoff: FailedPodBackoff) {
    this.key = keyOf(daemonSet);
    this.uid = daemonSet.metadata.uid ?? "";
    this.namespace = daemonSet.metadata.namespace ?? "";
    this.isNew = (daemonSet.status?.observedGeneration ?? 0) === 0;
    this.holds = new Holds(dependencies.clock, backoff);
    this.#dependencies = dependencies;
    this.claims = new Claims(selectorOf(daemonSet));
    this.#podLabels = podLabelsOf(daemonSet);
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
    return this.#built !== undefined && !this.#isBuilding;
  }

  /**
   * Brings the slots in line with the DaemonSet and the clock. Rebuilds them, in slices, when the placement, the selector or
   * the interest in unreachable nodes changed. Judges all of them when the parameters changed or the wall clock jumped.
   * Otherwise only slots whose alarm is due are judged. One call at a time.
   */
  async refresh(daemonSet: DaemonSet, params: SlotParams): Promise<void> {
    const placer = nodePlacer(daemonSet, this.#dependencies.podsOn);
    const selector = selectorOf(daemonSet);
    this.#podLabels = podLabelsOf(daemonSet);
    const fingerprint = `${placer.fingerprint}\n${selector.toString()}`;
    if (this.#built?.fingerprint !== fingerprint) {
      do {
        this.#built = { fingerprint, placer };
        this.claims.reset(selector);
        await this.#build(params);
      } while (!this.isBuilt);
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

  /** What events have kept is not to be relied on. The next `refresh` builds it anew from the caches. */
  invalidate(): void {
    this.#built = undefined;
  }

  /** A pod that has this DaemonSet as controller. A state older than the one known is ignored. */
  put(pod: Pod): void {
    if (this.#built === undefined) return;
    const uid = pod.metadata.uid ?? "";
    const known = this.#known(pod);
    if (known !== undefined && isOlder(pod.metadata, known)) return;
    const { isMatching, node } = this.claims.own(pod);
    if (!isMatching || pod.metadata.deletionTimestamp !== undefined) this.#lost(this.#slots.pod(uid));
    if (node === undefined) {
      this.unscheduled.forget(uid);
      this.#slots.removePod(uid);
      return;
    }
    this.unscheduled.see(pod, node);
    this.#slots.putPod(podFacts(pod, node));
  }

  /** The pod is gone or has another controller now. */
  drop(uid: string): void {
    this.#lost(this.#slots.pod(uid));
    this.writes.podGone(uid);
    this.unscheduled.forget(uid);
    this.#slots.removePod(uid);
    this.claims.drop(uid);
  }

  /** A failed pod of the node is being deleted. */
  podFailed(node: string): void {
    this.holds.podFailed(node);
    this.#slots.touch(node);
  }

  /** What failed or was rejected before the DaemonSet's last change is forgotten: the new spec may do better. */
  forgetFailures(daemonSet: DaemonSet): void {
    const { status, metadata } = daemonSet;
    if (this.holds.setGenerations(status?.observedGeneration ?? 0, metadata.generation ?? 0))
      this.#slots.judgeAll();
  }

  /** The pod is lost. Once per pod; a loss by the controller's own delete does not count. */
  #lost(pod: PodFacts | undefined): void {
    if (pod !== undefined && !pod.isTerminating && !this.writes.isDeleting(pod.uid)) this.holds.podLost(pod);
  }

  /** A pod without controller. It is kept for adoption if it matches. An older state than that of its adoption is ignored. */
  putOrphan(pod: Pod): void {
    if (this.#built === undefined) return;
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

  /** The pod was created for `node`, and does not name it any more. */
  rememberNode(pod: Pod, node: string): void {
    const waiting = this.claims.rememberNode(pod.metadata.uid ?? "", node);
    if (waiting !== undefined) this.put(waiting);
  }

  isConcernedBy(change: NodeChange): boolean {
    return this.#built?.placer.isConcernedBy(change) ?? false;
  }

  /** @returns whether anything changed for the DaemonSet. */
  putNode(node: Node): boolean {
    const placement = this.#place(node);
    return placement !== undefined && this.#slots.putNode(node.metadata.name ?? "", placement);
  }

  /** @returns whether the DaemonSet had a slot there. */
  dropNode(node: string): boolean {
    this.holds.setRefusal(node, []);
    return this.#built !== undefined && this.#slots.removeNode(node);
  }

  /** Milliseconds until time alone changes a slot; Infinity for never. */
  untilWakeMs(): number {
    return Math.max(0, this.#slots.nextWakeMs - this.#dependencies.clock.nowMs());
  }

  /** What `explain` has to know of a node, also of one that has no slot or is not there. */
  question(name: string): Question {
    const node = this.#dependencies.nodes.get(name);
    const obstacles = node === undefined ? undefined : this.#built?.placer.obstacles(node);
    return {
      slot: this.#slots.slotOf(name),
      obstacles: obstacles ?? [],
      context: this.#slots.context(),
      rank: (bit) => this.#slots.rank(bit, name),
    };
  }

  /**
   * Whether all that is kept agrees with itself and with the caches. O(nodes + pods).
   * @returns what disagrees; nothing before the slots are complete.
   */
  recount(): readonly string[] {
    return [...this.recountInSlices(Infinity)].flat();
  }

  /** The same in steps of so many nodes or pods, each right for its moment. Ends early when the slots are built anew. */
  *recountInSlices(size: number): Generator<readonly string[]> {
    const { pods, nodes } = this.#dependencies;
    const slots = this.#slots;
    const isSame = (): boolean => this.isBuilt && this.#slots === slots;
    if (!isSame()) return;
    const names = new Set(nodes.list().map(({ metadata }) => metadata.name ?? ""));
    for (const node of slots.contents().slots.keys()) names.add(node);
    for (const slice of slicesOf([...names], size)) {
      if (!isSame()) return;
      yield this.#recountNodes(slice);
    }
    const { orphans, notMatching, withoutNode } = this.claims;
    const known = new Map([...slots.pods()].map(({ uid, name }) => [uid, name]));
    const others = [orphans, notMatching, withoutNode].flatMap((place) => [...place.values()]);
    for (const { metadata } of [...others, ...pods.byIndex(ownerIndex, this.uid)])
      known.set(metadata.uid ?? "", metadata.name ?? "");
    for (const slice of slicesOf([...known], size)) {
      if (!isSame()) return;
      yield this.#recountPods(slice);
    }
    if (isSame()) yield recountSums(slots.contents());
  }

  #recountNodes(names: readonly string[]): readonly string[] {
    const { nodes } = this.#dependencies;
    const contents = this.#slots.contents();
    const slots = new Map(names.flatMap((name) => entryOf(name, contents.slots.get(name))));
    const placements = names.flatMap((name) => {
      const node = nodes.get(name);
      return node === undefined ? [] : entryOf(name, this.#built?.placer.place(node));
    });
    const isRefused = (node: string): boolean => this.holds.holdOn(node)?.why === "NoRoom";
    return [
      ...recountViews(slots, contents),
      ...recountPlacements({ slots, isRefused }, new Map(placements)),
    ];
  }

  /** @param known UIDs and names. */
  #recountPods(known: readonly (readonly [uid: string, name: string])[]): readonly string[] {
    const contents = this.#slots.contents();
    const { orphans, notMatching, withoutNode, selector } = this.claims;
    const inSlots = new Map(known.flatMap(([uid]) => entryOf(uid, contents.pods.get(uid))));
    const versionsIn = (place: ReadonlyMap<string, Pod>): ReadonlyMap<string, string> =>
      new Map(known.flatMap(([uid]) => entryOf(uid, place.get(uid)?.metadata.resourceVersion)));
    const kept = {
      inSlots: new Map([...inSlots].map(([uid, { resourceVersion }]) => [uid, resourceVersion])),
      orphans: versionsIn(orphans),
      notMatching: versionsIn(notMatching),
      withoutNode: versionsIn(withoutNode),
    };
    const cached = known.flatMap(([uid, name]) => {
      const pod = this.#dependencies.pods.get(`${this.namespace}/${name}`);
      return pod?.metadata.uid === uid ? [pod] : [];
    });
    const owned = cached.filter(
      (pod) => controllerOf(pod)?.uid === this.uid && selector.matches(pod.metadata.labels),
    );
    const caches = {
      owned: new Map(owned.map(({ metadata }) => [metadata.uid ?? "", metadata.resourceVersion ?? ""])),
      all: new Set(cached.map(({ metadata }) => metadata.uid ?? "")),
    };
    return [...recountPlaces(inSlots, contents.slots), ...recountClaims(kept, caches)];
  }

  #emptySlots(params?: SlotParams): DaemonSetSlots {
    const { clock, nodes } = this.#dependencies;
    return new DaemonSetSlots({
      placementOf: (name) => {
        const node = nodes.get(name);
        return node === undefined ? undefined : this.#place(node);
      },
      nowMs: () => clock.nowMs(),
      backoffUntilMs: (node) => this.holds.backoffUntilMs(node),
      holdOn: (node) => this.holds.holdOn(node),
      ...(params === undefined ? {} : { params }),
    });
  }

  /** New slots from the caches. Events that come between two slices are applied to the new slots as well. */
  async #build(params: SlotParams): Promise<void> {
    this.#slots = this.#emptySlots(params);
    this.#clockOffsetMs = this.#offsetMs();
    this.holds.clearRefusals();
    this.#isBuilding = true;
    try {
      let taken = 0;
      for (const take of this.#everything()) {
        take();
        if (++taken % buildSlice === 0) await sleep(this.#dependencies.clock, 0);
      }
    } catch (error) {
      this.#built = undefined;
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
      // A slot that was opened for a pod has been placed already.
      if (node !== undefined && this.#slots.slot(metadata.name ?? "") === undefined)
        yield () => this.putNode(node);
    }
    for (const listed of pods.byIndex(ownerIndex, orphansOf(this.namespace))) {
      const pod = pods.get(keyOf(listed));
      if (pod !== undefined && controllerOf(pod) === undefined) yield () => this.putOrphan(pod);
    }
  }

  #place(node: Node): Placement | undefined {
    const answer = this.#built?.placer.place(node);
    if (answer !== undefined) this.holds.setRefusal(node.metadata.name ?? "", answer.refusal);
    return answer?.placement;
  }

  #offsetMs(): number {
    const { clock } = this.#dependencies;
    return clock.nowMs() - clock.monotonicMs();
  }
}

/** Empty for undefined. */
function entryOf<T>(key: string, value: T | undefined): readonly (readonly [string, T])[] {
  return value === undefined ? [] : [[key, value]];
}

function* slicesOf<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  if (size >= all.length) yield all;
  else for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

function selectorOf(daemonSet: DaemonSet): Selector {
  return selectorFromLabelSelector(daemonSet.spec.selector);
}

function podLabelsOf(daemonSet: DaemonSet): Readonly<Record<string, string>> {
  return daemonSet.spec.template.metadata?.labels ?? {};
}
