/**
 * All DaemonSets of the cache, and the way of pod and node events to the ones they concern.
 *
 *   pod event ──▶ owner (or matching ones, for orphans) ──▶ one slot
 *   node event ──▶ DaemonSets concerned by the changed keys and taints ──▶ one slot each
 *
 * Not here: what is known of one DaemonSet (tracked-daemonset.ts), what is enqueued and which expectations are lowered
 * (handlers.ts).
 */
import type { DaemonSet, Node, Pod } from "../../api/index.ts";
import { controllerOf, keyOf, type KubeObject } from "../../machinery/index.ts";
import type { FailedPodBackoff } from "./backoff.ts";
import { countsAlike, roomChanged } from "./legacy-placement.ts";
import { nodeChange } from "./placement.ts";
import { TrackedDaemonSet, type TrackerDependencies } from "./tracked-daemonset.ts";

export class Tracker {
  readonly #dependencies: TrackerDependencies;
  readonly #newBackoff: () => FailedPodBackoff;
  readonly #byKey = new Map<string, TrackedDaemonSet>();
  readonly #byNamespace = new Map<string, Set<TrackedDaemonSet>>();

  constructor(dependencies: TrackerDependencies, newBackoff: () => FailedPodBackoff) {
    this.#dependencies = dependencies;
    this.#newBackoff = newBackoff;
  }

  get(key: string): TrackedDaemonSet | undefined {
    return this.#byKey.get(key);
  }

  all(): Iterable<TrackedDaemonSet> {
    return this.#byKey.values();
  }

  /** Begins to track a DaemonSet of this UID, if it is not tracked yet. */
  put(daemonSet: DaemonSet): TrackedDaemonSet {
    const known = this.#byKey.get(keyOf(daemonSet));
    if (known !== undefined && known.uid === daemonSet.metadata.uid) return known;
    if (known !== undefined) this.drop(known.key);
    const tracked = new TrackedDaemonSet(daemonSet, this.#dependencies, this.#newBackoff());
    this.#byKey.set(tracked.key, tracked);
    const siblings = this.#byNamespace.get(tracked.namespace) ?? new Set();
    this.#byNamespace.set(tracked.namespace, siblings.add(tracked));
    return tracked;
  }

  drop(key: string): void {
    const tracked = this.#byKey.get(key);
    if (tracked === undefined) return;
    this.#byKey.delete(key);
    const siblings = this.#byNamespace.get(tracked.namespace);
    siblings?.delete(tracked);
    if (siblings?.size === 0) this.#byNamespace.delete(tracked.namespace);
  }

  /** The DaemonSet that the object's controller reference names: kind, name in the same namespace, and UID must fit. */
  ownerOf(object: KubeObject): TrackedDaemonSet | undefined {
    const controller = controllerOf(object);
    if (controller === undefined || controller.kind !== "DaemonSet") return undefined;
    const tracked = this.#byKey.get(`${object.metadata.namespace ?? ""}/${controller.name}`);
    return tracked?.uid === controller.uid ? tracked : undefined;
  }

  /** The DaemonSets that an object without controller may belong to. O(DaemonSets of its namespace). */
  matching(object: KubeObject): readonly TrackedDaemonSet[] {
    const matching: TrackedDaemonSet[] = [];
    for (const tracked of this.#byNamespace.get(object.metadata.namespace ?? "") ?? []) {
      if (tracked.claims.matches(object)) matching.push(tracked);
    }
    return matching;
  }

  /** Others of the namespace whose selectors match this one's pods, or whose pods match its selector. */
  overlapping(tracked: TrackedDaemonSet): readonly TrackedDaemonSet[] {
    return [...(this.#byNamespace.get(tracked.namespace) ?? [])].filter(
      (other) => other !== tracked && (other.makesPodsFor(tracked) || tracked.makesPodsFor(other)),
    );
  }

  /** Applies a pod's new state. O(1) for owned pods. @returns the DaemonSets for which room on a node changed. */
  putPod(before: Pod | undefined, after: Pod): readonly TrackedDaemonSet[] {
    const uid = after.metadata.uid ?? "";
    const owner = this.ownerOf(after);
    if (before !== undefined) {
      const previous = this.ownerOf(before);
      if (previous !== undefined && previous !== owner) previous.drop(uid);
      if (controllerOf(before) === undefined && controllerOf(after) !== undefined)
        this.#dropOrphan(after, owner);
    }
    if (owner !== undefined) owner.put(after);
    else if (controllerOf(after) === undefined) this.#putOrphan(after);
    if (before !== undefined && countsAlike(before, after)) return [];
    return this.#roomChanged([before?.spec.nodeName, after.spec.nodeName]);
  }

  /** @returns the DaemonSets for which room on a node changed. */
  dropPod(pod: Pod): readonly TrackedDaemonSet[] {
    if (controllerOf(pod) === undefined) this.#dropOrphan(pod);
    else this.ownerOf(pod)?.drop(pod.metadata.uid ?? "");
    return this.#roomChanged([pod.spec.nodeName]);
  }

  /** @returns the DaemonSets for which something changed. */
  putNode(before: Node | undefined, after: Node): readonly TrackedDaemonSet[] {
    const change = before === undefined ? undefined : nodeChange(before, after);
    const isLegacy = this.#dependencies.podsOn !== undefined;
    const isOtherRoom = before === undefined || (isLegacy && roomChanged(before, after));
    if (change === undefined && !isOtherRoom) return [];
    const changed: TrackedDaemonSet[] = [];
    for (const tracked of this.#byKey.values()) {
      const isConcerned = isOtherRoom || (change !== undefined && tracked.isConcernedBy(change));
      if (isConcerned && tracked.putNode(after)) changed.push(tracked);
    }
    return changed;
  }

  dropNode(node: Node): readonly TrackedDaemonSet[] {
    return [...this.#byKey.values()].filter((tracked) => tracked.dropNode(node.metadata.name ?? ""));
  }

  /** With `controller-legacy` placement every pod of a node matters to every DaemonSet. O(DaemonSets). */
  #roomChanged(names: readonly (string | undefined)[]): readonly TrackedDaemonSet[] {
    if (this.#dependencies.podsOn === undefined) return [];
    const found = [...new Set(names)].flatMap((name) => this.#dependencies.nodes.get(name ?? "") ?? []);
    return [...this.#byKey.values()].filter(
      (tracked) => found.filter((node) => tracked.putNode(node)).length > 0,
    );
  }

  #putOrphan(pod: Pod): void {
    for (const tracked of this.#byNamespace.get(pod.metadata.namespace ?? "") ?? []) tracked.putOrphan(pod);
  }

  /** For all but its owner. The cache may have missed that one of them had adopted it. */
  #dropOrphan({ metadata }: Pod, owner?: TrackedDaemonSet): void {
    for (const tracked of this.#byNamespace.get(metadata.namespace ?? "") ?? [])
      if (tracked !== owner) tracked.drop(metadata.uid ?? "");
  }
}
