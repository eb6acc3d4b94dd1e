/**
 * Why a DaemonSet does on a node what it does (docs/spec/daemon-policy.md#2): what it wants, what is there, what the next
 * sync does, and every reason why it does no more. Pure.
 *
 *   snapshot ──▶ plan, planRollout ──▶ actions ─────────────────────────┐
 *   slot ──▶ judgeSlot, which tells its reasons while it judges ──▶ reasons ──▶ verdict
 *
 * The actions are those of the planners and the reasons are told by the decisions themselves. Only why a planner did not
 * get to a slot, budget or burst, is found out here.
 * Not here: the reasons and what would change each (reasons.ts), looking up a node (tracked-daemonset.ts).
 */
import { availableFromMs, isUpToDate, type PodFacts } from "./facts.ts";
import { hasBit, judgeSlot, type SlotBit } from "./judge-slot.ts";
import { manageSlot, type SlotContext, type SlotFacts } from "./manage-slot.ts";
import { type Action, plan, type Snapshot } from "./plan.ts";
import {
  type Change,
  changeOf,
  type Obstacle,
  type Reason,
  type Standstill,
  type Stopped,
  type Tell,
} from "./reasons.ts";
import { leftOf, planRollout, type RolloutBudgets, rolloutBudgets } from "./rolling-update.ts";

export interface Verdict {
  readonly node: string;
  /** Whether the node should have a pod; undefined while no sync has looked at this generation. */
  readonly isWanted: boolean | undefined;
  /** In the order of docs/spec/daemonset-controller.md#9.2, without departed ones. */
  readonly has: readonly PodSeen[];
  /** What the next step of placement and of the roll-out does here. */
  readonly actions: readonly Action[];
  /** Why it does no more: all reasons, in the order in which they were met. */
  readonly reasons: readonly VerdictReason[];
}

export interface PodSeen {
  readonly pod: PodFacts;
  readonly isUpToDate: boolean;
  /** -Infinity: it is available as long as it is ready; Infinity: it is not ready. */
  readonly availableFromMs: number;
}

export type VerdictReason = Reason & {
  readonly stops: readonly Stopped[];
  readonly change: Change;
};

/** One node, as one DaemonSet sees it in the moment of the snapshot. */
export interface Question {
  readonly slot: SlotFacts;
  /** Everything that keeps pods off the node; for an eligible node nothing. */
  readonly obstacles: readonly Obstacle[];
  readonly context: SlotContext;
  /** How many slots with the bit come before this one. */
  rank(bit: SlotBit): number;
}

/**
 * Plans once; the answer gives the verdict of one node at a time, O(pods of the node + log).
 * @param standstills why nothing is decided for the DaemonSet now; then nothing is done either.
 */
export function explain(
  snapshot: Snapshot,
  standstills: readonly Standstill[],
): (question: Question) => Verdict {
  const budgets = rolloutBudgets(snapshot);
  const placements = byNode(plan(snapshot));
  const rollouts = byNode(budgets === undefined ? [] : planRollout(snapshot));
  // Slots that were made for another specification, or not yet for all nodes, would tell of that.
  const isSynced = !standstills.some(({ why }) => why === "NotSynced");
  return (question) => {
    const { slot, context } = question;
    const mine = { placement: placements.get(slot.node) ?? [], rollout: rollouts.get(slot.node) ?? [] };
    const reasons = new Reasons();
    const { tell } = reasons;
    for (const standstill of standstills)
      for (const stopped of ["create", "delete", "replace"] as const) tell(stopped, standstill);
    if (isSynced) {
      tellObstacles(question, tell);
      const { bits } = judgeSlot(slot, { ...context, tell });
      tellCut({ question, snapshot, bits, mine }, tell);
      tellBudget({ question, snapshot, bits, mine }, budgets, tell);
    }
    return {
      node: slot.node,
      isWanted: isSynced ? slot.eligibility === "eligible" : undefined,
      has: slot.pods.map((pod) => seen(pod, context)),
      actions: standstills.length > 0 ? [] : [...mine.placement, ...mine.rollout],
      reasons: reasons.all(),
    };
  };
}

interface Actions {
  readonly placement: readonly Action[];
  readonly rollout: readonly Action[];
}

interface Judged {
  readonly question: Question;
  readonly snapshot: Snapshot;
  readonly bits: number;
  readonly mine: Actions;
}

function byNode(actions: readonly Action[]): ReadonlyMap<string, readonly Action[]> {
  const found = new Map<string, Action[]>();
  for (const action of actions) {
    const known = found.get(action.node);
    if (known === undefined) found.set(action.node, [action]);
    else known.push(action);
  }
  return found;
}

function seen(pod: PodFacts, { params }: SlotContext): PodSeen {
  return {
    pod,
    isUpToDate: isUpToDate(pod, params),
    availableFromMs: availableFromMs(pod, params.minReadyMs),
  };
}

function tellObstacles({ obstacles }: Question, tell: Tell): void {
  for (const { reason, mayStay } of obstacles) {
    tell("run", reason);
    if (!mayStay) tell("stay", reason);
  }
}

/** Work of placement that did not fit into the step. */
function tellCut({ question: { slot, context }, snapshot, bits, mine }: Judged, tell: Tell): void {
  const limited: Reason = { why: "RateLimited", perStep: snapshot.burst };
  if (hasBit(bits, "missing") && !mine.placement.some((action) => action.do === "create"))
    tell("create", limited);
  const isPlanned = ({ uid }: PodFacts): boolean =>
    mine.placement.some((action) => action.do === "delete" && action.uid === uid);
  if (!manageSlot(slot, context).deletes.every(({ pod }) => isPlanned(pod))) tell("delete", limited);
}

const rolloutBits: readonly SlotBit[] = [
  "outdated",
  "outdatedElsewhere",
  "outdatedUnavailable",
  "outdatedUnavailableElsewhere",
  "replaced",
];

/** Why an old pod that could make way now does not. */
function tellBudget(judged: Judged, budgets: RolloutBudgets | undefined, tell: Tell): void {
  const { question, snapshot, bits, mine } = judged;
  if (mine.rollout.length > 0 || !rolloutBits.some((name) => hasBit(bits, name))) return;
  if (snapshot.strategy.type === "OnDelete") tell("replace", { why: "OnDelete" });
  else if (budgets === undefined) tell("replace", { why: "InvalidLimits" });
  else if (hasBit(bits, "replaced") && budgets.outdated.limit !== "maxSurge")
    tell("replace", { why: "MoreThanOnePod" });
  else tell("replace", exhausted(question, bits, budgets) ?? { why: "RateLimited", perStep: snapshot.burst });
}

/** Only available old pods need a budget. In place those of all nodes share one, in order of node names. */
function exhausted(question: Question, bits: number, budgets: RolloutBudgets): Reason | undefined {
  const isElsewhere = hasBit(bits, "outdatedElsewhere");
  if (!isElsewhere && !hasBit(bits, "outdated")) return undefined;
  const budget = isElsewhere ? budgets.outdatedElsewhere : budgets.outdated;
  const isShared = budgets.outdated === budgets.outdatedElsewhere;
  const lists: readonly SlotBit[] = isShared
    ? ["outdated", "outdatedElsewhere"]
    : [isElsewhere ? "outdatedElsewhere" : "outdated"];
  const before = lists.reduce((sum, name) => sum + question.rank(name), 0);
  const place = before - leftOf(budget) + 1;
  return place > 0 ? { why: "BudgetExhausted", budget, place } : undefined;
}

/** Reasons in the order told; one that stops several things stands once. */
class Reasons {
  readonly #told = new Map<string, { readonly reason: Reason; readonly stops: Stopped[] }>();

  readonly tell: Tell = (stopped, reason) => {
    const id = JSON.stringify(reason);
    const known = this.#told.get(id);
    if (known === undefined) this.#told.set(id, { reason, stops: [stopped] });
    else if (!known.stops.includes(stopped)) known.stops.push(stopped);
  };

  all(): readonly VerdictReason[] {
    return [...this.#told.values()].map(({ reason, stops }) => ({
      ...reason,
      stops,
      change: changeOf(reason),
    }));
  }
}
