/**
 * Rolling update of one DaemonSet: which outdated pods may go now and, with surge, which nodes get a new pod beside
 * the old one (docs/spec/daemonset-controller.md#11). Pure. The replacements themselves are made by plan.ts once the old
 * pods are gone.
 * Upstream: kubernetes v1.34, pkg/controller/daemon/update.go, rollingUpdate.
 * Differs: candidates in order of node names, where upstream's order is random; nodes that are gone do not fail a surge;
 * unreachable nodes are passed over where the annotation asks for it (#23.16).
 */
import { scaledValue } from "../../machinery/index.ts";
import type { Action, RolloutStrategy, Snapshot } from "./plan.ts";
import type { DeleteReason, SlotFacts } from "./manage-slot.ts";
import type { Budget } from "./reasons.ts";
import { rolloutStage } from "./rollout-stage.ts";

export interface RolloutLimits {
  readonly maxUnavailable: number;
  readonly maxSurge: number;
}

/** Both limits for a number of desired nodes, percentages rounded up; undefined when one cannot be read (#11.3). */
export function rolloutLimits(strategy: RolloutStrategy, desired: number): RolloutLimits | undefined {
  const maxUnavailable = scaledValue(strategy.maxUnavailable ?? 0, desired, "up");
  const maxSurge = scaledValue(strategy.maxSurge ?? 0, desired, "up");
  if (maxUnavailable === undefined || maxSurge === undefined) return undefined;
  if (desired > 0 && maxUnavailable === 0 && maxSurge === 0) return { maxUnavailable: 1, maxSurge: 0 };
  return { maxUnavailable, maxSurge };
}

/** Whether manage may leave an old and a new pod side by side: judged for a total of one node (#9). */
export function hasSurge(strategy: RolloutStrategy): boolean {
  return strategy.type === "RollingUpdate" && (scaledValue(strategy.maxSurge ?? 0, 1, "up") ?? 0) > 0;
}

/** What limits the old pods that are available; others make way at once. In place it is one budget for both. */
export interface RolloutBudgets {
  readonly outdated: Budget;
  readonly outdatedElsewhere: Budget;
}

/** How many more may go on now. */
export function leftOf({ allowed, used }: Budget): number {
  return Math.max(0, allowed - used);
}

/**
 * #11.4 in place: however many nodes fall silent, no more than maxUnavailable and maxUnreachable together are without
 * their pod by our doing. #11.5 with surge: a pod elsewhere goes when more nodes are served than should be.
 * @returns undefined when a limit cannot be read.
 */
export function rolloutBudgets(snapshot: Snapshot): RolloutBudgets | undefined {
  const { desired, unavailable, unreachable, surging, serving } = snapshot.counts;
  const limits = rolloutLimits(snapshot.strategy, desired);
  if (limits === undefined) return undefined;
  if (limits.maxSurge > 0) {
    return {
      outdated: { limit: "maxSurge", allowed: limits.maxSurge, used: surging },
      outdatedElsewhere: { limit: "desired", allowed: serving, used: desired },
    };
  }
  const passedOver = Math.min(unreachable, scaledValue(snapshot.maxUnreachable, desired, "up") ?? 0);
  const budget: Budget = {
    limit: "maxUnavailable",
    allowed: limits.maxUnavailable,
    used: unavailable - passedOver,
  };
  return { outdated: budget, outdatedElsewhere: budget };
}

/** @throws Error when a limit cannot be read; the API server lets none such through. */
export function planRollout(snapshot: Snapshot): readonly Action[] {
  const { strategy, burst } = snapshot;
  if (strategy.type !== "RollingUpdate") return [];
  const budgets = rolloutBudgets(snapshot);
  if (budgets === undefined) {
    throw new Error(
      `invalid rolling update limits: ${String(strategy.maxUnavailable)}, ${String(strategy.maxSurge)}`,
    );
  }
  const { creates, deletes } =
    budgets.outdated.limit === "maxSurge"
      ? replaceWithSurge(snapshot, budgets)
      : replaceInPlace(snapshot, budgets);
  return [...creates.slice(0, burst), ...deletes.slice(0, burst)];
}

interface Steps {
  readonly creates: readonly Action[];
  readonly deletes: readonly Action[];
}

/** #11.4: old pods that serve nobody go at once and without limit; healthy ones within what is left of the budget. */
function replaceInPlace(snapshot: Snapshot, { outdated }: RolloutBudgets): Steps {
  const allowed = byNode(snapshot.outdatedUnavailable, snapshot.outdatedUnavailableElsewhere);
  const candidates = byNode(snapshot.outdated, snapshot.outdatedElsewhere);
  const chosen = [...allowed, ...candidates.slice(0, leftOf(outdated))];
  return { creates: [], deletes: deletions(chosen, snapshot, "outdated") };
}

/** #11.5: the new pod comes first; the old one goes when the new one is available. */
function replaceWithSurge(snapshot: Snapshot, { outdated, outdatedElsewhere }: RolloutBudgets): Steps {
  const growing = [...snapshot.outdatedUnavailable, ...snapshot.outdated.slice(0, leftOf(outdated))];
  const creates = growing.map(({ node }): Action => ({ do: "create", node, because: "surge" }));
  const spare = snapshot.outdatedElsewhere.slice(0, leftOf(outdatedElsewhere));
  const deletes = [
    ...deletions(snapshot.replaced, snapshot, "replaced"),
    ...deletions(snapshot.outdatedUnavailableElsewhere, snapshot, "ineligible"),
    ...deletions(spare, snapshot, "ineligible"),
  ];
  return { creates, deletes };
}

/** Deletes the old pod of each slot. */
function deletions(slots: readonly SlotFacts[], snapshot: Snapshot, because: DeleteReason): Action[] {
  const actions: Action[] = [];
  for (const slot of slots) {
    const at = rolloutStage(slot, snapshot.params, snapshot.nowMs);
    const old = at.stage === "old" ? at.pod : at.stage === "both" ? at.old : undefined;
    if (old !== undefined)
      actions.push({ do: "delete", pod: old.name, uid: old.uid, node: slot.node, because });
  }
  return actions;
}

function byNode(a: readonly SlotFacts[], b: readonly SlotFacts[]): readonly SlotFacts[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  return [...a, ...b].sort((x, y) => (x.node < y.node ? -1 : 1));
}
