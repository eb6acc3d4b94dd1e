/**
 * Rules for the metadata of every object: what clients may set, what the server sets, what is valid.
 * Not here: what is valid (api/parts), rules of single kinds (api/).
 * Upstream: kubernetes v1.34, apiserver/pkg/registry/rest/{create,update}.go.
 */
import { withMembers } from "../../base/index.ts";
import { type Kind, validateObjectMeta, validateObjectMetaUpdate } from "../../api/index.ts";
import {
  conflict,
  type Draft,
  type FieldError,
  type KubeObject,
  type ObjectMeta,
  type Resource,
  tooMany,
} from "../../machinery/index.ts";

/** Finalizers and owner references of one object: docs/spec/invariants.md#2. */
const referencesMax = 100;

/** @returns all errors of the metadata of a new or changed object. */
export function metadataErrors({ resource, rules }: Kind, meta: ObjectMeta): readonly FieldError[] {
  const errors = validateObjectMeta(meta, {
    namespaced: resource.namespaced,
    nameRule: rules.nameRule ?? "subdomain",
  });
  const tooManyOf = ["finalizers", "ownerReferences"] as const;
  const crowded = tooManyOf.filter((field) => (meta[field]?.length ?? 0) > referencesMax);
  if (crowded.length === 0) return errors;
  return [
    ...errors,
    ...crowded.map((field) => tooMany(`metadata.${field}`, meta[field]!.length, referencesMax)),
  ];
}

/** As `metadataErrors`, of an update: what is the very same as in the stored object was valid when it was stored. */
export function changedMetadataErrors(
  kind: Kind,
  meta: ObjectMeta,
  stored: ObjectMeta,
): readonly FieldError[] {
  const isSame =
    meta.labels === stored.labels &&
    meta.annotations === stored.annotations &&
    meta.ownerReferences === stored.ownerReferences &&
    meta.finalizers === stored.finalizers;
  return isSame ? [] : metadataErrors(kind, meta);
}

/** What an update may not do to metadata; system fields have been carried over before. */
export function metadataUpdateErrors(meta: ObjectMeta, before: ObjectMeta): readonly FieldError[] {
  return validateObjectMetaUpdate(meta, before);
}

/** A new object's metadata as plug-ins see it: without what only the server may say, in its namespace. */
export function withoutSystemFields(
  submitted: ObjectMeta,
  place: { readonly namespace?: string },
): Draft<ObjectMeta> {
  const {
    namespace: _,
    uid: _uid,
    generation: _generation,
    creationTimestamp: _created,
    ...rest
  } = submitted;
  const { deletionTimestamp: _deleted, deletionGracePeriodSeconds: _grace, ...own } = rest;
  return withMembers(own, place) as Draft<ObjectMeta>;
}

/** System fields of a new object; what the client sent in their place is gone. */
export function newMetadata(
  submitted: ObjectMeta,
  given: {
    readonly namespace?: string;
    readonly uid: string;
    readonly now: string;
    readonly generation?: number;
  },
): Draft<ObjectMeta> {
  return ordered({
    name: submitted.name,
    generateName: submitted.generateName,
    namespace: given.namespace,
    uid: given.uid,
    generation: given.generation,
    creationTimestamp: given.now,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    labels: submitted.labels,
    annotations: submitted.annotations,
    ownerReferences: submitted.ownerReferences,
    finalizers: submitted.finalizers,
  });
}

/** The client's metadata with the system's fields as they stand in the store. */
export function carriedMetadata(submitted: ObjectMeta, { metadata: stored }: KubeObject): Draft<ObjectMeta> {
  return ordered({
    name: stored.name,
    generateName: stored.generateName,
    namespace: stored.namespace,
    uid: stored.uid,
    generation: stored.generation,
    creationTimestamp: stored.creationTimestamp,
    deletionTimestamp: stored.deletionTimestamp,
    deletionGracePeriodSeconds: stored.deletionGracePeriodSeconds,
    labels: submitted.labels,
    annotations: submitted.annotations,
    ownerReferences: submitted.ownerReferences,
    finalizers: submitted.finalizers,
  });
}

/** How upstream words it that another object is meant. */
export function uidFault(uid: string, stored: ObjectMeta): string {
  return `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.uid ?? ""}`;
}

/** @throws StatusError 409 unless `uid` is absent or the object's. */
export function checkUid(resource: Resource, uid: string | undefined, stored: ObjectMeta): void {
  if (uid === undefined || uid === "" || uid === stored.uid) return;
  throw conflict(resource, stored.name ?? "", uidFault(uid, stored));
}

/** Whether an update says which state it is about. "0" means any. */
export function isConditional({ resourceVersion = "" }: ObjectMeta): boolean {
  return resourceVersion !== "" && resourceVersion !== "0";
}

/** @throws StatusError 409 unless the version is absent or the object's. */
export function checkResourceVersion(
  resource: Resource,
  resourceVersion: string | undefined,
  stored: ObjectMeta,
): void {
  if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === stored.resourceVersion)
    return;
  throw conflict(resource, stored.name ?? "");
}

type PossibleMeta = { readonly [K in keyof ObjectMeta]: ObjectMeta[K] | undefined };

/** One order of members for all objects, so that equal objects have equal bytes. No resourceVersion: the store gives it. */
export function ordered(meta: PossibleMeta): Draft<ObjectMeta> {
  const result: { -readonly [K in keyof ObjectMeta]: ObjectMeta[K] } = {};
  // Written out: this runs for every write, and a loop over names costs several times as much.
  if (isSet(meta.name)) result.name = meta.name;
  if (isSet(meta.generateName)) result.generateName = meta.generateName;
  if (isSet(meta.namespace)) result.namespace = meta.namespace;
  if (isSet(meta.uid)) result.uid = meta.uid;
  if (isSet(meta.generation)) result.generation = meta.generation;
  if (isSet(meta.creationTimestamp)) result.creationTimestamp = meta.creationTimestamp;
  if (isSet(meta.deletionTimestamp)) result.deletionTimestamp = meta.deletionTimestamp;
  if (isSet(meta.deletionGracePeriodSeconds))
    result.deletionGracePeriodSeconds = meta.deletionGracePeriodSeconds;
  if (isSet(meta.labels)) result.labels = meta.labels;
  if (isSet(meta.annotations)) result.annotations = meta.annotations;
  if (isSet(meta.ownerReferences)) result.ownerReferences = meta.ownerReferences;
  if (isSet(meta.finalizers)) result.finalizers = meta.finalizers;
  return result as Draft<ObjectMeta>;
}

function isSet<T>(value: T | undefined): value is T {
  return value !== undefined && value !== "";
}

/** Owner references without those of a uid that stands before; upstream warns of each. */
export function dropDuplicateOwners(meta: Draft<ObjectMeta>): string[] {
  const references = meta.ownerReferences;
  if (references === undefined || references.length < 2) return [];
  const seen = new Set<string>();
  const dropped = new Set<string>();
  meta.ownerReferences = references.filter((reference) => {
    if (seen.has(reference.uid)) dropped.add(reference.uid);
    const isNew = !seen.has(reference.uid);
    seen.add(reference.uid);
    return isNew;
  });
  return [...dropped].map(
    (uid) =>
      `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uid}`,
  );
}
