/**
 * Which pods nobody will ever end: of nodes that are gone, stuck on nodes taken out of service, never scheduled. Pure.
 * Upstream: kubernetes v1.35, pkg/controller/podgc/gc_controller.go.
 */
import { isPodTerminal, type Node, type Pod, type PodCondition, type PodStatus } from "../../api/index.ts";

export type Reason = "node-gone" | "out-of-service" | "unscheduled" | "finished";

export interface Snapshot {
  readonly pod: Pod;
  /** The pod's node: the object, gone for certain (asked of the server itself), or not known yet. */
  readonly node: Node | "gone" | "unknown";
}

export const outOfServiceKey = "node.kubernetes.io/out-of-service";

/** Why the pod has to be removed by force now, or undefined. Finished pods are counted elsewhere (finished-pods.ts). */
export function reasonToRemove({ pod, node }: Snapshot): Reason | undefined {
  if (pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0) {
    // Already forced; only finalizers hold it.
    return undefined;
  }
  if (pod.spec.nodeName) {
    if (node === "gone") return "node-gone";
    if (node !== "unknown" && pod.metadata.deletionTimestamp !== undefined && isOutOfService(node)) {
      return "out-of-service";
    }
    return undefined;
  }
  return pod.metadata.deletionTimestamp === undefined ? undefined : "unscheduled";
}

/** The node is not ready and an operator says by a taint that nothing runs there any more. */
export function isOutOfService(node: Node): boolean {
  const isTainted = node.spec.taints?.some((taint) => taint.key === outOfServiceKey) ?? false;
  return (
    isTainted && node.status?.conditions?.find((condition) => condition.type === "Ready")?.status !== "True"
  );
}

/**
 * What to write before the removal, so that those who watch see an end and its cause: the phase Failed for pods that
 * had not finished, and the condition DisruptionTarget where the cluster took the node away.
 */
export function lastStatus(pod: Pod, reason: Reason, now: string): PodStatus | undefined {
  const phase = isPodTerminal(pod) ? {} : { phase: "Failed" };
  const { generation } = pod.metadata;
  if (reason === "node-gone") {
    const condition: PodCondition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByPodGC",
      message: "PodGC: node no longer exists",
      lastTransitionTime: now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    return { ...phase, conditions: [condition] };
  }
  return reason === "out-of-service" && !isPodTerminal(pod) ? phase : undefined;
}
