/**
 * Who owns whom, by UID, kept up to date object by object.
 *
 *   owner uid ──▶ its dependents        (also while the owner has not been seen, or is gone already)
 *   object uid ──▶ where it is, its owner references, whether it is being deleted and how
 *
 * Each change answers with the objects that need a look; the graph alone never decides that something may go, since it is
 * a cache (plan.ts decides, after asking the server). O(owners + answered) per change, O(1) when nothing of this changed.
 * Upstream: kubernetes v1.35, pkg/controller/garbagecollector/graph_builder.go. Differs: no virtual nodes; an owner that was
 * never seen is simply absent, and its dependents are looked at.
 */
import { type KubeObject, type OwnerReference, type Resource, semanticEqual } from "../../machinery/index.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

export interface GraphObject {
  readonly uid: string;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  owners: readonly OwnerReference[];
  isDeleting: boolean;
  /** Being deleted, and waits until its dependents are gone. */
  isDeletingDependents: boolean;
  /** Being deleted, and its dependents are to stay. */
  isOrphaning: boolean;
}

/** What needs a look: should the object itself go, or should its dependents be released. */
export type Work = `delete/${string}` | `orphan/${string}`;

const noOwners: readonly OwnerReference[] = [];
const nothing: ReadonlySet<GraphObject> = new Set();

export class Graph {
  readonly #objects = new Map<string, GraphObject>();
  readonly #dependents = new Map<string, Set<GraphObject>>();
  /** Owner uid -> how many dependents keep it from going in foreground deletion. */
  readonly #blocking = new Map<string, number>();

  get size(): number {
    return this.#objects.size;
  }

  get(uid: string): GraphObject | undefined {
    return this.#objects.get(uid);
  }

  dependentsOf(uid: string): ReadonlySet<GraphObject> {
    return this.#dependents.get(uid) ?? nothing;
  }

  /** How many dependents keep an owner in foreground deletion from going. */
  blockingDependents(uid: string): number {
    return this.#blocking.get(uid) ?? 0;
  }

  /** Takes in an object as seen now. @returns work in no special order. */
  put(resource: Resource, object: KubeObject): readonly Work[] {
    const {
      uid,
      ownerReferences,
      deletionTimestamp,
      finalizers,
      namespace = "",
      name = "",
    } = object.metadata;
    if (uid === undefined) return [];
    const owners = ownerReferences ?? noOwners;
    const isDeleting = deletionTimestamp !== undefined;
    const isDeletingDependents = isDeleting && (finalizers?.includes(foregroundFinalizer) ?? false);
    const isOrphaning = isDeleting && (finalizers?.includes(orphanFinalizer) ?? false);
    const known = this.#objects.get(uid);
    if (known !== undefined)
      return this.#change(known, { owners, isDeleting, isDeletingDependents, isOrphaning });
    const added: GraphObject = {
      uid,
      resource,
      namespace,
      name,
      owners: noOwners,
      isDeleting: false,
      isDeletingDependents: false,
      isOrphaning: false,
    };
    this.#objects.set(uid, added);
    return this.#change(added, { owners, isDeleting, isDeletingDependents, isOrphaning });
  }

  /** The object is gone. */
  remove(uid: string): readonly Work[] {
    const object = this.#objects.get(uid);
    if (object === undefined) return [];
    this.#objects.delete(uid);
    const work: Work[] = [];
    this.#setOwners(object, noOwners, work);
    for (const dependent of this.dependentsOf(uid)) work.push(`delete/${dependent.uid}`);
    return work;
  }

  /** Objects with an owner that is not in the graph: to be looked at once all kinds have been listed. */
  withAbsentOwner(): readonly Work[] {
    const work: Work[] = [];
    for (const [owner, dependents] of this.#dependents) {
      if (this.#objects.has(owner)) continue;
      for (const dependent of dependents) work.push(`delete/${dependent.uid}`);
    }
    return work;
  }

  #change(
    object: GraphObject,
    next: Pick<GraphObject, "owners" | "isDeleting" | "isDeletingDependents" | "isOrphaning">,
  ): readonly Work[] {
    const work: Work[] = [];
    if (object.owners !== next.owners && !semanticEqual(object.owners, next.owners))
      this.#setOwners(object, next.owners, work);
    else object.owners = next.owners;
    if (next.isDeletingDependents && !object.isDeletingDependents) {
      for (const dependent of this.dependentsOf(object.uid)) work.push(`delete/${dependent.uid}`);
      work.push(`delete/${object.uid}`);
    }
    if (next.isOrphaning && !object.isOrphaning) work.push(`orphan/${object.uid}`);
    object.isDeleting = next.isDeleting;
    object.isDeletingDependents = next.isDeletingDependents;
    object.isOrphaning = next.isOrphaning;
    return work;
  }

  #setOwners(object: GraphObject, owners: readonly OwnerReference[], work: Work[]): void {
    const before = object.owners;
    object.owners = owners;
    for (const uid of new Set([...before, ...owners].map((owner) => owner.uid))) {
      this.#countBlocking(uid, (blocks(owners, uid) ? 1 : 0) - (blocks(before, uid) ? 1 : 0), work);
      if (!owners.some((owner) => owner.uid === uid)) this.#unlink(object, uid);
    }
    for (const owner of owners) {
      if (!before.some((other) => semanticEqual(other, owner))) this.#link(object, owner, work);
    }
  }

  #link(object: GraphObject, owner: OwnerReference, work: Work[]): void {
    let dependents = this.#dependents.get(owner.uid);
    if (dependents === undefined) this.#dependents.set(owner.uid, (dependents = new Set()));
    dependents.add(object);
    const known = this.#objects.get(owner.uid);
    const isInPlace =
      known !== undefined &&
      known.name === owner.name &&
      known.resource.kind === owner.kind &&
      (known.namespace === "" || known.namespace === object.namespace);
    if (!isInPlace || known.isDeletingDependents) work.push(`delete/${object.uid}`);
  }

  #unlink(object: GraphObject, owner: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(object);
    if (dependents?.size === 0) this.#dependents.delete(owner);
  }

  /** An owner that waits is told when the last one lets it go, so that a thousand dependents cost one look. */
  #countBlocking(uid: string, change: number, work: Work[]): void {
    if (change === 0) return;
    const count = this.blockingDependents(uid) + change;
    if (count > 0) {
      this.#blocking.set(uid, count);
      return;
    }
    this.#blocking.delete(uid);
    if (this.#objects.get(uid)?.isDeletingDependents) work.push(`delete/${uid}`);
  }
}

function blocks(owners: readonly OwnerReference[], uid: string): boolean {
  return owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true);
}
