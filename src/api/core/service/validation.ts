/**
 * What a valid Service is, and which changes of one are.
 * Not here: whether an address or a port is free (apiserver/resources/services).
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go (ValidateService, ValidateServiceUpdate,
 * ValidateServiceStatusUpdate), pkg/api/service/warnings.go.
 */
import {
  childPath,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  keyPath,
  notSupported,
  portNumberErrors,
  required,
} from "../../../machinery/index.ts";
import type { LoadBalancerIngress, Service, ServicePort } from "../../generated/types.gen.ts";
import {
  checkCidr,
  checkEndpointIp,
  checkIp,
  cidrWarnings,
  ipWarnings,
  parseIp,
} from "../../parts/addresses.ts";
import {
  addAll,
  checkDnsSubdomain,
  checkLabelName,
  type Errors,
  immutableText,
  invalids,
} from "../../parts/checks.ts";
import { checkLabels } from "../../parts/metadata.ts";
import { checkPortNumberOrName, checkProtocol } from "../../parts/ports.ts";
import { checkClusterIpFields } from "./families.ts";
import { isExternallyAccessible, isHeadless, needsClusterIp, needsHealthCheckPort } from "./needs.ts";

const types: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const affinities: readonly string[] = ["ClientIP", "None"];
const trafficPolicies: readonly string[] = ["Cluster", "Local"];
const distributions: readonly string[] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const ipModes: readonly string[] = ["Proxy", "VIP"];
const onlyBalancedText = "may only be used when `type` is 'LoadBalancer'";
const notChangedText = "may not change once set";
const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
const topologyModeAnnotation = "service.kubernetes.io/topology-mode";
const topologyHintsAnnotation = "service.kubernetes.io/topology-aware-hints";

/** A day: how long a client may stay with one endpoint. */
const affinitySecondsMax = 86_400;

export function validateService(object: Service): Errors {
  const { metadata, spec } = object;
  const { name } = metadata;
  // Names of services become host names: a letter first, and no dots.
  const errors = name === undefined ? [] : invalids("metadata.name", name, dns1035LabelErrors(name));
  addAll(errors, checkTopologyAnnotations(object));
  addAll(errors, checkByType(object));
  addAll(errors, checkPorts(object));
  addAll(errors, checkLabels("spec.selector", spec.selector));
  addAll(errors, checkAffinity(object));
  addAll(errors, checkClusterIpFields(object));
  addAll(errors, checkExternalIps(object));
  const { type = "" } = spec;
  if (type === "") errors.push(required("spec.type"));
  else if (!types.includes(type)) errors.push(notSupported("spec.type", type, types));
  addAll(errors, checkNodePorts(object));
  addAll(errors, checkDuplicatePorts(object));
  addAll(errors, checkSourceRanges(object));
  addAll(errors, checkBalancedFields(object));
  addAll(errors, checkExternalTraffic(object));
  addAll(errors, checkInternalTraffic(object));
  return errors;
}

export function validateServiceUpdate(object: Service, before: Service): Errors {
  const errors = [...checkChangedIps(object, before), ...checkChangedFamilies(object, before)];
  const { loadBalancerClass } = object.spec;
  const areBalanced = [object, before].every(({ spec }) => spec.type === "LoadBalancer");
  if (areBalanced && loadBalancerClass !== before.spec.loadBalancerClass)
    errors.push(invalidValue("spec.loadBalancerClass", loadBalancerClass ?? null, notChangedText));
  addAll(errors, validateService(object));
  const port = object.spec.healthCheckNodePort ?? 0;
  const needs = [object, before].every(needsHealthCheckPort);
  if (needs && port !== (before.spec.healthCheckNodePort ?? 0))
    errors.push(forbiddenField("spec.healthCheckNodePort", immutableText));
  return errors;
}

export function validateServiceStatus(object: Service): Errors {
  const path = "status.loadBalancer.ingress";
  const ingress = object.status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && object.spec.type !== "LoadBalancer")
    return [forbiddenField(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  return ingress.flatMap((entry, index) => checkIngress(indexPath(path, index), entry));
}

function checkIngress(path: string, { ip = "", hostname = "", ipMode }: LoadBalancerIngress): FieldError[] {
  const modePath = childPath(path, "ipMode");
  const errors = ip === "" ? [] : checkIp(childPath(path, "ip"), ip);
  if (ip !== "" && ipMode === undefined)
    errors.push(required(modePath, "must be specified when `ip` is set"));
  else if (ip === "" && ipMode !== undefined)
    errors.push(forbiddenField(modePath, "may not be specified when `ip` is not set"));
  else if (ipMode !== undefined && !ipModes.includes(ipMode))
    errors.push(notSupported(modePath, ipMode, ipModes));
  if (hostname === "") return errors;
  const hostPath = childPath(path, "hostname");
  addAll(errors, checkDnsSubdomain(hostPath, hostname));
  if (parseIp(hostname) !== undefined)
    errors.push(invalidValue(hostPath, hostname, "must be a DNS name, not an IP address"));
  return errors;
}

function checkTopologyAnnotations({ metadata: { annotations = {} } }: Service): FieldError[] {
  const mode = annotations[topologyModeAnnotation];
  const hints = annotations[topologyHintsAnnotation];
  if (mode === undefined || hints === undefined || mode === hints) return [];
  const path = keyPath("metadata.annotations", topologyModeAnnotation);
  return [
    invalidValue(path, mode, `must match annotations[${topologyHintsAnnotation}] when both are specified`),
  ];
}

function checkByType(object: Service): FieldError[] {
  const { type, ports = [], externalName = "" } = object.spec;
  const errors: FieldError[] = [];
  if (ports.length === 0 && !isHeadless(object) && type !== "ExternalName")
    errors.push(required("spec.ports"));
  if (isHeadless(object) && (type === "LoadBalancer" || type === "NodePort"))
    errors.push(invalidValue("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`));
  if (type !== "ExternalName") return errors;
  for (const field of ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const) {
    const value = object.spec[field] ?? "";
    if (value.length > 0)
      errors.push(forbiddenField(`spec.${field}`, "may not be set for ExternalName services"));
  }
  const host = externalName.replace(/\.$/, "");
  if (host === "") errors.push(required("spec.externalName"));
  else addAll(errors, invalids("spec.externalName", host, dnsSubdomainErrors(host)));
  return errors;
}

function checkPorts({ spec: { ports = [] } }: Service): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const path = indexPath("spec.ports", index);
    const namePath = childPath(path, "name");
    const { name = "" } = port;
    const errors: FieldError[] = [];
    if (name !== "") addAll(errors, invalids(namePath, name, dnsLabelErrors(name)));
    else if (ports.length > 1) errors.push(required(namePath));
    if (name !== "" && names.has(name)) errors.push(duplicateValue(namePath, name));
    names.add(name);
    addAll(errors, checkPort(path, port));
    return errors;
  });
}

function checkPort(path: string, { port, protocol, targetPort, appProtocol }: ServicePort): FieldError[] {
  return [
    ...invalids(childPath(path, "port"), port, portNumberErrors(port)),
    ...checkProtocol(childPath(path, "protocol"), protocol),
    ...(targetPort === undefined ? [] : checkPortNumberOrName(childPath(path, "targetPort"), targetPort)),
    ...(appProtocol === undefined ? [] : checkLabelName(childPath(path, "appProtocol"), appProtocol)),
  ];
}

function checkAffinity({ spec }: Service): FieldError[] {
  const { sessionAffinity = "", sessionAffinityConfig } = spec;
  const path = "spec.sessionAffinityConfig";
  if (sessionAffinity === "") return [required("spec.sessionAffinity")];
  if (!affinities.includes(sessionAffinity))
    return [notSupported("spec.sessionAffinity", sessionAffinity, affinities)];
  if (sessionAffinity === "None")
    return sessionAffinityConfig === undefined
      ? []
      : [forbiddenField(path, "must not be set when session affinity is None")];
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0;
  const text = `must be greater than 0 and less than ${affinitySecondsMax}`;
  return seconds > 0 && seconds <= affinitySecondsMax
    ? []
    : [invalidValue(`${path}.clientIP.timeoutSeconds`, seconds, text)];
}

function checkExternalIps({ spec: { externalIPs = [] } }: Service): FieldError[] {
  return externalIPs.flatMap((ip, index) => {
    const path = indexPath("spec.externalIPs", index);
    const errors = checkIp(path, ip);
    return errors.length > 0 ? errors : checkEndpointIp(path, ip);
  });
}

function checkNodePorts({ spec: { type, ports = [] } }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const used = new Set<string>();
  for (const [index, { nodePort, protocol }] of ports.entries()) {
    if (!nodePort) continue;
    const path = childPath(indexPath("spec.ports", index), "nodePort");
    if (type === "ClusterIP") errors.push(forbiddenField(path, "may not be used when `type` is 'ClusterIP'"));
    const id = `${protocol} ${nodePort}`;
    if (used.has(id)) errors.push(duplicateValue(path, nodePort));
    used.add(id);
  }
  return errors;
}

function checkDuplicatePorts({ spec: { ports = [] } }: Service): FieldError[] {
  const used = new Set<string>();
  return ports.flatMap(({ port, protocol }, index) => {
    const id = `${protocol} ${port}`;
    if (!used.has(id)) {
      used.add(id);
      return [];
    }
    // Upstream prints Go's struct, whose members keep their order.
    const shown = { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    const message = `Duplicate value: ${JSON.stringify(shown)}`;
    return [{ reason: "FieldValueDuplicate", field: indexPath("spec.ports", index), message }];
  });
}

function checkSourceRanges({ metadata, spec }: Service): FieldError[] {
  const { type, loadBalancerSourceRanges = [] } = spec;
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  const isField = loadBalancerSourceRanges.length > 0;
  if (!isField && annotation === undefined) return [];
  // Upstream's spelling.
  const path = isField
    ? "spec.LoadBalancerSourceRanges"
    : keyPath("metadata.annotations", sourceRangesAnnotation);
  const errors = type === "LoadBalancer" ? [] : [forbiddenField(path, onlyBalancedText)];
  if (isField) {
    for (const [index, range] of loadBalancerSourceRanges.entries())
      addAll(errors, checkCidr(indexPath(path, index), range.trim()));
  } else if (annotation!.trim() !== "") {
    for (const range of annotation!.split(",")) addAll(errors, checkCidr(path, range.trim()));
  }
  return errors;
}

function checkBalancedFields({ spec }: Service): FieldError[] {
  const { type, allocateLoadBalancerNodePorts, loadBalancerClass } = spec;
  const isBalanced = type === "LoadBalancer";
  const errors: FieldError[] = [];
  if (!isBalanced && allocateLoadBalancerNodePorts !== undefined)
    errors.push(forbiddenField("spec.allocateLoadBalancerNodePorts", onlyBalancedText));
  if (isBalanced && allocateLoadBalancerNodePorts === undefined)
    errors.push(required("allocateLoadBalancerNodePorts"));
  if (loadBalancerClass === undefined) return errors;
  const path = "spec.loadBalancerClass";
  if (isBalanced) addAll(errors, checkLabelName(path, loadBalancerClass));
  else errors.push(forbiddenField(path, onlyBalancedText));
  return errors;
}

function checkExternalTraffic(object: Service): FieldError[] {
  const { externalTrafficPolicy: policy, healthCheckNodePort: port = 0 } = object.spec;
  const path = "spec.externalTrafficPolicy";
  const errors: FieldError[] = [];
  if (!isExternallyAccessible(object)) {
    if (policy) errors.push(invalidValue(path, policy, "may only be set for externally-accessible services"));
  } else if (!policy) errors.push(required(path));
  else if (!trafficPolicies.includes(policy)) errors.push(notSupported(path, policy, trafficPolicies));
  const portPath = "spec.healthCheckNodePort";
  if (needsHealthCheckPort(object)) {
    if (port === 0) errors.push(required(portPath));
    else addAll(errors, invalids(portPath, port, portNumberErrors(port)));
  } else if (port !== 0) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalidValue(portPath, port, text));
  }
  return errors;
}

function checkInternalTraffic(object: Service): FieldError[] {
  const { internalTrafficPolicy: policy, trafficDistribution } = object.spec;
  const path = "spec.internalTrafficPolicy";
  const errors: FieldError[] = [];
  if (policy === undefined) {
    if (needsClusterIp(object)) errors.push(required(path));
  } else if (!trafficPolicies.includes(policy)) errors.push(notSupported(path, policy, trafficPolicies));
  if (trafficDistribution !== undefined && !distributions.includes(trafficDistribution))
    errors.push(notSupported("spec.trafficDistribution", trafficDistribution, distributions));
  return errors;
}

function haveNoAddressOfTheirOwn(object: Service, before: Service): boolean {
  return (
    [object, before].some(({ spec }) => spec.type === "ExternalName") || [object, before].every(isHeadless)
  );
}

/** The first address stays for ever; a second one comes and goes. */
function checkChangedIps(object: Service, before: Service): FieldError[] {
  if (haveNoAddressOfTheirOwn(object, before)) return [];
  const [now, then] = [object.spec.clusterIPs ?? [], before.spec.clusterIPs ?? []];
  const path = "spec.clusterIPs";
  const changed = (index: number): FieldError => invalidValue(indexPath(path, index), now, notChangedText);
  if (now.length === then.length)
    return then.flatMap((ip, index) => (ip === now[index] ? [] : [changed(index)]));
  const errors = then.length > 0 && now.length > 0 && now[0] !== then[0] ? [changed(0)] : [];
  if (now.length > then.length) return errors;
  if (now.length === 0)
    errors.push(invalidValue(indexPath(path, 0), now, "primary clusterIP can not be unset"));
  addAll(errors, checkReleased(object, now, "clusterIP"));
  return errors;
}

function checkChangedFamilies(object: Service, before: Service): FieldError[] {
  if (haveNoAddressOfTheirOwn(object, before)) return [];
  const [now, then] = [object.spec.ipFamilies ?? [], before.spec.ipFamilies ?? []];
  const path = "spec.ipFamilies";
  const changed = (index: number): FieldError => invalidValue(indexPath(path, index), now, notChangedText);
  if (now.length === then.length)
    return then.flatMap((family, index) => (family === now[index] ? [] : [changed(index)]));
  const errors = then.length > 0 && now.length > 0 && now[0] !== then[0] ? [changed(0)] : [];
  if (now.length > then.length) return errors;
  if (now.length === 0)
    errors.push(invalidValue(indexPath(path, 0), now, "primary ipFamily can not be unset"));
  addAll(errors, checkReleased(object, now, "ipFamily"));
  return errors;
}

function checkReleased({ spec }: Service, now: readonly string[], what: string): FieldError[] {
  if (now.length !== 1 || spec.ipFamilyPolicy === "SingleStack") return [];
  const text = `must be set to 'SingleStack' when releasing the secondary ${what}`;
  return [invalidValue("spec.ipFamilyPolicy", spec.ipFamilyPolicy ?? null, text)];
}

export function serviceWarnings(object: Service): string[] {
  const { metadata, spec } = object;
  const { externalIPs = [], loadBalancerIP = "", loadBalancerSourceRanges = [], externalName } = spec;
  const warnings: string[] = [];
  if (metadata.annotations?.[topologyHintsAnnotation] !== undefined)
    warnings.push(
      `annotation ${topologyHintsAnnotation} is deprecated, please use ${topologyModeAnnotation} instead`,
    );
  const ofList = (field: string, list: readonly string[], of: typeof ipWarnings): readonly string[] =>
    list.flatMap((value, index) => of(indexPath(field, index), value));
  if (!isHeadless(object)) warnings.push(...ofList("spec.clusterIPs", spec.clusterIPs ?? [], ipWarnings));
  else {
    if (loadBalancerIP !== "") warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None")
      warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  warnings.push(...ofList("spec.externalIPs", externalIPs, ipWarnings));
  if (loadBalancerIP !== "") warnings.push(...ipWarnings("spec.loadBalancerIP", loadBalancerIP));
  warnings.push(...ofList("spec.loadBalancerSourceRanges", loadBalancerSourceRanges, cidrWarnings));
  const isNamed = spec.type === "ExternalName";
  if (isNamed && externalIPs.length > 0)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (!isNamed && externalName)
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  return warnings;
}
