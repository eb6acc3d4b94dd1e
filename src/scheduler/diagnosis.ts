/**
 * Why no node suits a pod, counted by reason, and the sentence about it in `kubectl describe pod`.
 * Upstream: kubernetes v1.35, pkg/scheduler/framework/types.go (FitError). Differs: none known.
 */
import type { Filter, Rejection } from "./filters.ts";

/** What upstream's plug-in for resource claims says when the pod holds none that could be given up. */
const noClaims = "no new claims to deallocate";

export class Diagnosis {
  readonly #reasons = new Map<string, number>();
  readonly filters: Set<Filter> = new Set();
  #resolvable = 0;
  #unresolvable = 0;

  add(rejection: Rejection): void {
    this.filters.add(rejection.filter);
    for (const reason of rejection.reasons) this.#count(reason, 1);
    if (rejection.isResolvable) this.#resolvable++;
    else this.#unresolvable++;
  }

  /** Nodes that were not tried because the pod is pinned to others. */
  addUnpinned(nodes: number): void {
    if (nodes === 0) return;
    this.filters.add("NodeAffinity");
    this.#count("node(s) didn't satisfy plugin(s) [NodeAffinity]", nodes);
    this.#unresolvable += nodes;
  }

  /** @param canPreempt false when the pod's preemptionPolicy is Never. */
  message(nodeCount: number, canPreempt: boolean): string {
    if (nodeCount === 0) return "no nodes available to schedule pods";
    const total = `0/${nodeCount} nodes are available: `;
    return `${total}${histogram(this.#reasons)}. ${noClaims}, preemption: ${this.#preemption(total, canPreempt)}`;
  }

  /** This scheduler never preempts: where it could help, it finds no victims. */
  #preemption(total: string, canPreempt: boolean): string {
    if (!canPreempt) return "not eligible due to preemptionPolicy=Never.";
    const reasons = new Map<string, number>();
    if (this.#resolvable > 0) reasons.set("No preemption victims found for incoming pod", this.#resolvable);
    if (this.#unresolvable > 0) reasons.set("Preemption is not helpful for scheduling", this.#unresolvable);
    return `${total}${histogram(reasons)}.`;
  }

  #count(reason: string, nodes: number): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + nodes);
  }
}

/** `1 Insufficient cpu, 2 node(s) were unschedulable`: sorted as text, like upstream. */
function histogram(reasons: ReadonlyMap<string, number>): string {
  return [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(", ");
}
