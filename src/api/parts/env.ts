/**
 * Environment of containers: names, sources, references to fields and resources; their defaults and what is valid.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go (ValidateEnv).
 */
import {
  childPath,
  compareQuantities,
  configMapKeyErrors,
  type Draft,
  type FieldError,
  indexPath,
  invalidValue,
  notSupported,
  qualifiedNameErrors,
  required,
} from "../../machinery/index.ts";
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from "../generated/types.gen.ts";
import { addAll, invalids } from "./checks.ts";

interface References {
  readonly fieldRef?: Draft<ObjectFieldSelector>;
  readonly resourceFieldRef?: Draft<ResourceFieldSelector>;
}

/** References to fields and resources, in the environment and in files of downwardAPI volumes. */
export function setReferenceDefaults({ fieldRef, resourceFieldRef }: References): void {
  if (fieldRef !== undefined) fieldRef.apiVersion ||= "v1";
  if (resourceFieldRef !== undefined) resourceFieldRef.divisor ||= "0";
}

export function setEnvDefaults(env: Draft<EnvVar>[] | undefined): void {
  for (const { valueFrom } of env ?? []) {
    if (valueFrom === undefined) continue;
    setReferenceDefaults(valueFrom);
    if (valueFrom.fileKeyRef !== undefined) valueFrom.fileKeyRef.optional ??= false;
  }
}

/** Printable ASCII but `=`, as upstream allows since 1.34. */
function envNameErrors(name: string): string[] {
  if (name === "") return ["environment variable name must be non-empty"];
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

const envFieldPaths: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

const volumeFieldPaths: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** All field paths that exist. Each place allows some of them. */
const knownFieldPaths: ReadonlySet<string> = new Set([
  ...envFieldPaths,
  ...volumeFieldPaths,
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.host",
  "status.phase",
  "status.nominatedNodeName",
]);

export function checkFieldRef(
  field: string,
  ref: ObjectFieldSelector,
  place: "env" | "volume",
): FieldError[] {
  if (!ref.apiVersion) return [required(childPath(field, "apiVersion"))];
  const path = childPath(field, "fieldPath");
  if (!ref.fieldPath) return [required(path)];
  const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(ref.fieldPath);
  if (subscript !== null) {
    const key = subscript[2] ?? "";
    const isAnnotation = subscript[1] === "metadata.annotations";
    return invalids(path, key, qualifiedNameErrors(isAnnotation ? key.toLowerCase() : key));
  }
  if (!knownFieldPaths.has(ref.fieldPath)) {
    const text = `error converting fieldPath: field label not supported: ${ref.fieldPath}`;
    return [invalidValue(path, ref.fieldPath, text)];
  }
  const allowed = place === "env" ? envFieldPaths : volumeFieldPaths;
  return allowed.includes(ref.fieldPath) ? [] : [notSupported(path, ref.fieldPath, allowed)];
}

const resourceRefs: readonly string[] = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

const cpuDivisors: readonly string[] = ["1m", "1"];
const byteDivisors: readonly string[] = [
  "1",
  "1k",
  "1M",
  "1G",
  "1T",
  "1P",
  "1E",
  "1Ki",
  "1Mi",
  "1Gi",
  "1Ti",
  "1Pi",
  "1Ei",
];

function checkDivisor(field: string, ref: ResourceFieldSelector): FieldError[] {
  const divisor = ref.divisor ?? "0";
  if (compareQuantities(divisor, "0") === 0) return [];
  const resource = ref.resource.slice(ref.resource.indexOf(".") + 1);
  const allowed = resource === "cpu" ? cpuDivisors : byteDivisors;
  if (allowed.some((quantity) => compareQuantities(quantity, divisor) === 0)) return [];
  const list =
    resource === "cpu" ? "1m and 1 are" : "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are";
  const name = resource === "ephemeral-storage" ? "local ephemeral storage" : resource;
  return [
    invalidValue(
      childPath(field, "divisor"),
      ref.resource,
      `only divisor's values ${list} supported with the ${name} resource`,
    ),
  ];
}

export function checkResourceRef(
  field: string,
  ref: ResourceFieldSelector,
  place: "env" | "volume",
): FieldError[] {
  if (place === "volume" && !ref.containerName) return [required(childPath(field, "containerName"))];
  const path = childPath(field, "resource");
  if (!ref.resource) return [required(path)];
  if (/^(limits|requests)\.hugepages-/.test(ref.resource)) return [];
  if (!resourceRefs.includes(ref.resource)) return [notSupported(path, ref.resource, resourceRefs)];
  return checkDivisor(field, ref);
}

function checkKeyRef(field: string, ref: { readonly name?: string; readonly key: string }): FieldError[] {
  const errors = ref.name ? [] : [required(childPath(field, "name"))];
  if (!ref.key) return [...errors, required(childPath(field, "key"))];
  return [...errors, ...invalids(childPath(field, "key"), ref.key, configMapKeyErrors(ref.key))];
}

function checkValueFrom(field: string, source: EnvVarSource, value: string | undefined): FieldError[] {
  const errors: FieldError[] = [];
  let sources = 0;
  if (source.fieldRef !== undefined) {
    sources++;
    addAll(errors, checkFieldRef(childPath(field, "fieldRef"), source.fieldRef, "env"));
  }
  if (source.resourceFieldRef !== undefined) {
    sources++;
    addAll(errors, checkResourceRef(childPath(field, "resourceFieldRef"), source.resourceFieldRef, "env"));
  }
  for (const name of ["configMapKeyRef", "secretKeyRef"] as const) {
    const ref = source[name];
    if (ref === undefined) continue;
    sources++;
    addAll(errors, checkKeyRef(childPath(field, name), ref));
  }
  if (source.fileKeyRef !== undefined) sources++;
  if (sources === 0) {
    const text =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.push(invalidValue(field, "", text));
  }
  if (value) {
    if (sources !== 0) errors.push(invalidValue(field, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) {
    errors.push(invalidValue(field, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

export function checkEnv(field: string, env: readonly EnvVar[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, variable] of (env ?? []).entries()) {
    const path = indexPath(field, index);
    const namePath = childPath(path, "name");
    if (!variable.name) errors.push(required(namePath));
    else addAll(errors, invalids(namePath, variable.name, envNameErrors(variable.name)));
    if (variable.valueFrom !== undefined) {
      addAll(errors, checkValueFrom(childPath(path, "valueFrom"), variable.valueFrom, variable.value));
    }
  }
  return errors;
}

export function checkEnvFrom(field: string, sources: readonly EnvFromSource[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, source] of (sources ?? []).entries()) {
    const path = indexPath(field, index);
    if (source.prefix)
      addAll(errors, invalids(childPath(path, "prefix"), source.prefix, envNameErrors(source.prefix)));
    let count = 0;
    for (const name of ["configMapRef", "secretRef"] as const) {
      const ref = source[name];
      if (ref === undefined) continue;
      count++;
      if (!ref.name) errors.push(required(childPath(path, name, "name")));
    }
    if (count === 0)
      errors.push(invalidValue(field, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (count > 1)
      errors.push(invalidValue(field, "", "may not have more than one field specified at a time"));
  }
  return errors;
}
