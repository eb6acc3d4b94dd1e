/**
 * Which nodes a daemon pod belongs on, by selector, required affinity and taints. Only the node object counts.
 * Not here: resources, host ports and scores (scheduler/), what is done about it (controllers/daemonset/plan.ts).
 * Upstream: kubernetes v1.35, pkg/controller/daemon/daemon_controller.go (NodeShouldRunDaemonPod),
 * component-helpers/scheduling/corev1. Differs: none known.
 */
import type {
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodSpec,
  Taint,
  Toleration,
} from "../generated/types.gen.ts";

export interface PlacementAnswer {
  /** A pod belongs on this node: create one if it is missing. */
  readonly shouldRun: boolean;
  /** A pod that is on this node may stay. */
  readonly shouldContinue: boolean;
}

/** The part of a node that placement reads. */
export type PlacementNode = Pick<Node, "metadata" | "spec">;

const refused: PlacementAnswer = { shouldRun: false, shouldContinue: false };
const welcome: PlacementAnswer = { shouldRun: true, shouldContinue: true };
const onlyStay: PlacementAnswer = { shouldRun: false, shouldContinue: true };

/**
 * The two answers for one node. `template` is the DaemonSet's pod spec as stored: the default tolerations are
 * added here. Callers that ask for many nodes pass them once as `tolerations`.
 */
export function nodeShouldRunDaemonPod(
  template: PodSpec,
  node: PlacementNode,
  tolerations: readonly Toleration[] = daemonTolerations(template),
): PlacementAnswer {
  if (template.nodeName && template.nodeName !== node.metadata.name) return refused;
  if (!matchesNodeAffinity(template, node)) return refused;
  if (untoleratedTaint(node.spec.taints, tolerations, ["NoSchedule", "NoExecute"]) === undefined)
    return welcome;
  return untoleratedTaint(node.spec.taints, tolerations, ["NoExecute"]) === undefined ? onlyStay : refused;
}

/** By `nodeSelector` and the required node affinity. Preferences play no part. */
export function matchesNodeAffinity(spec: PodSpec, node: PlacementNode): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    if (labelOf(labels, key) !== value) return false;
  }
  const needed = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return needed === undefined || needed === null || matchesNodeSelector(needed, node);
}

/** One term must match. No terms match nothing. */
function matchesNodeSelector(selector: NodeSelector, node: PlacementNode): boolean {
  return (selector.nodeSelectorTerms ?? []).some((term) => matchesNodeSelectorTerm(term, node));
}

/** All expressions and fields must hold. A term without any matches nothing, nor does one that cannot be parsed. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: PlacementNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  if (!expressions.every(isParsable) || !fields.every(isParsableField)) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every((requirement) => holds(requirement, labelOf(labels, requirement.key))) &&
    fields.every((requirement) => holds(requirement, node.metadata.name ?? ""))
  );
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Upstream's parser fails on a value that no label can have, so even NotIn does not match then. */
const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const integerPattern = /^[+-]?[0-9]+$/;

function isParsable(requirement: NodeSelectorRequirement): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case "In":
    case "NotIn":
      return values.length > 0 && values.every((value) => labelValue.test(value));
    case "Exists":
    case "DoesNotExist":
      return values.length === 0;
    case "Gt":
    case "Lt":
      return values.length === 1 && integerPattern.test(values[0] ?? "");
    default:
      return false;
  }
}

function isParsableField(requirement: NodeSelectorRequirement): boolean {
  const isSet = requirement.operator === "In" || requirement.operator === "NotIn";
  return requirement.key === "metadata.name" && isSet && requirement.values?.length === 1;
}

function holds(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt":
      return value !== undefined && compareIntegers(value, values[0] ?? "", requirement.operator);
    default:
      return false;
  }
}

function compareIntegers(left: string, right: string, operator: "Gt" | "Lt"): boolean {
  if (!integerPattern.test(left) || !integerPattern.test(right)) return false;
  const a = BigInt(left.replace(/^\+/, ""));
  const b = BigInt(right.replace(/^\+/, ""));
  return operator === "Gt" ? a > b : a < b;
}

/** Whether the toleration covers the taint. `tolerationSeconds` plays no part. */
export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "") {
    case "":
    case "Equal":
      return (toleration.value ?? "") === (taint.value ?? "");
    case "Exists":
      return true;
    case "Gt":
    case "Lt":
      return compareIntegers(taint.value ?? "", toleration.value ?? "", toleration.operator as "Gt" | "Lt");
    default:
      return false;
  }
}

/** The first taint with one of `effects` that no toleration covers, in the order of the node. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return taints?.find(
    (taint) =>
      effects.includes(taint.effect) &&
      !(tolerations ?? []).some((toleration) => toleratesTaint(toleration, taint)),
  );
}

const always: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const onHostNetwork: Toleration = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

/**
 * The template's tolerations with those that every daemon pod gets. One with the same key, effect, operator and value is replaced
 * in its place, without its tolerationSeconds. The others are appended. The input is not changed.
 */
export function daemonTolerations(spec: PodSpec): readonly Toleration[] {
  let result = [...(spec.tolerations ?? [])];
  for (const added of spec.hostNetwork ? [...always, onHostNetwork] : always) {
    const isThere = result.some((existing) => isSameToleration(existing, added));
    if (isThere) result = result.map((existing) => (isSameToleration(existing, added) ? added : existing));
    else result.push(added);
  }
  return result;
}

function isSameToleration(a: Toleration, b: Toleration): boolean {
  const text = (toleration: Toleration): string =>
    [toleration.key, toleration.effect, toleration.operator, toleration.value]
      .map((part) => part ?? "")
      .join("\n");
  return text(a) === text(b);
}
