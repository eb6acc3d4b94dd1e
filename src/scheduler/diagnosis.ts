/**
 * Why no node suits a pod, counted by reason, and the sentence about it in `kubectl describe pod`.
 * Upstream: kubernetes v1.35, pkg/scheduler/framework/types.go (FitError). Differs: none known.
 */
import type { NodeState } from "./cluster-state.ts";
import type { Filter, Rejection } from "./filters.ts";
import type { Preemption } from "./preemption.ts";

/** What upstream's plug-in for resource claims says when the pod holds none that could be given up. */
const noClaims = "no new claims to deallocate";

export class Diagnosis {
  readonly #reasons = new Map<string, number>();
  readonly filters: Set<Filter> = new Set();
  /** Nodes that suited if other pods were not there, in the order in which they were looked at. */
  readonly resolvable: NodeState[] = [];

  add(node: NodeState, rejection: Rejection): void {
    this.filters.add(rejection.filter);
    for (const reason of rejection.reasons) this.#count(reason, 1);
    if (rejection.isResolvable) this.resolvable.push(node);
  }

  /** Nodes that were not tried because the pod is pinned to others. */
  addUnpinned(nodes: number): void {
    if (nodes === 0) return;
    this.filters.add("NodeAffinity");
    this.#count("node(s) didn't satisfy plugin(s) [NodeAffinity]", nodes);
  }

  /** A pod that makes room for itself only says what is in its way. */
  message(nodeCount: number, preemption: Preemption): string {
    if (nodeCount === 0) return "no nodes available to schedule pods";
    const total = `0/${nodeCount} nodes are available: `;
    const own = `${total}${histogram(this.#reasons)}.`;
    switch (preemption.do) {
      case "preempt":
        return own;
      case "wait":
        return `${own} ${noClaims}, preemption: ${preemption.because}`;
      case "give-up": {
        const reasons = new Map<string, number>();
        for (const reason of preemption.reasons.flat()) countIn(reasons, reason, 1);
        const others = nodeCount - preemption.reasons.length;
        if (others > 0) countIn(reasons, "Preemption is not helpful for scheduling", others);
        return `${own} ${noClaims}, preemption: ${total}${histogram(reasons)}.`;
      }
    }
  }

  #count(reason: string, nodes: number): void {
    countIn(this.#reasons, reason, nodes);
  }
}

function countIn(reasons: Map<string, number>, reason: string, nodes: number): void {
  reasons.set(reason, (reasons.get(reason) ?? 0) + nodes);
}

/** `1 Insufficient cpu, 2 node(s) were unschedulable`: sorted as text, like upstream. */
function histogram(reasons: ReadonlyMap<string, number>): string {
  return [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(", ");
}
