/**
 * What a Service needs, by its type: an address, node ports, a port for health checks.
 * Upstream: kubernetes v1.35, pkg/api/service/util.go, pkg/registry/core/service/strategy.go (needs...).
 */
import type { Service } from "../../generated/types.gen.ts";

/** In place of an address: the Service has none, and its name stands for the addresses of its pods. */
export const noClusterIp = "None";

type Typed = Pick<Service, "spec">;

export function isHeadless({ spec }: Typed): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === noClusterIp;
}

/** Headless ones have a word in the place of the address. */
export function needsClusterIp({ spec }: Typed): boolean {
  return spec.type === "ClusterIP" || needsNodePorts({ spec });
}

export function needsNodePorts({ spec }: Typed): boolean {
  return spec.type === "NodePort" || spec.type === "LoadBalancer";
}

/** A load balancer has to find out on which nodes there are pods. */
export function needsHealthCheckPort({ spec }: Typed): boolean {
  return spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
}

export function isExternallyAccessible(service: Typed): boolean {
  const { type, externalIPs = [] } = service.spec;
  return needsNodePorts(service) || (type === "ClusterIP" && externalIPs.length > 0);
}

/** The addresses that it has. */
export function clusterIpsOf({ spec }: Typed): readonly string[] {
  return (spec.clusterIPs ?? []).filter((ip) => ip !== noClusterIp && ip !== "");
}

/** All ports of nodes that it has, that for health checks too, each once. */
export function nodePortsOf({ spec }: Typed): readonly number[] {
  const ports = (spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0);
  return [...new Set([...ports, spec.healthCheckNodePort ?? 0])].filter((port) => port !== 0);
}
