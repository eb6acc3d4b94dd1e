/**
 * How long a pod may stay on a node with NoExecute taints. Pure.
 * Upstream: kubernetes v1.35, pkg/controller/tainteviction/taint_eviction.go (getMinTolerationTime), GetMatchingTolerations.
 */
import { type Node, type Pod, type Taint, toleratesTaint } from "../../api/index.ts";

export function noExecuteTaints(node: Node | undefined): readonly Taint[] {
  return (node?.spec.taints ?? []).filter((taint) => taint.effect === "NoExecute");
}

/**
 * Milliseconds that the pod may stay, from when it met the taints: Infinity for ever, undefined when a taint is not tolerated.
 * For each taint the first toleration that covers it counts, in the pod's order; of several taints the shortest time.
 */
export function stayMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let shortest = Infinity;
  for (const taint of taints) {
    const first = (pod.spec.tolerations ?? []).find((toleration) => toleratesTaint(toleration, taint));
    if (first === undefined) return undefined;
    const { tolerationSeconds = Infinity } = first;
    shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
  }
  return shortest;
}
