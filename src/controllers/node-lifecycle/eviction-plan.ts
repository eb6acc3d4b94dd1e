/**
 * How long a pod may stay on a node with NoExecute taints. Pure.
 * Upstream: kubernetes v1.35, pkg/controller/tainteviction/taint_eviction.go (processPodOnNode, getMinTolerationTime).
 */
import { type Node, type Pod, type Taint, toleratesTaint } from "../../api/index.ts";

export function noExecuteTaints(node: Node | undefined): readonly Taint[] {
  return (node?.spec.taints ?? []).filter((taint) => taint.effect === "NoExecute");
}

/**
 * Milliseconds that the pod may stay, from when it met the taints: 0 at once, Infinity for ever.
 * The shortest tolerationSeconds of the tolerations in use counts; a taint that none covers ends it at once.
 */
export function stayMs(pod: Pod, taints: readonly Taint[]): number {
  let shortest = Infinity;
  for (const taint of taints) {
    const covering = (pod.spec.tolerations ?? []).filter((toleration) => toleratesTaint(toleration, taint));
    if (covering.length === 0) return 0;
    for (const { tolerationSeconds } of covering) {
      if (tolerationSeconds !== undefined)
        shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return shortest;
}
