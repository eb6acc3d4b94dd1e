/**
 * What metadata is valid (names, labels, annotations, owners, finalizers), and what of it an update may not change.
 * Not here: resourceVersion and preconditions (apiserver/registry).
 * Upstream: kubernetes v1.35, apimachinery/pkg/api/validation/objectmeta.go.
 */
import {
  childPath,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  type FieldError,
  forbiddenField,
  goQuote,
  indexPath,
  invalidValue,
  labelValueErrors,
  type ObjectMeta,
  type OwnerReference,
  qualifiedNameErrors,
  required,
  tooLong,
} from "../../machinery/index.ts";
import {
  addAll,
  byteLength,
  checkImmutable,
  checkLabelName,
  checkNotNegative,
  type Errors,
  invalids,
} from "./checks.ts";

/** Bytes of all annotations of an object together. 256 KiB as upstream: they travel with every list and watch. */
const annotationBytesMax = 262_144;

export type NameRule = "subdomain" | "label" | "label1035" | "pathSegment";

export interface ObjectMetaOptions {
  readonly namespaced: boolean;
  readonly nameRule: NameRule;
  /** Path of the metadata; absent means `metadata`. */
  readonly path?: string;
}

export function pathSegmentErrors(name: string, isPrefix = false): string[] {
  const errors: string[] = [];
  if (!isPrefix && (name === "." || name === "..")) errors.push(`may not be '${name}'`);
  for (const illegal of ["/", "%"]) if (name.includes(illegal)) errors.push(`may not contain '${illegal}'`);
  return errors;
}

/** A prefix may end with a dash, because more follows. */
function nameErrors(name: string, rule: NameRule, isPrefix = false): string[] {
  if (rule === "pathSegment") return pathSegmentErrors(name, isPrefix);
  const text = isPrefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -1)}a` : name;
  if (rule === "label") return dnsLabelErrors(text);
  return rule === "label1035" ? dns1035LabelErrors(text) : dnsSubdomainErrors(text);
}

export function checkLabels(
  field: string,
  labels: Readonly<Record<string, string>> | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    addAll(errors, checkLabelName(field, key));
    addAll(errors, invalids(field, value, labelValueErrors(value)));
  }
  return errors;
}

export function checkAnnotations(
  field: string,
  annotations: Readonly<Record<string, string>> | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    addAll(errors, invalids(field, key, qualifiedNameErrors(key.toLowerCase())));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > annotationBytesMax) errors.push(tooLong(field, annotationBytesMax));
  return errors;
}

function checkOwner(field: string, owner: OwnerReference): FieldError[] {
  const errors: FieldError[] = [];
  const slash = owner.apiVersion.indexOf("/");
  const version = slash < 0 ? owner.apiVersion : owner.apiVersion.slice(slash + 1);
  if (version === "") {
    errors.push(invalidValue(childPath(field, "apiVersion"), owner.apiVersion, "version must not be empty"));
  }
  for (const name of ["kind", "name", "uid"] as const) {
    if (owner[name] === "")
      errors.push(invalidValue(childPath(field, name), owner[name], "must not be empty"));
  }
  if (owner.apiVersion === "v1" && owner.kind === "Event") {
    errors.push(invalidValue(field, owner, "/v1, Kind=Event is disallowed from being an owner"));
  }
  return errors;
}

function checkOwners(field: string, owners: readonly OwnerReference[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners ?? []) {
    addAll(errors, checkOwner(field, owner));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = name;
    else {
      const both = `Found "true" in references for ${controller} and ${name}`;
      errors.push(invalidValue(field, owners, `Only one reference can have Controller set to true. ${both}`));
    }
  }
  return errors;
}

const standardFinalizers: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function checkFinalizers(field: string, finalizers: readonly string[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    addAll(errors, invalids(field, finalizer, qualifiedNameErrors(finalizer)));
    if (!finalizer.includes("/") && !standardFinalizers.has(finalizer)) {
      const text = "name is neither a standard finalizer name nor is it fully qualified";
      errors.push(invalidValue(indexPath(field, index), finalizer, text));
    }
  }
  if (finalizers?.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(
      invalidValue(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"),
    );
  }
  return errors;
}

function checkNamespace(field: string, namespace: string | undefined, namespaced: boolean): FieldError[] {
  if (!namespaced) return namespace ? [forbiddenField(field, "not allowed on this type")] : [];
  return namespace ? invalids(field, namespace, dnsLabelErrors(namespace)) : [required(field)];
}

export function validateObjectMeta(meta: ObjectMeta, options: ObjectMetaOptions): Errors {
  const path = options.path ?? "metadata";
  const errors: FieldError[] = [];
  const { name, generateName } = meta;
  if (generateName) {
    addAll(
      errors,
      invalids(
        childPath(path, "generateName"),
        generateName,
        nameErrors(generateName, options.nameRule, true),
      ),
    );
  }
  const namePath = childPath(path, "name");
  if (!name) errors.push(required(namePath, "name or generateName is required"));
  else addAll(errors, invalids(namePath, name, nameErrors(name, options.nameRule)));
  addAll(errors, checkNamespace(childPath(path, "namespace"), meta.namespace, options.namespaced));
  addAll(errors, checkNotNegative(childPath(path, "generation"), meta.generation));
  addAll(errors, checkLabels(childPath(path, "labels"), meta.labels));
  addAll(errors, checkAnnotations(childPath(path, "annotations"), meta.annotations));
  addAll(errors, checkOwners(childPath(path, "ownerReferences"), meta.ownerReferences));
  addAll(errors, checkFinalizers(childPath(path, "finalizers"), meta.finalizers));
  return errors;
}

const immutableFields = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/** Errors of the change alone. The new metadata itself is for validateObjectMeta. */
export function validateObjectMetaUpdate(meta: ObjectMeta, before: ObjectMeta, path = "metadata"): Errors {
  const errors: FieldError[] = [];
  if (before.deletionTimestamp !== undefined) {
    const known = new Set(before.finalizers ?? []);
    const added = [...new Set(meta.finalizers ?? [])].filter((finalizer) => !known.has(finalizer)).sort();
    if (added.length > 0) {
      const list = `[]string{${added.map(goQuote).join(", ")}}`;
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
      errors.push(forbiddenField(childPath(path, "finalizers"), text));
    }
  }
  if ((meta.generation ?? 0) < (before.generation ?? 0)) {
    errors.push(invalidValue(childPath(path, "generation"), meta.generation ?? 0, "must not be decremented"));
  }
  for (const field of immutableFields)
    addAll(errors, checkImmutable(childPath(path, field), meta[field], before[field]));
  return errors;
}
