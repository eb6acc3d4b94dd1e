/**
 * Placement of single slots: upstream's surge cases of manage, and failed pods.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import { comparePods, type PodFacts, type SlotParams } from "./facts.ts";
import { manageSlot, type SlotContext, type SlotFacts } from "./manage-slot.ts";

function pod(name: string, change: Partial<PodFacts> = {}): PodFacts {
  return {
    uid: name,
    name,
    node: "n",
    isBound: true,
    isTerminating: false,
    life: "running",
    isReady: change.readySinceMs !== undefined,
    hasStarted: true,
    readySinceMs: undefined,
    createdMs: 0,
    hash: "new",
    generation: "",
    resourceVersion: "1",
    ...change,
  };
}

const params: SlotParams = {
  hash: "new",
  generation: undefined,
  knownHashes: new Set(["new"]),
  minReadyMs: 0,
  hasSurge: true,
};

function manage(
  pods: readonly PodFacts[],
  context: Partial<SlotContext> & { readonly minReadyMs?: number; readonly hasSurge?: boolean } = {},
) {
  const slot: SlotFacts = {
    node: "n",
    eligibility: "eligible",
    mayContinue: true,
    isUnreachable: false,
    pods: [...pods].sort(comparePods),
  };
  const { minReadyMs = 0, hasSurge = true } = context;
  const work = manageSlot(slot, {
    nowMs: 60_000,
    backoffUntilMs: () => undefined,
    holdOn: () => undefined,
    ...context,
    params: { ...params, minReadyMs, hasSurge },
  });
  return {
    create: work.create,
    deletes: work.deletes.map((item) => `${item.pod.name} ${item.because}`).sort(),
  };
}

describe("surge", () => {
  const fresh = (change: Partial<PodFacts> = {}): PodFacts => pod("new@100", { createdMs: 100, ...change });
  const old = (name: string, createdMs: number, readySinceMs: number | undefined): PodFacts =>
    pod(name, { hash: "old", createdMs, readySinceMs });

  test("TestSurgePreservesReadyOldPods", () => {
    expect(manage([fresh(), old("old@50", 50, 0), old("old@60", 60, 0)])).toEqual({
      create: false,
      deletes: ["old@60 duplicate"],
    });
  });

  test("TestSurgeDeletesUnreadyOldPods", () => {
    expect(manage([fresh(), old("old@50", 50, undefined), old("old@60", 60, 0)])).toEqual({
      create: false,
      deletes: ["old@50 not-ready", "old@60 duplicate"],
    });
  });

  for (const [name, nowMs, deletes] of [
    ["TestSurgePreservesOldReadyWithUnsatisfiedMinReady", 60_000, ["old@60 duplicate"]],
    ["TestSurgeDeletesOldReadyWithUnsatisfiedMinReady", 70_000, ["old@50 replaced", "old@60 duplicate"]],
  ] as const) {
    test(name, () => {
      const pods = [
        fresh({ isReady: true, readySinceMs: 50_000 }),
        old("old@50", 50, 50_000),
        old("old@60", 60, 50_000),
      ];
      expect(manage(pods, { nowMs, minReadyMs: 15_000 })).toEqual({ create: false, deletes: [...deletes] });
    });
  }

  test("a node whose pod is terminating gets a new one at once; without surge it waits", () => {
    const leaving = pod("leaving", { isTerminating: true });
    expect(manage([leaving]).create).toBe(true);
    expect(manage([leaving], { hasSurge: false })).toEqual({ create: false, deletes: [] });
  });

  test("no pod is created beside a failed one that waits for its back-off (#23.5)", () => {
    const failed = pod("failed", { life: "failed" });
    expect(manage([failed], { backoffUntilMs: () => 61_000 })).toEqual({ create: false, deletes: [] });
    expect(manage([failed])).toEqual({ create: true, deletes: ["failed failed"] });
  });
});

test("of several failed pods the first goes and puts the others into back-off (#9.1)", () => {
  const failed = [pod("b", { life: "failed" }), pod("a", { life: "failed" })];
  expect(manage(failed, { hasSurge: false })).toEqual({ create: false, deletes: ["a failed"] });
});
