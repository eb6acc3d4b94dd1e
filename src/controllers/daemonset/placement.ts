/**
 * Where the pods of one DaemonSet belong, prepared once per template: the answer for a node, and which changes of a
 * node can alter it at all. Pure.
 * Not here: matching itself (api/parts/placement.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, NodeShouldRunDaemonPod, shouldIgnoreNodeUpdate.
 */
import {
  daemonTolerations,
  findPlacementObstacles,
  type Node,
  nodeShouldRunDaemonPod,
  type PlacementObstacle,
  type PodSpec,
  type Taint,
  untoleratedTaint,
} from "../../api/index.ts";
import { canonicalJson } from "../../machinery/index.ts";
import type { Placement } from "./slots.ts";
import { isUnreachable } from "./unreachable.ts";

/** What changed on a node, as far as any DaemonSet can care. */
export interface NodeChange {
  readonly labelKeys: readonly string[];
  /** Taints that came or went, of effects that matter. */
  readonly taints: readonly Taint[];
  /** The node was lost sight of, or is heard of again. */
  readonly isReach: boolean;
}

const effects: readonly string[] = ["NoSchedule", "NoExecute"];

/** The difference that matters, or undefined: heartbeats, other conditions, annotations and allocatable never do. */
export function nodeChange(before: Node, after: Node): NodeChange | undefined {
  const labelKeys = changedKeys(before.metadata.labels ?? {}, after.metadata.labels ?? {});
  const taints = changedTaints(before.spec.taints ?? [], after.spec.taints ?? []);
  const isReach = isUnreachable(before) !== isUnreachable(after);
  return labelKeys.length === 0 && taints.length === 0 && !isReach
    ? undefined
    : { labelKeys, taints, isReach };
}

type Labels = Readonly<Record<string, string>>;

function changedKeys(before: Labels, after: Labels): readonly string[] {
  if (before === after) return [];
  const keys: string[] = [];
  for (const key in before) if (before[key] !== after[key]) keys.push(key);
  for (const key in after) if (!Object.hasOwn(before, key)) keys.push(key);
  return keys;
}

function changedTaints(before: readonly Taint[], after: readonly Taint[]): readonly Taint[] {
  if (before === after || (before.length === 0 && after.length === 0)) return [];
  const has = (list: readonly Taint[], taint: Taint): boolean =>
    list.some((other) => sameTaint(other, taint));
  const changed = [
    ...before.filter((taint) => !has(after, taint)),
    ...after.filter((taint) => !has(before, taint)),
  ];
  return changed.filter((taint) => effects.includes(taint.effect));
}

function sameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect && (a.value ?? "") === (b.value ?? "");
}

export interface PlacementRule {
  /** Equal texts give equal answers for every node. */
  readonly fingerprint: string;
  place(node: Node): Placement;
  /** Everything that keeps pods off the node; none: it should run one. */
  obstacles(node: Node): readonly PlacementObstacle[];
  /** False when the answer for the node cannot have changed. */
  isConcernedBy(change: NodeChange): boolean;
}

export function placementRule(spec: PodSpec): PlacementRule {
  const tolerations = daemonTolerations(spec);
  const labelKeys = selectedKeys(spec);
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    fingerprint: canonicalJson([spec.nodeName ?? "", spec.nodeSelector ?? {}, required ?? null, tolerations]),
    place: (node) => nodeShouldRunDaemonPod(spec, node, tolerations),
    obstacles: (node) => {
      const found: PlacementObstacle[] = [];
      findPlacementObstacles({ spec, tolerations }, node, (obstacle) => {
        found.push(obstacle);
        return false;
      });
      return found;
    },
    isConcernedBy: (change) =>
      change.labelKeys.some((key) => labelKeys.has(key)) ||
      untoleratedTaint(change.taints, tolerations, effects) !== undefined,
  };
}

function selectedKeys(spec: PodSpec): ReadonlySet<string> {
  const keys = new Set(Object.keys(spec.nodeSelector ?? {}));
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const term of required?.nodeSelectorTerms ?? []) {
    for (const { key } of term.matchExpressions ?? []) keys.add(key);
  }
  return keys;
}
