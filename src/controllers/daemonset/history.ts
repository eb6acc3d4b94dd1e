/**
 * The history of one DaemonSet, pure: what a ControllerRevision holds, which one is current, which ones may go.
 * Not here: when two templates are one (template-meaning.ts), claiming and writing revisions (revisions.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/update.go (constructHistory, snapshot, cleanupHistory).
 * Differs: `data` is compared by meaning, written in Go's bytes (docs/spec/daemonset-controller.md#23.10); the hash is
 * our own, in upstream's alphabet.
 */
import type { ControllerRevision, PodTemplateSpec } from "../../api/index.ts";
import { canonicalJson, fnv1a32, parseTimeMs, RawJson, safeEncode } from "../../machinery/index.ts";
import { hashLabel } from "./facts.ts";

/**
 * The `data` of the revision that stands for a template: a strategic merge patch of a DaemonSet, in the bytes that
 * Go's encoder gives. kubectl and the conformance suite compare it byte by byte with their own encoding.
 */
export function templatePatch(template: PodTemplateSpec): RawJson {
  return new RawJson(canonicalJson({ spec: { template: { ...template, $patch: "replace" } } }));
}

/** Hash label of a template: FNV-1a over its bytes and the collision count, in letters that form no words (#13.5). */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = fnv1a32(canonicalJson(template));
  if (collisionCount !== undefined) {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, collisionCount, true);
    hash = fnv1a32(bytes, hash);
  }
  return safeEncode(String(hash));
}

/** The revisions of one DaemonSet once the current one has been found or made. */
export interface History {
  readonly current: ControllerRevision;
  readonly old: readonly ControllerRevision[];
  readonly hash: string;
  /** Since when, in wall time, the current revision is current. */
  readonly currentSinceMs: number | undefined;
  /** Hash labels of all revisions. */
  readonly knownHashes: ReadonlySet<string>;
}

export interface HistoryView {
  /** The matching revision to keep: highest number, the later in the list on equal ones. */
  readonly current: ControllerRevision | undefined;
  /** Other revisions of the same template. */
  readonly duplicates: readonly ControllerRevision[];
  /** All that do not match. */
  readonly old: readonly ControllerRevision[];
  /** The number that the current revision must have. */
  readonly revision: number;
}

/** @param wanted comparable text of the DaemonSet's template patch; `comparable` gives that of a revision. */
export function viewHistory(
  revisions: readonly ControllerRevision[],
  wanted: string,
  comparable: (revision: ControllerRevision) => string,
): HistoryView {
  const matching: ControllerRevision[] = [];
  const old: ControllerRevision[] = [];
  for (const revision of revisions) (comparable(revision) === wanted ? matching : old).push(revision);
  let current: ControllerRevision | undefined;
  for (const revision of matching) {
    if (current === undefined || revision.revision >= current.revision) current = revision;
  }
  return {
    current,
    duplicates: matching.filter((revision) => revision !== current),
    old,
    revision: old.reduce((highest, { revision }) => Math.max(highest, revision), 0) + 1,
  };
}

/** On a revision that became current again: when. Written with its new number. */
export const currentSinceAnnotation = "lares.dev/current-since";

/** Since when the current revision is current: its creation, or the last time that it became so again. */
export function currentSinceMs({ metadata }: ControllerRevision): number | undefined {
  const again = parseTimeMs(metadata.annotations?.[currentSinceAnnotation] ?? "");
  return again ?? parseTimeMs(metadata.creationTimestamp ?? "");
}

export function hashOf(revision: ControllerRevision): string {
  return revision.metadata.labels?.[hashLabel] ?? "";
}

/**
 * The old revisions beyond the limit, oldest first; those whose pods still exist stay and are not counted off (#13.6).
 */
export function expiredRevisions(
  old: readonly ControllerRevision[],
  limit: number,
  isHashInUse: (hash: string) => boolean,
): readonly ControllerRevision[] {
  const surplus = old.length - limit;
  if (surplus <= 0) return [];
  const removable = [...old].sort(compareRevisions).filter((revision) => !isHashInUse(hashOf(revision)));
  return removable.slice(0, surplus);
}

/** By number, then by name, so that the order is always the same. */
export function compareRevisions(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
