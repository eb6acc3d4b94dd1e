/**
 * Services. They get addresses and ports; no proxy of ours balances load.
 * Not here: what is given to them (apiserver/resources/services).
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_Service), pkg/registry/core/service/strategy.go,
 * pkg/printers/internalversion/printers.go (printService).
 */
import type { Draft, Resource } from "../../../machinery/index.ts";
import type { Service } from "../../generated/types.gen.ts";
import {
  ageColumn,
  ageOf,
  column,
  formatLabels,
  nameColumn,
  nameOf,
  orNone,
  wide,
} from "../../parts/columns.ts";
import { defineKind, unacted } from "../../parts/define-kind.ts";
import type { Kind } from "../../parts/kinds.ts";
import { carryGiven, dropUnneeded, pairClusterIps } from "./carry.ts";
import { isExternallyAccessible, needsClusterIp } from "./needs.ts";
import {
  serviceWarnings,
  validateService,
  validateServiceStatus,
  validateServiceUpdate,
} from "./validation.ts";

export const services: Resource<Service> = {
  group: "",
  version: "v1",
  resource: "services",
  kind: "Service",
  namespaced: true,
};

export const serviceKind: Kind = defineKind({
  resource: services,
  schema: "core.v1.Service",
  shortNames: ["svc"],
  categories: ["all"],
  hasStatus: true,
  allowsCreateOnUpdate: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("Services", "their addresses lead nowhere, and no load is balanced"),
  rules: {
    setDefaults: setServiceDefaults,
    prepareForCreate(object) {
      object.status = { loadBalancer: {} };
      pairClusterIps(object);
    },
    prepareForUpdate(object, before) {
      carryGiven(object, before);
      dropUnneeded(object, before);
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    prepareForStatusUpdate: setIngressDefaults,
    validateStatusUpdate: validateServiceStatus,
    warnings: serviceWarnings,
    selectableFields: {
      "spec.clusterIP": (object) => object.spec.clusterIP ?? "",
      "spec.type": (object) => object.spec.type ?? "",
    },
  },
  table: {
    columns: [
      nameColumn,
      column("Type", "How the service is exposed."),
      column("Cluster-IP", "Address inside the cluster."),
      column("External-IP", "Addresses outside the cluster."),
      column("Port(s)", "Ports, with the node port where there is one."),
      ageColumn,
      wide("Selector", "Labels of the pods behind the service."),
    ],
    cells: (object, nowMs) => [
      nameOf(object),
      object.spec.type ?? "",
      orNone(object.spec.clusterIPs?.[0] ?? object.spec.clusterIP),
      externalIps(object),
      servicePorts(object),
      ageOf(object, nowMs),
      formatLabels(object.spec.selector),
    ],
  },
});

/** How long a client stays with one endpoint when a Service asks for ClientIP affinity: three hours. */
const clientIpTimeoutSeconds = 10_800;

function setServiceDefaults(object: Draft<Service>): void {
  const { spec } = object;
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
  if (isExternallyAccessible(object)) spec.externalTrafficPolicy ||= "Cluster";
  if (needsClusterIp(object)) spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
}

function setIngressDefaults(object: Draft<Service>): void {
  const { loadBalancer } = object.status ?? {};
  if (loadBalancer?.ingress === undefined) return;
  const ingress = loadBalancer.ingress.map((entry) =>
    entry.ip && entry.ipMode === undefined ? { ...entry, ipMode: "VIP" } : entry,
  );
  object.status = { ...object.status, loadBalancer: { ...loadBalancer, ingress } };
}

function externalIps(service: Service): string {
  const { spec } = service;
  const own = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ExternalName":
      return orNone(spec.externalName);
    case "LoadBalancer": {
      const ingress = service.status?.loadBalancer?.ingress ?? [];
      const all = [...ingress.map((entry) => entry.ip || entry.hostname || ""), ...own].filter(
        (ip) => ip !== "",
      );
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    default:
      return own.length === 0 ? "<none>" : own.join(",");
  }
}

function servicePorts(service: Service): string {
  const ports = (service.spec.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol ?? "TCP"}` : `${port}/${protocol ?? "TCP"}`,
  );
  return ports.length === 0 ? "<none>" : ports.join(",");
}
