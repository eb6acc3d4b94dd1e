/**
 * DELETE: what a deletion does to an object, as a value, and its carrying out.
 *
 *   live ──grace 0, no finalizers──────────────────────────▶ removed
 *     └──▶ deletionTimestamp set ──shorter grace──▶ same, sooner
 *                    └── last finalizer gone (grace 0), or final DELETE with grace 0 ──▶ removed
 *
 * Not here: removal by an update that empties the finalizers (writes.ts), dependents (garbage collector).
 * Upstream: kubernetes v1.34, apiserver/pkg/registry/rest/delete.go, generic/registry/store.go.
 */
import type { Kind } from "../../api/index.ts";
import {
  conflict,
  type Draft,
  formatTime,
  isNotFound,
  type KubeObject,
  notFound,
  type ObjectMeta,
  parseTimeMs,
  type Resource,
} from "../../machinery/index.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import { checkResourceVersion, checkUid, ordered } from "./metadata.ts";
import type { Writer } from "./admitted-write.ts";
import { conflictAttempts, type Target } from "./change.ts";
import type { DeleteOptions, Preconditions } from "./delete-options.ts";
import { isFinished } from "./write-checks.ts";
import type { Writes } from "./writes.ts";
import type { Served } from "./resource-registry.ts";

export interface Deleted {
  /** What was removed, or the object as it stays for now. */
  readonly state: StoredObject;
  readonly isRemoved: boolean;
}

export interface DeleteRequest {
  readonly target: Target;
  readonly options: DeleteOptions;
  readonly writer: Writer;
  /** True when the admission chain has been asked about what leads to this deletion (an eviction). */
  readonly isAdmitted?: boolean;
}

/** @throws StatusError 404, 409. */
export function deleteObject(writes: Writes, served: Served, request: DeleteRequest): Promise<Deleted> {
  return writes.inTurn(served, request, () => deleteInTurn(writes, served, request));
}

async function deleteInTurn(writes: Writes, served: Served, request: DeleteRequest): Promise<Deleted> {
  const { target, options, writer } = request;
  const { orphansByDefault } = served.storage.rules;
  if (orphansByDefault?.warning && options.propagationPolicy === undefined)
    writer.warn?.(orphansByDefault.warning);
  const admitted = request.isAdmitted
    ? undefined
    : writes.admission({
        operation: "DELETE",
        resource: served.storage.resource,
        writer: { ...writer, options },
        ...target,
      });
  for (let attempt = 1; ; attempt++) {
    const before = await writes.find(served, target);
    if (before === undefined) throw notFound(served.kind.resource, target.name);
    const check = served.storage.rules.isHeldBack === undefined ? checkPreconditions : checkOwnPreconditions;
    check(served.kind.resource, before.object, options.preconditions ?? {});
    await admitted?.admit(undefined, before.object);
    await admitted?.validate(undefined, before.object);
    const decision = decideDeletion(served.storage, before.object, {
      options,
      nowMs: writes.context(writer).nowMs,
    });
    try {
      switch (decision.do) {
        case "nothing":
          return { state: before, isRemoved: false };
        case "remove":
          return { state: await writes.remove(served, before, { ...decision, writer }), isRemoved: true };
        case "mark": {
          const state = await writes.put(served, before, { writer, next: decision.next });
          return { state, isRemoved: false };
        }
      }
    } catch (error) {
      if (attempt >= conflictAttempts || !(await writes.lostRace(error))) throw error;
    }
  }
}

/**
 * Of kinds that hold themselves back, which look themselves and have words of their own.
 * @throws StatusError 409 for another object than the one that is meant.
 */
function checkOwnPreconditions(resource: Resource, { metadata }: KubeObject, asked: Preconditions): void {
  checkUid(resource, asked.uid, metadata);
  checkResourceVersion(resource, asked.resourceVersion, metadata);
}

/** @throws StatusError 409 for another object than the one that is meant. It tells of the kind, as upstream does, not of the resource. */
export function checkPreconditions(
  resource: Resource,
  { metadata }: KubeObject,
  { uid, resourceVersion }: Preconditions,
): void {
  const checks = [
    { what: "UID", asked: uid, stored: metadata.uid, hint: "deleted and then recreated" },
    {
      what: "ResourceVersion",
      asked: resourceVersion,
      stored: metadata.resourceVersion,
      hint: "modified",
    },
  ];
  for (const { what, asked, stored = "", hint } of checks) {
    if (asked === undefined || asked === stored) continue;
    const text = `the ${what} in the precondition (${asked}) does not match the ${what} in record (${stored})`;
    const about = { group: resource.group, resource: resource.kind };
    throw conflict(about, metadata.name ?? "", `${text}. The object might have been ${hint}`);
  }
}

/** Deletions of a collection that run at the same time: enough for one commit of the store. */
const collectionParallel = 64;

/** Deletes each; those that are gone meanwhile do not count. @returns what was deleted, in the given order. */
export async function deleteEach(
  writes: Writes,
  served: Served,
  request: {
    readonly states: readonly StoredObject[];
    readonly options: DeleteOptions;
    readonly writer: Writer;
  },
): Promise<readonly Deleted[]> {
  const { states, options, writer } = request;
  const deleted: Deleted[] = [];
  for (let from = 0; from < states.length; from += collectionParallel) {
    const part = states.slice(from, from + collectionParallel).map(async (state) => {
      try {
        const target = served.cache.addressOf(state.key);
        return await deleteObject(writes, served, { target, options, writer });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
    for (const one of await Promise.all(part)) if (one !== undefined) deleted.push(one);
  }
  return deleted;
}

export type Decision =
  /** `last` is its last state, where that tells of the deletion. */
  | { readonly do: "remove"; readonly last?: KubeObject }
  | { readonly do: "mark"; readonly next: KubeObject }
  /** It is being deleted, and holds itself back. */
  | { readonly do: "nothing" };

/** What a DELETE does to `object` in its present state. Pure. */
export function decideDeletion(
  kind: Kind,
  object: KubeObject,
  input: { readonly options: DeleteOptions; readonly nowMs: number },
): Decision {
  const { options, nowMs } = input;
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined && kind.rules.isHeldBack?.(object)) return { do: "nothing" };
  const finalizers = finalizersFor(kind, metadata, options);
  const marked = markedFor(kind, object, { options, nowMs });
  const next = { ...object, metadata: ordered({ ...metadata, ...marked, finalizers }) } as Draft<KubeObject>;
  if (finalizers === undefined) delete next.metadata.finalizers;
  kind.rules.prepareForDelete?.(next);
  if (!isFinished(kind, next)) return { do: "mark", next };
  // A kind whose deletions may wait is marked first, even when nothing waits.
  return kind.rules.graceSeconds === undefined ? { do: "remove" } : { do: "remove", last: next };
}

/** The finalizers that the policy leaves: `orphan` and `foregroundDeletion` stand for the garbage collector's work. */
function finalizersFor(kind: Kind, meta: ObjectMeta, options: DeleteOptions): readonly string[] | undefined {
  const present = meta.finalizers ?? [];
  const isChosen = present.includes("orphan") || present.includes("foregroundDeletion");
  const policy =
    options.propagationPolicy ??
    (kind.rules.orphansByDefault !== undefined && !isChosen ? "Orphan" : undefined);
  if (kind.rules.ownsNothing === true || policy === undefined) return nonEmpty(present);
  const others = present.filter((finalizer) => finalizer !== "orphan" && finalizer !== "foregroundDeletion");
  if (policy === "Orphan") others.push("orphan");
  if (policy === "Foreground") others.push("foregroundDeletion");
  return nonEmpty(others);
}

function nonEmpty(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}

type Marked = Pick<ObjectMeta, "deletionTimestamp" | "deletionGracePeriodSeconds" | "generation">;

/** The members of metadata that tell of the deletion, as they must stand afterwards. */
function markedFor(
  kind: Kind,
  object: KubeObject,
  input: { readonly options: DeleteOptions; readonly nowMs: number },
): Marked {
  const { deletionTimestamp, generation } = object.metadata;
  const { graceSeconds } = kind.rules;
  if (deletionTimestamp !== undefined)
    return graceSeconds === undefined ? {} : sooner(object.metadata, input);
  const seconds = graceSeconds?.(object, input.options.gracePeriodSeconds) ?? 0;
  return {
    deletionTimestamp: formatTime(input.nowMs + seconds * 1000),
    deletionGracePeriodSeconds: seconds,
    ...(generation === undefined ? {} : { generation: generation + 1 }),
  };
}

/** A grace period that has begun can only be shortened, and not into the past unless it is to end at once. */
function sooner(
  meta: ObjectMeta,
  input: { readonly options: DeleteOptions; readonly nowMs: number },
): Marked {
  const asked = input.options.gracePeriodSeconds;
  const granted = meta.deletionGracePeriodSeconds ?? 0;
  if (asked === undefined) return {};
  const seconds = asked < 0 ? 1 : asked;
  if (seconds >= granted) return {};
  const startMs = parseTimeMs(meta.deletionTimestamp ?? "")! - granted * 1000;
  const endMs = startMs + seconds * 1000;
  if (seconds === 0 || endMs >= input.nowMs) {
    return { deletionTimestamp: formatTime(endMs), deletionGracePeriodSeconds: seconds };
  }
  return { deletionTimestamp: formatTime(input.nowMs + 1000), deletionGracePeriodSeconds: 1 };
}
