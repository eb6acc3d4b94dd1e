/**
 * ConfigMaps, Secrets and Services.
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go.
 */
import {
  childPath,
  configMapKeyErrors,
  dns1035LabelErrors,
  dnsLabelErrors,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  keyPath,
  notSupported,
  portNumberErrors,
  required,
  semanticEqual,
  tooLong,
} from "../../machinery/index.ts";
import type { ConfigMap, Secret, Service, ServicePort, ServiceSpec } from "../generated/types.gen.ts";
import { addAll, checkDnsSubdomain, checkImmutable, type Errors, invalids } from "../parts/checks.ts";
import { byteLength, checkLabels } from "../parts/metadata.ts";
import { checkPortNumberOrName } from "../parts/probes.ts";

/** Values of one ConfigMap or Secret together: 1 MiB, so that watches and caches stay light. */
const dataBytesMax = 1_048_576;

/** Bytes behind a base64 text. */
function base64Bytes(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

export function validateConfigMap(object: ConfigMap): Errors {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    addAll(errors, invalids(keyPath("data", key), key, configMapKeyErrors(key)));
    if (Object.hasOwn(object.binaryData ?? {}, key)) {
      errors.push(invalidValue(keyPath("data", key), key, "duplicate of key present in binaryData"));
    }
    bytes += byteLength(value);
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) {
    addAll(errors, invalids(keyPath("binaryData", key), key, configMapKeyErrors(key)));
    bytes += base64Bytes(value);
  }
  if (bytes > dataBytesMax) errors.push(tooLong("[]", dataBytesMax));
  return errors;
}

const frozenText = "field is immutable when `immutable` is set";

interface Freezable {
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

function checkFrozen(object: Freezable, before: Freezable): FieldError[] {
  if (before.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbiddenField("immutable", frozenText));
  for (const field of ["data", "binaryData"] as const) {
    if (!semanticEqual(object[field] ?? {}, before[field] ?? {}))
      errors.push(forbiddenField(field, frozenText));
  }
  return errors;
}

export function validateConfigMapUpdate(object: ConfigMap, before: ConfigMap): Errors {
  return checkFrozen(object, before);
}

/** Keys that a type cannot do without. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function checkSecretType(object: Secret): FieldError[] {
  const { type = "", data = {} } = object;
  const needed = Object.hasOwn(neededKeys, type) ? (neededKeys[type] ?? []) : [];
  const errors = needed
    .filter((key) => !Object.hasOwn(data, key))
    .map((key) => required(keyPath("data", key)));
  if (
    type === "kubernetes.io/basic-auth" &&
    !Object.hasOwn(data, "username") &&
    !Object.hasOwn(data, "password")
  ) {
    errors.push(required(keyPath("data", "username")), required(keyPath("data", "password")));
  }
  const accountKey = "kubernetes.io/service-account.name";
  if (type === "kubernetes.io/service-account-token" && !object.metadata.annotations?.[accountKey]) {
    errors.push(required(keyPath("metadata.annotations", accountKey)));
  }
  return errors;
}

export function validateSecret(object: Secret): Errors {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    addAll(errors, invalids(keyPath("data", key), key, configMapKeyErrors(key)));
    bytes += base64Bytes(value);
  }
  if (bytes > dataBytesMax) errors.push(tooLong("data", dataBytesMax));
  return [...errors, ...checkSecretType(object)];
}

export function validateSecretUpdate(object: Secret, before: Secret): Errors {
  return [...checkImmutable("type", object.type, before.type), ...checkFrozen(object, before)];
}

const serviceTypes: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols: readonly string[] = ["SCTP", "TCP", "UDP"];
const affinities: readonly string[] = ["ClientIP", "None"];

function checkServicePort(field: string, port: ServicePort, needsName: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const namePath = childPath(field, "name");
  if (!port.name) {
    if (needsName) errors.push(required(namePath));
  } else addAll(errors, invalids(namePath, port.name, dnsLabelErrors(port.name)));
  addAll(errors, invalids(childPath(field, "port"), port.port, portNumberErrors(port.port)));
  const protocolPath = childPath(field, "protocol");
  if (!port.protocol) errors.push(required(protocolPath));
  else if (!protocols.includes(port.protocol))
    errors.push(notSupported(protocolPath, port.protocol, protocols));
  if (port.targetPort !== undefined) {
    addAll(errors, checkPortNumberOrName(childPath(field, "targetPort"), port.targetPort));
  }
  return errors;
}

function checkServicePorts(spec: ServiceSpec): FieldError[] {
  const path = "spec.ports";
  const ports = spec.ports ?? [];
  const isHeadless = spec.clusterIP === "None";
  const errors: FieldError[] =
    ports.length === 0 && !isHeadless && spec.type !== "ExternalName" ? [required(path)] : [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = indexPath(path, index);
    addAll(errors, checkServicePort(at, port, ports.length > 1));
    if (port.name && names.has(port.name)) errors.push(duplicateValue(childPath(at, "name"), port.name));
    if (port.name) names.add(port.name);
    const id = `${port.protocol} ${port.port}`;
    if (numbers.has(id)) errors.push(duplicateValue(at, { protocol: port.protocol, port: port.port }));
    numbers.add(id);
  }
  return errors;
}

export function validateService(object: Service): Errors {
  const { spec } = object;
  const { name } = object.metadata;
  // Names of services become host names: a letter first, and no dots.
  const errors = name === undefined ? [] : invalids("metadata.name", name, dns1035LabelErrors(name));
  addAll(errors, checkServicePorts(spec));
  const { type = "", sessionAffinity = "" } = spec;
  if (!serviceTypes.includes(type)) errors.push(notSupported("spec.type", type, serviceTypes));
  if (type === "ExternalName") {
    if (!spec.externalName) errors.push(required("spec.externalName"));
    else addAll(errors, checkDnsSubdomain("spec.externalName", spec.externalName.replace(/\.$/, "")));
    if (spec.clusterIP) {
      errors.push(forbiddenField("spec.clusterIPs", "may not be set when `type` is 'ExternalName'"));
    }
  }
  addAll(errors, checkLabels("spec.selector", spec.selector));
  if (!affinities.includes(sessionAffinity)) {
    errors.push(notSupported("spec.sessionAffinity", sessionAffinity, affinities));
  }
  return errors;
}
