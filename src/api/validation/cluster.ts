/**
 * Nodes, namespaces, leases, priority classes, events and disruption budgets.
 * Upstream: kubernetes v1.35, pkg/apis/{core,coordination,scheduling,policy}/validation.
 */
import {
  childPath,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  notSupported,
} from "../../machinery/index.ts";
import type {
  Event,
  Lease,
  Namespace,
  Node,
  PodDisruptionBudget,
  PriorityClass,
} from "../generated/types.gen.ts";
import { addAll, checkImmutable, checkNotNegative, type Errors, isCidr } from "../parts/checks.ts";
import { checkAmounts } from "../parts/resource-requirements.ts";
import { checkLabelSelector, checkTaints } from "../parts/selectors.ts";
import { checkIntOrPercent } from "../apps/daemonset/validation.ts";

function checkPodCidrs(cidrs: readonly string[]): FieldError[] {
  const path = "spec.podCIDRs";
  const errors: FieldError[] = [];
  for (const [index, cidr] of cidrs.entries()) {
    if (isCidr(cidr)) continue;
    const text = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    errors.push(invalidValue(indexPath(path, index), cidr, text));
  }
  const families = new Set(cidrs.map((cidr) => cidr.includes(":")));
  if (cidrs.length > 2 || families.size < cidrs.length) {
    errors.push(invalidValue(path, cidrs, "may specify no more than one CIDR for each IP family"));
  }
  return errors;
}

export function validateNode(node: Node): Errors {
  const errors = checkTaints("spec.taints", node.spec.taints);
  if ((node.spec.podCIDRs ?? []).length > 0) addAll(errors, checkPodCidrs(node.spec.podCIDRs ?? []));
  addAll(errors, checkAmounts("status.capacity", node.status?.capacity));
  addAll(errors, checkAmounts("status.allocatable", node.status?.allocatable));
  return errors;
}

/** Both for the main resource and for the status. */
export function validateNodeUpdate(node: Node, before: Node): Errors {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, address] of (node.status?.addresses ?? []).entries()) {
    const id = `${address.type} ${address.address}`;
    if (seen.has(id)) errors.push(duplicateValue(indexPath("status.addresses", index), address));
    seen.add(id);
  }
  const cidrs = before.spec.podCIDRs ?? [];
  if (cidrs.length > 0 && cidrs.join() !== (node.spec.podCIDRs ?? []).join()) {
    const text = 'node updates may not change podCIDR except from "" to valid';
    errors.push(forbiddenField("spec.podCIDRs", text));
  } else if (before.spec.podCIDR && before.spec.podCIDR !== node.spec.podCIDR) {
    const text = 'node updates may not change podCIDR except from "" to valid';
    errors.push(forbiddenField("spec.podCIDR", text));
  }
  if (before.spec.providerID && before.spec.providerID !== node.spec.providerID) {
    const text = 'node updates may not change providerID except from "" to valid';
    errors.push(forbiddenField("spec.providerID", text));
  }
  return errors;
}

export function validateNamespaceStatusUpdate(namespace: Namespace): Errors {
  const phase = namespace.status?.phase ?? "";
  const isDeleting = namespace.metadata.deletionTimestamp !== undefined;
  const expected = isDeleting ? "Terminating" : "Active";
  if (phase === expected) return [];
  const state = isDeleting ? "is not empty" : "is empty";
  const text = `may only be '${expected}' if \`deletionTimestamp\` ${state}`;
  return [invalidValue("status.Phase", phase, text)];
}

export function validateLease(lease: Lease): Errors {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalidValue("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
  }
  return [...errors, ...checkNotNegative("spec.leaseTransitions", leaseTransitions)];
}

/** The two classes that every cluster has. */
export const systemPriorities: ReadonlyMap<string, number> = new Map([
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

/** Above it lies what the system keeps for itself. */
const userPriorityMax = 1_000_000_000;

export function validatePriorityClass(object: PriorityClass): Errors {
  const errors: FieldError[] = [];
  const name = object.metadata.name ?? "";
  const value = object.value ?? 0;
  if (name.startsWith("system-")) {
    if (systemPriorities.get(name) !== value) {
      const text = "priority class names with 'system-' prefix are reserved for system use only. error:";
      const cause = systemPriorities.has(name)
        ? `value of ${name} PriorityClass must be ${systemPriorities.get(name)}`
        : `${name} is not a known system priority class`;
      errors.push(forbiddenField("metadata.name", `${text} ${cause}`));
    }
  } else if (value > userPriorityMax) {
    errors.push(
      forbiddenField("value", `maximum allowed value of a user defined priority is ${userPriorityMax}`),
    );
  }
  const policy = object.preemptionPolicy;
  if (policy !== undefined && policy !== "PreemptLowerPriority" && policy !== "Never") {
    errors.push(notSupported("preemptionPolicy", policy, ["PreemptLowerPriority", "Never"]));
  }
  return errors;
}

export function validatePriorityClassUpdate(object: PriorityClass, before: PriorityClass): Errors {
  const errors: FieldError[] = [];
  if ((object.value ?? 0) !== (before.value ?? 0)) {
    errors.push(forbiddenField("value", "may not be changed in an update."));
  }
  return [...errors, ...checkImmutable("preemptionPolicy", object.preemptionPolicy, before.preemptionPolicy)];
}

/** Events of cluster-wide objects stand in the namespace `default`. */
export function validateEvent(event: Event): Errors {
  const about = event.involvedObject.namespace ?? "";
  const own = event.metadata.namespace ?? "";
  const isRight = about === "" ? own === "" || own === "default" : about === own;
  return isRight ? [] : [invalidValue("involvedObject.namespace", about, "does not match event.namespace")];
}

export function validatePodDisruptionBudget(object: PodDisruptionBudget): Errors {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = object.spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(invalidValue("spec", object.spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  addAll(errors, checkIntOrPercent(childPath("spec", "minAvailable"), minAvailable));
  addAll(errors, checkIntOrPercent(childPath("spec", "maxUnavailable"), maxUnavailable));
  if (policy !== undefined && policy !== "AlwaysAllow" && policy !== "IfHealthyBudget") {
    errors.push(notSupported("spec.unhealthyPodEvictionPolicy", policy, ["AlwaysAllow", "IfHealthyBudget"]));
  }
  return [...errors, ...checkLabelSelector("spec.selector", selector)];
}
