/**
 * Explained is done: over random slots, the actions of the verdicts are those of the planners, reasons and actions fit
 * together both ways, whoever listens changes no decision, and what would change a reason does change it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  arbitraryEvent,
  arbitraryLimits,
  arbitraryParams,
  nodeNames,
  type RolloutLimits,
  type SlotEvent,
  SlotWorld,
} from "../../testing/slot-world.ts";
import { verdictTroubles } from "../../testing/verdict-rules.ts";
import { explain, type Question, type Verdict, type VerdictReason } from "./explain.ts";
import type { SlotParams } from "./facts.ts";
import { judgeSlot } from "./judge-slot.ts";
import { type Action, plan, type Snapshot } from "./plan.ts";
import type { Obstacle, Stopped } from "./reasons.ts";
import { planRollout } from "./rolling-update.ts";

interface Setting {
  readonly limits: RolloutLimits;
  readonly params: SlotParams;
  readonly burst: number;
  readonly type: "RollingUpdate" | "OnDelete";
}

const arbitrarySetting: fc.Arbitrary<Setting> = fc.record({
  limits: arbitraryLimits,
  params: arbitraryParams,
  burst: fc.constantFrom(1, 2, 250),
  type: fc.constantFrom("RollingUpdate" as const, "RollingUpdate" as const, "OnDelete" as const),
});

/** A world after a script; surge in placement and the limits of the roll-out come from one strategy. */
function worldAfter(script: readonly SlotEvent[], { limits, params, type }: Setting): SlotWorld {
  const world = new SlotWorld();
  for (const step of script) world.apply(step);
  world.slots.setParams({ ...params, hasSurge: type === "RollingUpdate" && limits.maxSurge !== 0 });
  world.slots.advance();
  return world;
}

function snapshotOf(world: SlotWorld, { limits, burst, type }: Setting): Snapshot {
  const snapshot = world.snapshot(limits, burst);
  return { ...snapshot, strategy: { ...snapshot.strategy, type } };
}

/** As a node with such a placement would have them. */
function obstaclesOf(world: SlotWorld, node: string): readonly Obstacle[] {
  const placement = world.nodes.get(node);
  if (placement === undefined || placement.shouldRun) return [];
  const effect = placement.shouldContinue ? "NoSchedule" : "NoExecute";
  const reason = { why: "UntoleratedTaint", taint: { key: "busy", effect } } as const;
  return [{ reason, mayStay: placement.shouldContinue }];
}

function questionOf(world: SlotWorld, node: string): Question {
  return {
    slot: world.slots.slotOf(node),
    obstacles: obstaclesOf(world, node),
    context: world.slots.context(),
    rank: (bit) => world.slots.rank(bit, node),
  };
}

function verdictsOf(world: SlotWorld, snapshot: Snapshot): readonly Verdict[] {
  const verdictOf = explain(snapshot, []);
  return nodeNames.map((node) => verdictOf(questionOf(world, node)));
}

function sorted(actions: readonly Action[]): readonly string[] {
  return actions.map((action) => JSON.stringify(action)).sort();
}

const script = fc.array(arbitraryEvent, { maxLength: 40, size: "max" });

describe("verdicts", () => {
  it("have exactly the actions of the planners, and reasons that fit to them", () => {
    fc.assert(
      fc.property(script, arbitrarySetting, (events, setting) => {
        const world = worldAfter(events, setting);
        const snapshot = snapshotOf(world, setting);
        const verdicts = verdictsOf(world, snapshot);
        const planned = [...plan(snapshot), ...planRollout(snapshot)];
        expect(sorted(verdicts.flatMap(({ actions }) => actions))).toEqual(sorted(planned));
        for (const verdict of verdicts) {
          expect(verdict.isWanted).toBe(world.nodes.get(verdict.node)?.shouldRun ?? false);
          expect(verdictTroubles(verdict)).toEqual([]);
          for (const { why, stops } of verdict.reasons) {
            if (setting.burst === 250) expect(why).not.toBe("RateLimited");
            if (setting.type === "OnDelete" && stops.includes("replace"))
              expect(["OnDelete", "NoSuchNode", "MoreThanOnePod", "NewPodUnavailable"]).toContain(why);
          }
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it("do nothing while the whole DaemonSet stands still, and each says why", () => {
    fc.assert(
      fc.property(script, arbitrarySetting, (events, setting) => {
        const world = worldAfter(events, setting);
        const verdictOf = explain(snapshotOf(world, setting), [{ why: "WritesUnseen" }]);
        for (const node of nodeNames) {
          const { actions, reasons } = verdictOf(questionOf(world, node));
          expect(actions).toEqual([]);
          expect(reasons[0]).toMatchObject({ why: "WritesUnseen", stops: ["create", "delete", "replace"] });
        }
      }),
      { numRuns: 100 },
    );
  });

  it("listen without changing what is decided", () => {
    fc.assert(
      fc.property(script, arbitrarySetting, (events, setting) => {
        const world = worldAfter(events, setting);
        const context = world.slots.context();
        for (const slot of world.slots.all())
          expect(judgeSlot(slot, { ...context, tell: () => {} })).toEqual(judgeSlot(slot, context));
      }),
    );
  });
});

describe("what would change a reason", () => {
  const timed = (verdict: Verdict): readonly (VerdictReason & { readonly atMs: number })[] =>
    verdict.reasons.flatMap((reason) =>
      reason.change.by === "time" ? [{ ...reason, atMs: reason.change.atMs }] : [],
    );
  const stopsReplace: Stopped = "replace";

  it("a time that is named: then the reason is gone", () => {
    let seen = 0;
    fc.assert(
      fc.property(script, arbitrarySetting, (events, setting) => {
        const world = worldAfter(events, setting);
        for (const verdict of verdictsOf(world, snapshotOf(world, setting))) {
          for (const { why, atMs } of timed(verdict)) {
            seen++;
            expect(atMs).toBeGreaterThan(world.nowMs);
            const later = worldAfter(events, setting);
            later.apply({ kind: "time", ms: atMs - world.nowMs });
            later.slots.advance();
            const after = verdictsOf(later, snapshotOf(later, setting));
            const { reasons } = after.find(({ node }) => node === verdict.node)!;
            const isSame = ({ why: other, change }: VerdictReason): boolean =>
              other === why && change.by === "time" && change.atMs === atMs;
            expect(reasons.filter(isSame)).toEqual([]);
          }
        }
      }),
      { numRuns: 1_000 },
    );
    expect(seen).toBeGreaterThan(20);
  });

  it("a budget raised by the place in the queue: then it is the node's turn, and not before", () => {
    let seen = 0;
    fc.assert(
      fc.property(script, arbitrarySetting, (events, chosen) => {
        const setting = { ...chosen, burst: 250 };
        const world = worldAfter(events, setting);
        const snapshot = snapshotOf(world, setting);
        for (const { node, reasons } of verdictsOf(world, snapshot)) {
          const exhausted = reasons.find(({ why }) => why === "BudgetExhausted");
          if (exhausted?.why !== "BudgetExhausted" || exhausted.budget.limit === "desired") continue;
          seen++;
          expect(exhausted.stops).toEqual([stopsReplace]);
          const { limit, allowed, used } = exhausted.budget;
          const withBudget = (more: number): Verdict => {
            const raised = Math.max(allowed, used) + more;
            const strategy = { ...snapshot.strategy, [limit]: raised };
            return explain({ ...snapshot, strategy }, [])(questionOf(world, node));
          };
          const goes = ({ actions }: Verdict): boolean =>
            actions.some(({ because }) => because === "outdated" || because === "surge");
          expect(goes(withBudget(exhausted.place - 1))).toBe(false);
          expect(goes(withBudget(exhausted.place))).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(seen).toBeGreaterThan(20);
  });
});
