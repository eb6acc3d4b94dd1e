/**
 * Questions about the state of a pod that several rooms ask. Not here: what a controller does with the answers.
 * Upstream: kubernetes v1.35, pkg/api/v1/pod/util.go, pkg/controller/daemon/util/daemonset_util.go (GetTargetNodeName).
 */
import type { Pod, PodCondition } from "../../generated/types.gen.ts";

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Whether the pod is Succeeded or Failed: its containers will not run again. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/**
 * The node that a daemon pod is for: `spec.nodeName`, else the one value of the first `metadata.name` field of the required
 * node affinity.
 * @returns undefined when there is no such field, and when it has another number of values than one.
 */
export function targetNodeName(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const needed = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const term of needed?.nodeSelectorTerms ?? []) {
    for (const field of term.matchFields ?? []) {
      if (field.key !== "metadata.name" || field.operator !== "In") continue;
      return field.values?.length === 1 ? field.values[0] : undefined;
    }
  }
  return undefined;
}
