/**
 * Counts and sets kept by events always equal a full recount, and plans made from them equal the plain reference.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { referenceManage, referenceRollout, referenceStatus } from "../../testing/daemonset-reference.ts";
import {
  arbitraryEvent,
  arbitraryLimits,
  arbitraryParams,
  recountSlots,
  SlotWorld,
} from "../../testing/slot-world.ts";
import { hasDeparted } from "./facts.ts";
import { type Action, plan } from "./plan.ts";
import { planRollout } from "./rolling-update.ts";
import { statusNumbers } from "./status.ts";

function decisionOf(actions: readonly Action[]): { creates: string[]; deletes: string[] } {
  return {
    creates: actions.flatMap((action) => (action.do === "create" ? [action.node] : [])).sort(),
    deletes: actions.flatMap((action) => (action.do === "delete" ? [action.uid] : [])).sort(),
  };
}

describe("slots", () => {
  it("equal a full recount after every event, and so do the plans made from them", () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryEvent, { maxLength: 60, size: "max" }),
        arbitraryLimits,
        arbitraryParams,
        (script, chosen, initial) => {
          const world = new SlotWorld();
          world.slots.setParams(initial);
          for (const step of script) {
            world.apply(step);
            world.slots.advance();
            expect(recountSlots(world.slots.contents())).toEqual([]);
            // Surge in manage and the limits of the roll-out come from one strategy.
            const surge = chosen.maxSurge !== 0;
            if (world.slots.params.hasSurge !== surge)
              world.slots.setParams({ ...world.slots.params, hasSurge: surge });
            const reference = world.reference(chosen);
            const snapshot = world.snapshot(chosen);
            expect(statusNumbers(snapshot.counts)).toEqual(referenceStatus(reference));
            expect(decisionOf(plan(snapshot))).toEqual(referenceManage(reference));
            expect(decisionOf(planRollout(snapshot))).toEqual(referenceRollout(reference));
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it("hold a slot exactly for eligible nodes and nodes with a pod that has not departed", () => {
    fc.assert(
      fc.property(fc.array(arbitraryEvent, { maxLength: 60, size: "max" }), (script) => {
        const world = new SlotWorld();
        for (const step of script) {
          world.apply(step);
          // Alarms that are due have not rung yet.
          expect(recountSlots(world.slots.contents())).toEqual([]);
        }
        const wanted = new Set(
          [...world.nodes].filter(([, { shouldRun }]) => shouldRun).map(([name]) => name),
        );
        for (const pod of world.pods.values()) if (!hasDeparted(pod)) wanted.add(pod.node);
        expect([...world.slots.all()].map(({ node }) => node).sort()).toEqual([...wanted].sort());
        for (const hash of ["old", "new", ""]) {
          expect(world.slots.isHashInUse(hash)).toBe(
            [...world.pods.values()].some((pod) => pod.hash === hash),
          );
        }
      }),
    );
  });
});
