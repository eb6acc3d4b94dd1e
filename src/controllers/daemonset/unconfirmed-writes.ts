/**
 * What the controller has sent for one DaemonSet and no cache shows yet. A sync decides on caches; this says where they
 * are known to lag.
 *
 *   written ─────────────▶ the cache has seen that version ──▶ forgotten
 *   sent, no answer ─────▶ a later try or a live list tells ─▶ forgotten
 *   delete sent ─────────▶ the pod is gone ──────────────────▶ forgotten
 *   any of these ────────▶ the server was restored to older data ─▶ forgotten
 *
 * Not here: creations and deletions that a step awaits (client `Expectations`), sending (apply.ts, revisions.ts).
 * Upstream: kubernetes v1.36 development, pkg/controller/util/consistency, for the versions. The rest is ours.
 */
import type { ControllerRevision } from "../../api/index.ts";
import { compareVersions, isVersion } from "./resource-versions.ts";

/** The kinds that the controller writes and whose cache it decides by. */
export type WrittenResource = "pods" | "daemonsets";

export class UnconfirmedWrites {
  /** Newest version written. */
  readonly #versions = new Map<WrittenResource, string>();
  /** Node to pod name. */
  readonly #creates = new Map<string, string>();
  /** UIDs of pods. */
  readonly #deletes = new Set<string>();
  /** By name. */
  readonly #revisions = new Map<string, ControllerRevision>();
  #isRevisionUnanswered = false;
  #goneVersion: string | undefined;

  /** The cache went back to older data of the server: what it is waited for to show may never come. */
  rewound(resource: WrittenResource | "controllerrevisions"): void {
    if (resource === "controllerrevisions") this.#revisions.clear();
    else this.#versions.delete(resource);
    if (resource === "daemonsets") this.#goneVersion = undefined;
    if (resource === "pods") this.#deletes.clear();
  }

  /** Remembers a version if it is the highest yet. A version that is no integer is ignored. */
  written(resource: WrittenResource, version: string): void {
    if (!isVersion(version)) return;
    const known = this.#versions.get(resource);
    if (known === undefined || (compareVersions(version, known) ?? 0) > 0)
      this.#versions.set(resource, version);
  }

  /**
   * The first resource whose cache has not seen our newest write, or undefined; then all versions are forgotten.
   * @param seen the newest version that each cache has seen.
   */
  behind(seen: (resource: WrittenResource) => string): WrittenResource | undefined {
    for (const [resource, version] of this.#versions) {
      const order = compareVersions(seen(resource), version);
      if (order !== undefined && order < 0) return resource;
    }
    this.#versions.clear();
    return undefined;
  }

  /** The name under which a pod for the node was created without an answer: the next try must use it again. */
  nameFor(node: string): string | undefined {
    return this.#creates.get(node);
  }

  createUnanswered(node: string, name: string): void {
    this.#creates.set(node, name);
  }

  /** The server has said for good what became of the create. */
  createAnswered(node: string): void {
    this.#creates.delete(node);
  }

  /** The controller is about to delete this pod. */
  deleteSent(podUid: string): void {
    this.#deletes.add(podUid);
  }

  /** Whether the end of the pod is our own doing. */
  isDeleting(podUid: string): boolean {
    return this.#deletes.has(podUid);
  }

  /** The pod has changed before the delete came, and stays. */
  deleteRefused(podUid: string): void {
    this.#deletes.delete(podUid);
  }

  podGone(podUid: string): void {
    this.#deletes.delete(podUid);
  }

  revisionWritten(revision: ControllerRevision): void {
    this.#revisions.set(revision.metadata.name ?? "", revision);
  }

  revisionUnanswered(): void {
    this.#isRevisionUnanswered = true;
  }

  /** A revision may be on the server without our knowing; only a live list can tell. */
  get isRevisionUnanswered(): boolean {
    return this.#isRevisionUnanswered;
  }

  /** The DaemonSet's revisions as the server has them now. */
  revisionsListed(revisions: readonly ControllerRevision[]): void {
    for (const revision of revisions) this.revisionWritten(revision);
    this.#isRevisionUnanswered = false;
  }

  /** Revisions, by name, that a cache which has seen `cacheVersion` does not show yet; the others are forgotten. */
  unseenRevisions(cacheVersion: string): ReadonlyMap<string, ControllerRevision> {
    for (const [name, { metadata }] of this.#revisions) {
      const isAhead = (compareVersions(metadata.resourceVersion ?? "", cacheVersion) ?? 0) > 0;
      if (!isAhead) this.#revisions.delete(name);
    }
    return this.#revisions;
  }

  /** The server does not have the DaemonSet any more, though the cache shows it in this version. */
  foundGone(version: string | undefined): void {
    this.#goneVersion = version;
  }

  /** Whether the DaemonSet was found gone while the cache showed this version. A newer version counts again. */
  isGone(version: string | undefined): boolean {
    return version !== undefined && version === this.#goneVersion;
  }
}
