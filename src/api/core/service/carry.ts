/**
 * What an update takes over from the stored Service: what was given to it, and nothing that its new type does not need.
 *
 *   a client sends its manifest again   what the server had filled in stays
 *   a client changes the type           what belonged to the old type goes, unless the client has changed it
 *
 * Not here: giving out what is missing (apiserver/resources/services).
 * Upstream: kubernetes v1.35, pkg/registry/core/service/storage/storage.go (patchAllocatedValues, normalizeClusterIPs),
 * pkg/registry/core/service/strategy.go (dropTypeDependentFields).
 */
import { type Draft, semanticEqual } from "../../../machinery/index.ts";
import type { Service, ServiceSpec } from "../../generated/types.gen.ts";
import { isExternallyAccessible, needsClusterIp, needsHealthCheckPort, needsNodePorts } from "./needs.ts";

/** The first address is told in two fields. Clients that know only the older one set that. */
export function pairClusterIps(object: Draft<Service>): void {
  const { spec } = object;
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
}

export function carryGiven(object: Draft<Service>, before: Service): void {
  carryClusterIps(object, before);
  if (needsNodePorts(before) && needsNodePorts(object)) carryNodePorts(object.spec, before.spec);
  if (needsHealthCheckPort(before) && needsHealthCheckPort(object)) {
    const port = before.spec.healthCheckNodePort;
    if (!object.spec.healthCheckNodePort && port !== undefined) object.spec.healthCheckNodePort = port;
  }
}

function carryClusterIps(object: Draft<Service>, before: Service): void {
  const { spec } = object;
  const isChanged = Boolean(spec.clusterIP) && spec.clusterIP !== before.spec.clusterIP;
  if (needsClusterIp(before) && needsClusterIp(object)) {
    if (!spec.clusterIP && before.spec.clusterIP !== undefined) spec.clusterIP = before.spec.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && before.spec.clusterIPs !== undefined)
      spec.clusterIPs = [...before.spec.clusterIPs];
  }
  if (!isSame(spec.clusterIPs, before.spec.clusterIPs)) return;
  // Only the older field was changed: the other one follows it.
  if (isChanged) spec.clusterIPs = [spec.clusterIP!];
  else if (before.spec.clusterIP && !spec.clusterIP) delete spec.clusterIPs;
}

function isSame(now: unknown, then: unknown): boolean {
  return semanticEqual(now ?? [], then ?? []);
}

/** By the names of ports; a number that the new object uses for another port is not given twice. */
function carryNodePorts(spec: Draft<ServiceSpec>, before: ServiceSpec): void {
  const given = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
  const stored = new Map((before.ports ?? []).map(({ name = "", nodePort }) => [name, nodePort]));
  for (const port of spec.ports ?? []) {
    const number = stored.get(port.name ?? "");
    if (port.nodePort || !number || given.has(number)) continue;
    port.nodePort = number;
    given.add(number);
  }
}

type Member = keyof ServiceSpec;

export function dropUnneeded(object: Draft<Service>, before: Service): void {
  const { spec } = object;
  const isUnneeded = (needs: (service: Pick<Service, "spec">) => boolean): boolean =>
    needs(before) && !needs(object);
  /** Only what the client has left as it was. */
  const drop = (...members: readonly Member[]): void => {
    if (members.every((member) => semanticEqual(spec[member], before.spec[member])))
      for (const member of members) delete spec[member];
  };
  const isBalanced = ({ spec: { type } }: Pick<Service, "spec">): boolean => type === "LoadBalancer";
  if (isUnneeded(needsClusterIp)) {
    drop("clusterIP", "clusterIPs");
    drop("ipFamilies");
    drop("ipFamilyPolicy");
    drop("internalTrafficPolicy");
  }
  if (isUnneeded(needsNodePorts)) dropNodePorts(spec, before.spec);
  if (isUnneeded(needsHealthCheckPort)) drop("healthCheckNodePort");
  if (isUnneeded(isBalanced)) {
    drop("allocateLoadBalancerNodePorts");
    drop("loadBalancerClass");
  }
  if (isUnneeded(isExternallyAccessible)) drop("externalTrafficPolicy");
  // The stored status is shared.
  if (!isBalanced(object)) object.status = { ...object.status, loadBalancer: {} };
}

function dropNodePorts(spec: Draft<ServiceSpec>, before: ServiceSpec): void {
  const numbers = ({ ports = [] }: ServiceSpec): ReadonlySet<number> =>
    new Set(ports.map(({ nodePort }) => nodePort ?? 0).filter((port) => port !== 0));
  const [now, then] = [numbers(spec), numbers(before)];
  if (now.size !== then.size || ![...now].every((port) => then.has(port))) return;
  for (const port of spec.ports ?? []) delete port.nodePort;
}
