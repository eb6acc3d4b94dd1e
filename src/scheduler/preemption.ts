/**
 * Whom a pod may drive out, and on which node: a value. Pure.
 *
 *   node ─▶ without all pods of lower priority: does it fit? ─▶ bring them back, the most important first
 *                                                                  └─ who does not fit beside the pod is a victim
 *   nodes with victims ─▶ fewest violated budgets, cheapest victims, fewest, youngest
 *
 * Not here: what is done to the victims (preemptor.ts).
 * Upstream: kubernetes v1.35, pkg/scheduler/framework/preemption, plugins/defaultpreemption.
 * Differs: of nodes that are equal the first is taken, not any.
 */
import type { Pod, PodDisruptionBudget } from "../api/index.ts";
import { parseTimeMs, selectorFromLabelSelector } from "../machinery/index.ts";
import type { NodeState } from "./cluster-state.ts";
import { type Candidate, rejectionOf } from "./filters.ts";
import type { PodFacts } from "./pod-facts.ts";

export type Preemption =
  /** These pods of this node go, the most important first. */
  | { readonly do: "preempt"; readonly node: string; readonly victims: readonly Pod[] }
  /** It may not, or not now. */
  | { readonly do: "wait"; readonly because: string }
  /** It would not help. For each node that was tried: why. */
  | { readonly do: "give-up"; readonly reasons: readonly (readonly string[])[] };

export interface Surroundings {
  readonly budgets: readonly PodDisruptionBudget[];
  readonly nowMs: number;
  /** As last seen; undefined when it is gone. */
  podOf(facts: PodFacts): Pod | undefined;
}

interface Option {
  readonly node: string;
  /** The most important first; at least one. */
  readonly victims: readonly Victim[];
  readonly violations: number;
}

interface Victim {
  readonly facts: PodFacts;
  readonly pod: Pod;
  readonly startMs: number;
}

/** So many nodes with victims are compared: a tenth of those that are tried, but at least 100. Upstream's figures. */
const optionsPercent = 10;
const optionsMin = 100;
/** Makes every priority positive, so that fewer victims have the smaller sum. */
const priorityOffset = 2 ** 31;
const noVictims = "No preemption victims found for incoming pod";

/** @param nodes those that suited if other pods were not there, in the order in which they are to be tried. */
export function planPreemption(
  candidate: Candidate,
  nodes: readonly NodeState[],
  surroundings: Surroundings,
): Preemption {
  const enough = Math.max(optionsMin, Math.floor((nodes.length * optionsPercent) / 100));
  const options: Option[] = [];
  const reasons: (readonly string[])[] = [];
  let isOneHarmless = false;
  for (const node of nodes) {
    const outcome = victimsOn(candidate, node, surroundings);
    if ("reasons" in outcome) reasons.push(outcome.reasons);
    else {
      options.push(outcome);
      isOneHarmless ||= outcome.violations === 0;
      if (isOneHarmless && options.length >= enough) break;
    }
  }
  if (options.length === 0) return { do: "give-up", reasons };
  const { node, victims } = bestOf(options);
  return { do: "preempt", node, victims: victims.map(({ pod }) => pod) };
}

/** Whether the pod would suit the node if no pod of lower priority were there. */
export function fitsWithoutLower(candidate: Candidate, node: NodeState): boolean {
  const lower = node.podsBelow(candidate.facts.priority);
  if (lower.length === 0) return false;
  const room = node.copy();
  for (const facts of lower) room.count(facts, -1);
  return rejectionOf(candidate, room) === undefined;
}

/** True for a pod that is going because it was driven out. */
export function isGoingByPreemption({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return condition?.status === "True" && condition.reason === "PreemptionByScheduler";
}

function victimsOn(
  candidate: Candidate,
  node: NodeState,
  surroundings: Surroundings,
): Option | { readonly reasons: readonly string[] } {
  const lower = victimsBelow(candidate.facts.priority, node, surroundings);
  if (lower.length === 0) return { reasons: [noVictims] };
  const room = node.copy();
  for (const { facts } of lower) room.count(facts, -1);
  const rejection = rejectionOf(candidate, room);
  if (rejection !== undefined) return { reasons: rejection.reasons };
  const victims: Victim[] = [];
  const isSpared = (one: Victim): boolean => {
    room.count(one.facts, 1);
    if (rejectionOf(candidate, room) === undefined) return true;
    room.count(one.facts, -1);
    victims.push(one);
    return false;
  };
  const { violating, others } = byBudgets(lower, surroundings.budgets);
  const violations = violating.filter((one) => !isSpared(one)).length;
  others.forEach(isSpared);
  return { node: node.name, victims: victims.toSorted(byImportance), violations };
}

/** All that may be driven out, the most important first. */
function victimsBelow(priority: number, node: NodeState, { podOf, nowMs }: Surroundings): readonly Victim[] {
  const victims: Victim[] = [];
  for (const facts of node.podsBelow(priority)) {
    const pod = podOf(facts);
    if (pod === undefined) continue;
    // A pod that has not started yet counts as starting now.
    victims.push({ facts, pod, startMs: parseTimeMs(pod.status?.startTime ?? "") ?? nowMs });
  }
  return victims.toSorted(byImportance);
}

/** Higher priority first, then those that run longest. */
function byImportance(a: Victim, b: Victim): number {
  return b.facts.priority - a.facts.priority || a.startMs - b.startMs;
}

interface ByBudgets {
  /** In the given order. */
  readonly violating: readonly Victim[];
  readonly others: readonly Victim[];
}

/** Which of them a budget does not allow to go after those before them went. */
function byBudgets(victims: readonly Victim[], budgets: readonly PodDisruptionBudget[]): ByBudgets {
  const allowances = budgets.map((budget) => ({
    budget,
    selector: selectorFromLabelSelector(budget.spec.selector),
    left: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: Victim[] = [];
  const others: Victim[] = [];
  for (const victim of victims) {
    const { name = "", namespace, labels = {} } = victim.pod.metadata;
    let isViolated = false;
    for (const allowance of allowances) {
      const { budget, selector } = allowance;
      const isMeant = selector.requirements.length > 0 && Object.keys(labels).length > 0;
      if (!isMeant || budget.metadata.namespace !== namespace || !selector.matches(labels)) continue;
      if (budget.status?.disruptedPods !== undefined && Object.hasOwn(budget.status.disruptedPods, name))
        continue;
      allowance.left--;
      isViolated ||= allowance.left < 0;
    }
    (isViolated ? violating : others).push(victim);
  }
  return { violating, others };
}

/** Smaller is better, one after the other. */
const costs: readonly ((option: Option) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]!.facts.priority,
  ({ victims }) => victims.reduce((sum, { facts }) => sum + facts.priority + priorityOffset, 0),
  ({ victims }) => victims.length,
  ({ victims }) => -earliestStartMs(victims),
];

function bestOf(options: readonly Option[]): Option {
  let left = options;
  for (const cost of costs) {
    const values = left.map(cost);
    const least = values.reduce((a, b) => Math.min(a, b));
    left = left.filter((_option, at) => values[at] === least);
  }
  return left[0]!;
}

/** Of the victims of the highest priority. */
function earliestStartMs(victims: readonly Victim[]): number {
  const { priority } = victims[0]!.facts;
  return victims
    .filter(({ facts }) => facts.priority === priority)
    .reduce((earliest, { startMs }) => Math.min(earliest, startMs), Infinity);
}
