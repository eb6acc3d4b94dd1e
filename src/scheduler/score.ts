/**
 * Scores of the nodes that suit a pod, with upstream's weights: least-allocated 1, preferred node
 * affinity 2, PreferNoSchedule taints 3. Pure. Upstream: kubernetes v1.35, noderesources, nodeaffinity, tainttoleration.
 */
import { matchesNodeSelectorTerm, untoleratedTaint } from "../api/index.ts";
import type { NodeState } from "./cluster-state.ts";
import type { Candidate } from "./filters.ts";

/** Upstream's MaxNodeScore. */
const scoreMax = 100;
const affinityWeight = 2;
const taintWeight = 3;

/** One number for each node, in the same order; greater is better. */
export function scoresOf(candidate: Candidate, nodes: readonly NodeState[]): number[] {
  const scores = nodes.map((node) => leastAllocated(candidate, node));
  addShare(
    scores,
    affinityWeight,
    nodes.map((node) => preference(candidate, node)),
  );
  const taints = nodes.map((node) => softTaints(candidate, node));
  const most = Math.max(...taints);
  if (most > 0) taints.forEach((count, i) => (scores[i]! += taintWeight * scoreMax * (1 - count / most)));
  return scores;
}

/** Free share of cpu and memory after the pod would have come, 0 to 100. */
function leastAllocated({ facts }: Candidate, node: NodeState): number {
  return Math.floor(
    (freeShare(node.allocatable("cpu"), node.scoreCpu + facts.scoreCpu) +
      freeShare(node.allocatable("memory"), node.scoreMemory + facts.scoreMemory)) /
      2,
  );
}

function freeShare(allocatable: number, used: number): number {
  return used >= allocatable ? 0 : Math.floor(((allocatable - used) * scoreMax) / allocatable);
}

function preference({ pod }: Candidate, { node }: NodeState): number {
  const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  let sum = 0;
  for (const term of terms) if (matchesNodeSelectorTerm(term.preference, node!)) sum += term.weight;
  return sum;
}

/** How many PreferNoSchedule taints of the node the pod does not tolerate. */
function softTaints({ pod }: Candidate, { node }: NodeState): number {
  let count = 0;
  for (const taint of node!.spec.taints ?? []) {
    if (untoleratedTaint([taint], pod.spec.tolerations ?? [], ["PreferNoSchedule"]) !== undefined) count++;
  }
  return count;
}

/** Adds `weight` times the values scaled so that the largest is 100. */
function addShare(scores: number[], weight: number, values: readonly number[]): void {
  const most = Math.max(...values);
  if (most > 0) values.forEach((value, i) => (scores[i]! += (weight * scoreMax * value) / most));
}
