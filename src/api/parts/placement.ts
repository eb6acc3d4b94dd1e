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

/** One thing that keeps the pods of a DaemonSet off a node. */
export type PlacementObstacle =
  /** The template names another node. */
  | { readonly why: "NodeNameMismatch"; readonly wanted: string }
  /** An entry of `nodeSelector`. */
  | {
      readonly why: "SelectorMismatch";
      readonly key: string;
      readonly wanted: string;
      readonly found: string | undefined;
    }
  /** None of the terms of the required node affinity matches. */
  | { readonly why: "AffinityMismatch"; readonly terms: readonly NodeSelectorTerm[] }
  | { readonly why: "UntoleratedTaint"; readonly taint: Taint };

/** Whether a pod that is on the node already may stay in spite of the obstacle. */
export function mayStayDespite(obstacle: PlacementObstacle): boolean {
  return obstacle.why === "UntoleratedTaint" && obstacle.taint.effect !== "NoExecute";
}

/** What placement reads of a DaemonSet. */
export interface PlacementTemplate {
  readonly spec: PodSpec;
  /** With the default ones: `daemonTolerations(spec)`. */
  readonly tolerations: readonly Toleration[];
}

/** Tells of the obstacles one after another: of all, or until `isEnough` answers true. No obstacle: the pod belongs there. */
export function findPlacementObstacles(
  { spec, tolerations }: PlacementTemplate,
  node: PlacementNode,
  isEnough: (obstacle: PlacementObstacle) => boolean,
): void {
  const wanted = spec.nodeName;
  if (wanted && wanted !== node.metadata.name && isEnough({ why: "NodeNameMismatch", wanted })) return;
  if (findAffinityObstacles(spec, node, isEnough)) return;
  for (const taint of node.spec.taints ?? []) {
    const matters = taint.effect === "NoSchedule" || taint.effect === "NoExecute";
    if (matters && !isTolerated(taint, tolerations) && isEnough({ why: "UntoleratedTaint", taint })) return;
  }
}

/**
 * The two answers for one node. `template` is the DaemonSet's pod spec as stored: the default tolerations are
 * added here. Callers that ask for many nodes pass them once as `tolerations`.
 */
export function nodeShouldRunDaemonPod(
  template: PodSpec,
  node: PlacementNode,
  tolerations: readonly Toleration[] = daemonTolerations(template),
): PlacementAnswer {
  let answer = welcome;
  findPlacementObstacles({ spec: template, tolerations }, node, (obstacle) => {
    answer = mayStayDespite(obstacle) ? onlyStay : refused;
    return answer === refused;
  });
  return answer;
}

/** By `nodeSelector` and the required node affinity. Preferences play no part. */
export function matchesNodeAffinity(spec: PodSpec, node: PlacementNode): boolean {
  return !findAffinityObstacles(spec, node, () => true);
}

/** @returns whether `isEnough` answered true. */
function findAffinityObstacles(
  spec: PodSpec,
  node: PlacementNode,
  isEnough: (obstacle: PlacementObstacle) => boolean,
): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, wanted] of Object.entries(spec.nodeSelector ?? {})) {
    const found = labelOf(labels, key);
    if (found !== wanted && isEnough({ why: "SelectorMismatch", key, wanted, found })) return true;
  }
  const needed = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed === undefined || needed === null || matchesNodeSelector(needed, node)) return false;
  return isEnough({ why: "AffinityMismatch", terms: needed.nodeSelectorTerms ?? [] });
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
  return taints?.find((taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations ?? []));
}

function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => toleratesTaint(toleration, taint));
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
