/**
 * Defaults of the small core kinds. Not here: pods (pod.ts), what a strategy sets whatever the client says (kinds-*.ts).
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go.
 */
import type { Draft } from "../../machinery/index.ts";
import type {
  Endpoints,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PriorityClass,
  Secret,
  Service,
} from "../generated/types.gen.ts";

/** How long a client stays with one endpoint when a Service asks for ClientIP affinity: three hours. */
const clientIpTimeoutSeconds = 10_800;

export function setNamespaceDefaults(object: Draft<Namespace>): void {
  object.spec ??= {};
  const { name } = object.metadata;
  if (name) (object.metadata.labels ??= {})["kubernetes.io/metadata.name"] = name;
}

/** `podCIDR` and `podCIDRs[0]` are one thing; allocatable follows capacity. */
export function setNodeDefaults(object: Draft<Node>): void {
  const spec = (object.spec ??= {});
  if (spec.podCIDR && (spec.podCIDRs ?? []).length === 0) spec.podCIDRs = [spec.podCIDR];
  else if (!spec.podCIDR && spec.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
  const status = object.status;
  if (status?.capacity === undefined) return;
  const allocatable = (status.allocatable ??= {});
  if (Object.keys(allocatable).length > 0) return;
  for (const [name, quantity] of Object.entries(status.capacity)) allocatable[name] = quantity;
}

export function setSecretDefaults(object: Draft<Secret>): void {
  object.type ||= "Opaque";
}

export function setServiceDefaults(object: Draft<Service>): void {
  const spec = (object.spec ??= {});
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP") {
    const config = (spec.sessionAffinityConfig ??= {});
    const clientIp = (config.clientIP ??= {});
    clientIp.timeoutSeconds ??= clientIpTimeoutSeconds;
  }
  spec.type ||= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "")
      port.targetPort = port.port;
  }
  if (spec.type === "NodePort" || spec.type === "LoadBalancer") spec.externalTrafficPolicy ||= "Cluster";
  if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
}

export function setEndpointsDefaults(object: Draft<Endpoints>): void {
  for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
}

export function setPriorityClassDefaults(object: Draft<PriorityClass>): void {
  object.preemptionPolicy ??= "PreemptLowerPriority";
}

export function setPersistentVolumeDefaults(object: Draft<PersistentVolume>): void {
  const spec = (object.spec ??= {});
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
  if (spec.hostPath !== undefined) spec.hostPath.type ??= "";
  (object.status ??= {}).phase ||= "Pending";
}

export function setPersistentVolumeClaimDefaults(object: Draft<PersistentVolumeClaim>): void {
  const spec = (object.spec ??= {});
  spec.resources ??= {};
  spec.volumeMode ??= "Filesystem";
  (object.status ??= {}).phase ||= "Pending";
}

/** Container limits: `default` follows max, requests follow the default, then min. */
export function setLimitRangeDefaults(object: Draft<LimitRange>): void {
  for (const item of object.spec?.limits ?? []) {
    if (item.type !== "Container") continue;
    const limits = (item.default ??= {});
    const requests = (item.defaultRequest ??= {});
    for (const [name, quantity] of Object.entries(item.max ?? {})) limits[name] ??= quantity;
    for (const [name, quantity] of Object.entries(limits)) requests[name] ??= quantity;
    for (const [name, quantity] of Object.entries(item.min ?? {})) requests[name] ??= quantity;
  }
}

/** `stringData` is write-only: it goes into `data` as base64 of UTF-8, and away. */
export function mergeStringData(object: Draft<Secret>): void {
  if (object.stringData === undefined) return;
  const added = Object.entries(object.stringData).map(([key, value]) => [
    key,
    base64(new TextEncoder().encode(value)),
  ]);
  // Not assigned one by one: a key may be `__proto__`.
  object.data = Object.fromEntries([...Object.entries(object.data ?? {}), ...added]) as Record<
    string,
    string
  >;
  delete object.stringData;
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Standard base64 with padding; pure rooms have no Buffer. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    const c = bytes[at + 2] ?? 0;
    const group = (a << 16) | (b << 8) | c;
    const left = bytes.length - at;
    text += base64Alphabet.charAt(group >> 18) + base64Alphabet.charAt((group >> 12) & 63);
    text += left > 1 ? base64Alphabet.charAt((group >> 6) & 63) : "=";
    text += left > 2 ? base64Alphabet.charAt(group & 63) : "=";
  }
  return text;
}
