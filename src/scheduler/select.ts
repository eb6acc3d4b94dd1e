/**
 * Chooses the node for one pod: filters, then the emptiest of those that remain. The choice is a value.
 *
 *   nominated ─▶ that node, if it suits
 *   pinned (daemon pods) ─▶ only the named nodes: O(1)
 *   others ─▶ from a moving start, until enough nodes suit ─▶ best score, ties by lot
 *
 * Not here: who makes room for a pod that no node suits (preemption.ts), and scores other than least-allocated, preferred
 * affinity and PreferNoSchedule taints. Upstream: kubernetes v1.35, pkg/scheduler/schedule_one.go.
 */
import type { Random } from "../base/index.ts";
import type { ClusterState, NodeState } from "./cluster-state.ts";
import { Diagnosis } from "./diagnosis.ts";
import { type Candidate, rejectionOf } from "./filters.ts";
import { pinnedNodes } from "./pod-facts.ts";
import { scoresOf } from "./score.ts";

export type Choice =
  | { readonly node: string }
  | {
      readonly node: undefined;
      readonly diagnosis: Diagnosis;
      readonly pinned: ReadonlySet<string> | undefined;
    };

/** Clusters up to this size are searched whole; upstream's minFeasibleNodesToFind. */
const searchWholeMax = 100;
/** Never look for fewer than this share of all nodes, in percent; upstream's minFeasibleNodesPercentageToFind. */
const searchPercentMin = 5;

/** How many suitable nodes are enough: all up to 100, then 50 % falling to 5 %. */
export function enoughNodes(nodeCount: number): number {
  if (nodeCount <= searchWholeMax) return nodeCount;
  const percent = Math.max(searchPercentMin, 50 - Math.floor(nodeCount / 125));
  return Math.max(searchWholeMax, Math.floor((nodeCount * percent) / 100));
}

export class Selector {
  readonly #cluster: ClusterState;
  readonly #random: Random;
  #start = 0;

  constructor(cluster: ClusterState, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  /** Changes nothing in the cluster; only the start of the next search moves. */
  choose(candidate: Candidate): Choice {
    const nominated = this.#nominated(candidate);
    if (nominated !== undefined) return { node: nominated };
    const pinned = pinnedNodes(candidate.pod);
    const diagnosis = new Diagnosis();
    const suitable = pinned
      ? this.#amongPinned(candidate, pinned, diagnosis)
      : this.#amongAll(candidate, diagnosis);
    if (suitable.length === 0) return { node: undefined, diagnosis, pinned };
    return { node: suitable.length === 1 ? suitable[0]!.name : this.#best(candidate, suitable).name };
  }

  #nominated(candidate: Candidate): string | undefined {
    const name = this.#cluster.nominationOf(candidate.facts.uid);
    const node = name === undefined ? undefined : this.#cluster.node(name);
    return node !== undefined && rejectionOf(candidate, node) === undefined ? name : undefined;
  }

  #amongPinned(candidate: Candidate, pinned: ReadonlySet<string>, diagnosis: Diagnosis): NodeState[] {
    const suitable: NodeState[] = [];
    let present = 0;
    for (const name of pinned) {
      const node = this.#cluster.node(name);
      if (node === undefined) continue;
      present++;
      const rejection = rejectionOf(candidate, node);
      if (rejection === undefined) suitable.push(node);
      else diagnosis.add(node, rejection);
    }
    diagnosis.addUnpinned(this.#cluster.nodeCount - present);
    return suitable;
  }

  #amongAll(candidate: Candidate, diagnosis: Diagnosis): NodeState[] {
    const count = this.#cluster.nodeCount;
    const enough = enoughNodes(count);
    const suitable: NodeState[] = [];
    let looked = 0;
    for (; looked < count && suitable.length < enough; looked++) {
      const node = this.#cluster.nodeAt((this.#start + looked) % count);
      const rejection = rejectionOf(candidate, node);
      if (rejection === undefined) suitable.push(node);
      else diagnosis.add(node, rejection);
    }
    if (count > 0) this.#start = (this.#start + looked) % count;
    return suitable;
  }

  /** Highest score; among equals each has the same chance. */
  #best(candidate: Candidate, suitable: readonly NodeState[]): NodeState {
    const scores = scoresOf(candidate, suitable);
    let best = 0;
    let equals = 1;
    for (let i = 1; i < suitable.length; i++) {
      if (scores[i]! > scores[best]!) {
        best = i;
        equals = 1;
      } else if (scores[i] === scores[best] && this.#random.next() * ++equals < 1) best = i;
    }
    return suitable[best]!;
  }
}
