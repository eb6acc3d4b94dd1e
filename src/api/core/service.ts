/**
 * Services. They are stored; no proxy of ours balances load, and they get no cluster address.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_Service),
 * pkg/apis/core/validation/validation.go (ValidateService), pkg/printers/internalversion/printers.go (printService).
 */
import {
  childPath,
  dns1035LabelErrors,
  dnsLabelErrors,
  type Draft,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  notSupported,
  portNumberErrors,
  required,
  type Resource,
} from "../../machinery/index.ts";
import type { Service, ServicePort, ServiceSpec } from "../generated/types.gen.ts";
import { addAll, checkDnsSubdomain, type Errors, invalids } from "../parts/checks.ts";
import {
  ageColumn,
  ageOf,
  column,
  formatLabels,
  nameColumn,
  nameOf,
  orNone,
  wide,
} from "../parts/columns.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { checkLabels } from "../parts/metadata.ts";
import { checkPortNumberOrName, checkProtocol } from "../parts/ports.ts";

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
  unactedWarning: unacted("Services", "they get no cluster address and balance no load"),
  rules: {
    setDefaults: setServiceDefaults,
    prepareForCreate(object) {
      object.status = { loadBalancer: {} };
    },
    validate: validateService,
    validateUpdate: validateService,
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

const serviceTypes: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const affinities: readonly string[] = ["ClientIP", "None"];

function validateService(object: Service): Errors {
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

function checkServicePort(field: string, port: ServicePort, needsName: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const namePath = childPath(field, "name");
  if (!port.name) {
    if (needsName) errors.push(required(namePath));
  } else addAll(errors, invalids(namePath, port.name, dnsLabelErrors(port.name)));
  addAll(errors, invalids(childPath(field, "port"), port.port, portNumberErrors(port.port)));
  addAll(errors, checkProtocol(childPath(field, "protocol"), port.protocol));
  if (port.targetPort !== undefined) {
    addAll(errors, checkPortNumberOrName(childPath(field, "targetPort"), port.targetPort));
  }
  return errors;
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
