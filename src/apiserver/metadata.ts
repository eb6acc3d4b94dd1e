/**
 * Rules for the metadata of every object: what clients may set, what the server sets, what is valid.
 * Not here: rules of single kinds (api/).
 * Upstream: kubernetes v1.34, apimachinery/pkg/api/validation/objectmeta.go, apiserver/pkg/registry/rest.
 */
import {
  conflict,
  type Draft,
  dnsLabelErrors,
  dnsSubdomainErrors,
  type FieldError,
  forbiddenField,
  invalidValue,
  type KubeObject,
  labelValueErrors,
  type ObjectMeta,
  type OwnerReference,
  qualifiedNameErrors,
  required,
  type Resource,
  tooLong,
  tooMany,
} from "../machinery/index.ts";

/** All annotations of an object together, keys and values; upstream's bound. */
const annotationBytesMax = 256 * 1024;
/** Finalizers and owner references of one object: invariants.md, limits. */
const referencesMax = 100;

/** Names as this resource allows them; most are DNS subdomains. */
function nameErrors(resource: Resource, name: string): readonly string[] {
  if (resource.group === "rbac.authorization.k8s.io") return pathSegmentErrors(name);
  return resource.resource === "namespaces" ? dnsLabelErrors(name) : dnsSubdomainErrors(name);
}

function pathSegmentErrors(name: string): readonly string[] {
  if (name === "." || name === "..") return [`may not be '${name}'`];
  return ["/", "%"].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
}

/** @returns all errors of the metadata of a new or changed object. */
export function metadataErrors(resource: Resource, meta: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.name === undefined || meta.name === "") {
    errors.push(required("metadata.name", "name or generateName is required"));
  } else {
    for (const text of nameErrors(resource, meta.name))
      errors.push(invalidValue("metadata.name", meta.name, text));
  }
  if (resource.namespaced) {
    const namespace = meta.namespace ?? "";
    for (const text of dnsLabelErrors(namespace))
      errors.push(invalidValue("metadata.namespace", namespace, text));
  }
  errors.push(...labelErrors(meta.labels), ...annotationErrors(meta.annotations));
  errors.push(...ownerErrors(meta.ownerReferences), ...finalizerErrors(meta.finalizers));
  return errors;
}

function labelErrors(labels: ObjectMeta["labels"]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const text of qualifiedNameErrors(key)) errors.push(invalidValue("metadata.labels", key, text));
    for (const text of labelValueErrors(value)) errors.push(invalidValue("metadata.labels", value, text));
  }
  return errors;
}

function annotationErrors(annotations: ObjectMeta["annotations"]): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const text of qualifiedNameErrors(key.toLowerCase()))
      errors.push(invalidValue("metadata.annotations", key, text));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > annotationBytesMax) errors.push(tooLong("metadata.annotations", annotationBytesMax));
  return errors;
}

function ownerErrors(references: readonly OwnerReference[] | undefined): FieldError[] {
  if (references === undefined) return [];
  const field = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  if (references.length > referencesMax) errors.push(tooMany(field, references.length, referencesMax));
  let controller: string | undefined;
  for (const reference of references) {
    const { apiVersion, kind, name, uid } = reference;
    if (!apiVersion)
      errors.push(invalidValue(`${field}.apiVersion`, apiVersion ?? "", "version must not be empty"));
    if (!kind) errors.push(invalidValue(`${field}.kind`, kind ?? "", "must not be empty"));
    if (!name) errors.push(invalidValue(`${field}.name`, name ?? "", "must not be empty"));
    if (!uid) errors.push(invalidValue(`${field}.uid`, uid ?? "", "must not be empty"));
    if (reference.controller !== true) continue;
    if (controller !== undefined) {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalidValue(field, references, detail));
    }
    controller = name;
  }
  return errors;
}

function finalizerErrors(finalizers: readonly string[] | undefined): FieldError[] {
  if (finalizers === undefined) return [];
  const errors: FieldError[] = [];
  if (finalizers.length > referencesMax)
    errors.push(tooMany("metadata.finalizers", finalizers.length, referencesMax));
  for (const finalizer of finalizers) {
    for (const text of qualifiedNameErrors(finalizer))
      errors.push(invalidValue("metadata.finalizers", finalizer, text));
  }
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(
      invalidValue(
        "metadata.finalizers",
        finalizers,
        'finalizer "orphan" and finalizer "foregroundDeletion" cannot be both set',
      ),
    );
  }
  return errors;
}

/** What an update may not do to metadata; system fields have been carried over before. */
export function metadataUpdateErrors(meta: ObjectMeta, before: ObjectMeta): FieldError[] {
  if (before.deletionTimestamp === undefined) return [];
  const known = new Set(before.finalizers ?? []);
  const added = (meta.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [forbiddenField("metadata.finalizers", detail)];
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
    ...submitted,
    namespace: given.namespace,
    uid: given.uid,
    generation: given.generation,
    creationTimestamp: given.now,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
  });
}

/**
 * The client's metadata with the system's fields as they stand in the store.
 * @throws StatusError 409 when the client means another object, or another state of it.
 */
export function carriedMetadata(
  resource: Resource,
  submitted: ObjectMeta,
  before: KubeObject,
): Draft<ObjectMeta> {
  const stored = before.metadata;
  checkUid(resource, submitted.uid, stored);
  checkResourceVersion(resource, submitted.resourceVersion, stored);
  return ordered({
    ...submitted,
    name: stored.name,
    generateName: stored.generateName,
    namespace: stored.namespace,
    uid: stored.uid,
    generation: stored.generation,
    creationTimestamp: stored.creationTimestamp,
    deletionTimestamp: stored.deletionTimestamp,
    deletionGracePeriodSeconds: stored.deletionGracePeriodSeconds,
  });
}

/** @throws StatusError 409 unless `uid` is absent or the object's. */
export function checkUid(resource: Resource, uid: string | undefined, stored: ObjectMeta): void {
  if (uid === undefined || uid === "" || uid === stored.uid) return;
  const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.uid ?? ""}`;
  throw conflict(resource, stored.name ?? "", detail);
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
  const result: Record<string, unknown> = {};
  for (const key of memberOrder) {
    const value = meta[key];
    if (value !== undefined && value !== "") result[key] = value;
  }
  return result as Draft<ObjectMeta>;
}

const memberOrder = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
] as const satisfies readonly (keyof ObjectMeta)[];

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
