/**
 * The spec of pods and of pod templates: defaults and what is valid.
 * Defaults fill a spec in place, never overwrite what is set, and change nothing when they run again.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_PodSpec) and zz_generated.defaults.go,
 * pkg/apis/core/validation/validation.go (ValidatePodSpec).
 */
import { withMembers } from "../../base/index.ts";
import {
  childPath,
  type Draft,
  duplicateValue,
  type FieldError,
  indexPath,
  invalidValue,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { PodSpec } from "../generated/types.gen.ts";
import { checkIp } from "./addresses.ts";
import { addAll, checkDnsLabel, checkDnsSubdomain, checkLabelName } from "./checks.ts";
import {
  checkContainers,
  checkEphemeralContainers,
  checkInitContainers,
  type ContainerContext,
  setContainerDefaults,
} from "./containers.ts";
import { checkLabels } from "./metadata.ts";
import { checkAmounts, checkResources } from "./resource-requirements.ts";
import { checkPodSecurity } from "./security-context.ts";
import { checkAffinity, checkTolerations, checkTopologySpread } from "./selectors.ts";
import { checkVolumes, setVolumeDefaults } from "./volumes.ts";

/** Seconds that a pod has to stop before it is killed. 30 as upstream. */
const terminationGracePeriodSeconds = 30;

/** Defaults that pods and templates have in common. @public */
export function setPodSpecDefaults(spec: Draft<PodSpec>): void {
  spec.restartPolicy ||= "Always";
  spec.dnsPolicy ||= "ClusterFirst";
  spec.schedulerName ||= "default-scheduler";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= terminationGracePeriodSeconds;
  const serviceAccount = spec.serviceAccountName || spec.serviceAccount;
  if (serviceAccount) {
    spec.serviceAccountName = serviceAccount;
    spec.serviceAccount = serviceAccount;
  }
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of spec.initContainers ?? []) setContainerDefaults(container);
  for (const container of spec.containers ?? []) setContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container);
}

const restartPolicies: readonly string[] = ["Always", "OnFailure", "Never"];
const dnsPolicies: readonly string[] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const activeDeadlineMax = 2_147_483_647;
/** What a resolver takes: 3 name servers and 32 search domains. */
const nameServersMax = 3;
const searchDomainsMax = 32;

export const activeDeadlineText: string = `must be between 1 and ${activeDeadlineMax}, inclusive`;

export function isActiveDeadline(seconds: number): boolean {
  return seconds >= 1 && seconds <= activeDeadlineMax;
}

export interface PodSpecOptions {
  readonly isPod: boolean;
}

function checkDns(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const policyPath = childPath(field, "dnsPolicy");
  if (!spec.dnsPolicy) errors.push(required(policyPath));
  else if (!dnsPolicies.includes(spec.dnsPolicy))
    errors.push(notSupported(policyPath, spec.dnsPolicy, dnsPolicies));
  const path = childPath(field, "dnsConfig");
  const config = spec.dnsConfig;
  const servers = config?.nameservers ?? [];
  const serversPath = childPath(path, "nameservers");
  if (spec.dnsPolicy === "None") {
    if (config === undefined)
      return [...errors, required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if (servers.length === 0) {
      const text = "must provide at least one DNS nameserver when `dnsPolicy` is None";
      return [...errors, required(serversPath, text)];
    }
  }
  if (servers.length > nameServersMax) {
    errors.push(invalidValue(serversPath, servers, `must not have more than ${nameServersMax} nameservers`));
  }
  for (const [index, server] of servers.entries())
    addAll(errors, checkIp(indexPath(serversPath, index), server));
  const searches = config?.searches ?? [];
  const searchesPath = childPath(path, "searches");
  if (searches.length > searchDomainsMax) {
    errors.push(
      invalidValue(searchesPath, searches, `must not have more than ${searchDomainsMax} search paths`),
    );
  }
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, "").replaceAll("_", "-");
    if (search !== ".") addAll(errors, checkDnsSubdomain(indexPath(searchesPath, index), name));
  }
  for (const [index, option] of (config?.options ?? []).entries()) {
    if (!option.name)
      errors.push(required(indexPath(childPath(path, "options"), index), "must not be empty"));
  }
  return errors;
}

function checkNames(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] as const) {
    const value = spec[name];
    if (value) addAll(errors, checkDnsSubdomain(childPath(field, name), value));
  }
  for (const name of ["hostname", "subdomain"] as const) {
    const value = spec[name];
    if (value) addAll(errors, checkDnsLabel(childPath(field, name), value));
  }
  for (const [index, alias] of (spec.hostAliases ?? []).entries()) {
    const path = indexPath(childPath(field, "hostAliases"), index);
    addAll(errors, checkIp(childPath(path, "ip"), alias.ip));
    for (const [at, hostname] of (alias.hostnames ?? []).entries()) {
      addAll(errors, checkDnsSubdomain(indexPath(childPath(path, "hostnames"), at), hostname));
    }
  }
  return errors;
}

function checkGates(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, gate] of (spec.readinessGates ?? []).entries()) {
    const path = childPath(indexPath(childPath(field, "readinessGates"), index), "conditionType");
    addAll(errors, checkLabelName(path, gate.conditionType));
  }
  const seen = new Set<string>();
  for (const [index, gate] of (spec.schedulingGates ?? []).entries()) {
    const path = indexPath(childPath(field, "schedulingGates"), index);
    addAll(errors, checkLabelName(path, gate.name));
    if (seen.has(gate.name)) errors.push(duplicateValue(path, gate.name));
    seen.add(gate.name);
  }
  return errors;
}

function checkPolicies(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const restartPath = childPath(field, "restartPolicy");
  if (!spec.restartPolicy) errors.push(required(restartPath));
  else if (!restartPolicies.includes(spec.restartPolicy)) {
    errors.push(notSupported(restartPath, spec.restartPolicy, restartPolicies));
  }
  if (spec.terminationGracePeriodSeconds === undefined) {
    errors.push(required(childPath(field, "terminationGracePeriodSeconds")));
  }
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && !isActiveDeadline(deadline)) {
    errors.push(invalidValue(childPath(field, "activeDeadlineSeconds"), deadline, activeDeadlineText));
  }
  const preemption = spec.preemptionPolicy;
  if (preemption !== undefined && preemption !== "PreemptLowerPriority" && preemption !== "Never") {
    const allowed = ["PreemptLowerPriority", "Never"];
    errors.push(notSupported(childPath(field, "preemptionPolicy"), preemption, allowed));
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    const text = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.push(invalidValue(childPath(field, "securityContext", "shareProcessNamespace"), true, text));
  }
  const os = spec.os?.name;
  if (spec.os !== undefined) {
    if (!os) errors.push(required(childPath(field, "os", "name"), "cannot be empty"));
    else if (os !== "linux" && os !== "windows") {
      errors.push(notSupported(childPath(field, "os"), os, ["linux", "windows"]));
    }
  }
  return errors;
}

/** Field paths begin with `field`: `spec` for a pod, `spec.template.spec` for a DaemonSet. */
export function checkPodSpec(field: string, spec: PodSpec, options: PodSpecOptions): FieldError[] {
  const errors = checkVolumes(childPath(field, "volumes"), spec.volumes);
  const context: ContainerContext = {
    volumes: new Set((spec.volumes ?? []).map((volume) => volume.name)),
    hostNetwork: spec.hostNetwork === true,
    isPod: options.isPod,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 0,
  };
  const names = new Set((spec.containers ?? []).map((container) => container.name));
  addAll(errors, checkContainers(childPath(field, "containers"), spec.containers, context));
  addAll(
    errors,
    checkInitContainers(
      childPath(field, "initContainers"),
      spec.initContainers,
      withMembers(context, { names }),
    ),
  );
  const allNames = new Set([...names, ...(spec.initContainers ?? []).map((container) => container.name)]);
  const ephemeralPath = childPath(field, "ephemeralContainers");
  addAll(
    errors,
    checkEphemeralContainers(
      ephemeralPath,
      spec.ephemeralContainers,
      withMembers(context, { names: allNames }),
    ),
  );
  addAll(errors, checkResources(childPath(field, "resources"), spec.resources));
  addAll(errors, checkPolicies(field, spec));
  addAll(errors, checkDns(field, spec));
  addAll(errors, checkLabels(childPath(field, "nodeSelector"), spec.nodeSelector));
  addAll(errors, checkPodSecurity(childPath(field, "securityContext"), spec));
  addAll(errors, checkAffinity(childPath(field, "affinity"), spec.affinity));
  addAll(errors, checkGates(field, spec));
  addAll(
    errors,
    checkTopologySpread(childPath(field, "topologySpreadConstraints"), spec.topologySpreadConstraints),
  );
  addAll(errors, checkNames(field, spec));
  addAll(errors, checkTolerations(childPath(field, "tolerations"), spec.tolerations));
  return [...errors, ...checkAmounts(childPath(field, "overhead"), spec.overhead)];
}
