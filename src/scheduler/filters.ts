/**
 * May this pod run on this node? Upstream's filters in upstream's order; the first that says no gives the reasons.
 * Not here: volumes, pod affinity, topology spread and resource claims, which this scheduler does not look at.
 * Upstream: kubernetes v1.35, pkg/scheduler/framework/plugins.
 */
import { matchesNodeAffinity, type Pod, type Taint, untoleratedTaint } from "../api/index.ts";
import type { NodeState } from "./cluster-state.ts";
import type { PodFacts } from "./pod-facts.ts";

export type Filter =
  "NodeUnschedulable" | "NodeName" | "TaintToleration" | "NodeAffinity" | "NodePorts" | "NodeResourcesFit";

export interface Rejection {
  readonly filter: Filter;
  readonly reasons: readonly string[];
  /** True when removing other pods from the node could help. */
  readonly isResolvable: boolean;
}

export interface Candidate {
  readonly pod: Pod;
  readonly facts: PodFacts;
}

const unschedulableTaint: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const schedulingEffects: readonly string[] = ["NoSchedule", "NoExecute"];

/**
 * Why the pod may not run there, or undefined when it may. Pure; about a microsecond.
 * Room that is promised to other pods of the same or a higher priority is not free.
 */
export function rejectionOf(candidate: Candidate, state: NodeState): Rejection | undefined {
  return rejectionBy(candidate, withNominated(candidate.facts, state));
}

function withNominated({ uid, priority }: PodFacts, state: NodeState): NodeState {
  if (state.nominated.length === 0) return state;
  const before = state.nominated.filter((other) => other.uid !== uid && other.priority >= priority);
  if (before.length === 0) return state;
  const filled = state.copy();
  for (const other of before) filled.count(other, 1);
  return filled;
}

function rejectionBy({ pod, facts }: Candidate, state: NodeState): Rejection | undefined {
  const node = state.node!;
  const tolerations = pod.spec.tolerations ?? [];
  if (node.spec.unschedulable && untoleratedTaint([unschedulableTaint], tolerations, schedulingEffects)) {
    return unresolvable("NodeUnschedulable", "node(s) were unschedulable");
  }
  if (pod.spec.nodeName && pod.spec.nodeName !== state.name) {
    return unresolvable("NodeName", "node(s) didn't match the requested node name");
  }
  if (node.spec.taints?.length && untoleratedTaint(node.spec.taints, tolerations, schedulingEffects)) {
    return unresolvable("TaintToleration", "node(s) had untolerated taint(s)");
  }
  if (!matchesNodeAffinity(pod.spec, node)) {
    return unresolvable("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  }
  if (facts.hostPorts.some((port) => state.isPortTaken(port))) {
    const reasons = ["node(s) didn't have free ports for the requested pod ports"];
    return { filter: "NodePorts", reasons, isResolvable: true };
  }
  return resourceRejection(facts, state);
}

/** All resources that are short, in upstream's order: pods, cpu, memory, ephemeral-storage, then the others. */
function resourceRejection(facts: PodFacts, state: NodeState): Rejection | undefined {
  let reasons: string[] | undefined;
  let isResolvable = true;
  if (state.pods + 1 > state.allocatable("pods")) (reasons ??= []).push("Too many pods");
  for (const [resource, amount] of facts.requests) {
    const allocatable = state.allocatable(resource);
    if (amount <= allocatable - state.used(resource)) continue;
    (reasons ??= []).push(`Insufficient ${resource}`);
    if (amount > allocatable) isResolvable = false;
  }
  return reasons === undefined ? undefined : { filter: "NodeResourcesFit", reasons, isResolvable };
}

function unresolvable(filter: Filter, reason: string): Rejection {
  return { filter, reasons: [reason], isResolvable: false };
}
