/**
 * What the control plane says about a node from what the node last said, or no longer says. Pure.
 *
 *   node silent ─▶ its conditions become Unknown       (silentConditions)
 *   conditions, cordon ─▶ NoSchedule taints at once     (wantedTaints)
 *   not Ready for long, zone allows ─▶ NoExecute taint  (wantedTaints, `mayEvict`)
 *
 * Not here: when a node counts as silent (heartbeats.ts), how fast pods may be evicted (zones.ts).
 * Upstream: kubernetes v1.35, pkg/controller/nodelifecycle/node_lifecycle_controller.go.
 */
import type { Node, NodeCondition, Taint } from "../../api/index.ts";

export const notReadyKey = "node.kubernetes.io/not-ready";
export const unreachableKey = "node.kubernetes.io/unreachable";
const unschedulableKey = "node.kubernetes.io/unschedulable";

/** Condition → status → taint. */
const taintByCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyKey, Unknown: unreachableKey },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const ownKeys: ReadonlySet<string> = new Set([
  unschedulableKey,
  ...Object.values(taintByCondition).flatMap((byStatus) => Object.values(byStatus)),
]);

/** Conditions that a kubelet keeps and that nobody can vouch for when it is silent. */
const kubeletConditions = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

export function conditionOf(node: Node, type: string): NodeCondition | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type);
}

export type Readiness = "True" | "False" | "Unknown" | "never-said";

export function readinessOf(node: Node): Readiness {
  const status = conditionOf(node, "Ready")?.status;
  if (status === undefined) return "never-said";
  return status === "True" || status === "False" ? status : "Unknown";
}

/** Conditions to write for a node that is silent; empty when they say so already. */
export function silentConditions(node: Node, now: string): readonly NodeCondition[] {
  const changed: NodeCondition[] = [];
  for (const type of kubeletConditions) {
    const known = conditionOf(node, type);
    if (known?.status === "Unknown") continue;
    changed.push({
      ...(known?.lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime: known.lastHeartbeatTime }),
      type,
      status: "Unknown",
      reason: known === undefined ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
      message:
        known === undefined ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
      lastTransitionTime: now,
    });
  }
  return changed;
}

/**
 * All taints that the node should have: foreign ones as they are, ours by conditions and cordon.
 * @param mayEvict false keeps NoExecute taints of ours away, whatever the conditions.
 * @returns undefined when the node has them already.
 */
export function wantedTaints(node: Node, now: string, mayEvict: boolean): readonly Taint[] | undefined {
  const before = node.spec.taints ?? [];
  const wanted = ownTaints(node, mayEvict);
  const kept = before.filter((taint) => !isOurs(taint) || wanted.some((other) => isSame(taint, other)));
  const added = wanted.filter((taint) => !before.some((other) => isSame(taint, other)));
  if (added.length === 0 && kept.length === before.length) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: now }))];
}

function ownTaints(node: Node, mayEvict: boolean): Taint[] {
  const taints: Taint[] = [];
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = Object.hasOwn(taintByCondition, type) ? taintByCondition[type]![status] : undefined;
    if (key === undefined) continue;
    taints.push({ key, effect: "NoSchedule" });
    if (type === "Ready" && mayEvict) taints.push({ key, effect: "NoExecute" });
  }
  if (node.spec.unschedulable) taints.push({ key: unschedulableKey, effect: "NoSchedule" });
  if (readinessOf(node) === "never-said" && node.spec.taints?.some((taint) => taint.key === notReadyKey)) {
    // A node that has not reported yet keeps the taint that it was registered with.
    taints.push({ key: notReadyKey, effect: "NoSchedule" });
  }
  return taints;
}

function isOurs({ key, effect }: Taint): boolean {
  if (effect === "NoSchedule") return ownKeys.has(key);
  return effect === "NoExecute" && (key === notReadyKey || key === unreachableKey);
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
