/**
 * Counts and sets kept by events always equal a full recount, and plans made from them equal the plain reference.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  referenceManage,
  referenceRollout,
  referenceStatus,
  type ReferenceWorld,
} from "../../testing/daemonset-reference.ts";
import type { PodFacts, SlotParams } from "./facts.ts";
import { hasDeparted } from "./facts.ts";
import { type Action, plan, type Snapshot } from "./plan.ts";
import { recountSlots } from "./recount.ts";
import { planRollout } from "./rolling-update.ts";
import { DaemonSetSlots, type Placement } from "./slots.ts";
import { statusNumbers } from "./status.ts";

const nodeNames = ["n0", "n1", "n2", "n3", "n4", "n5"];
const placements: readonly Placement[] = [
  { shouldRun: true, shouldContinue: true },
  { shouldRun: true, shouldContinue: true, isUnreachable: true },
  { shouldRun: false, shouldContinue: true, isUnreachable: true },
  { shouldRun: false, shouldContinue: true },
  { shouldRun: false, shouldContinue: false },
];

type Event =
  | { readonly kind: "node"; readonly node: string; readonly placement: Placement }
  | { readonly kind: "no node"; readonly node: string }
  | { readonly kind: "pod"; readonly pod: PodFacts }
  | { readonly kind: "no pod"; readonly uid: string }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "back-off"; readonly node: string; readonly ms: number }
  | { readonly kind: "hold"; readonly node: string; readonly ms: number }
  | { readonly kind: "params"; readonly params: SlotParams };

const params: fc.Arbitrary<SlotParams> = fc.record({
  hash: fc.constantFrom("old", "new"),
  generation: fc.constantFrom(undefined, "1", "2"),
  knownHashes: fc.constantFrom(new Set(["new"]), new Set(["old", "new"])),
  minReadyMs: fc.constantFrom(0, 5_000),
  hasSurge: fc.boolean(),
});

const pod: fc.Arbitrary<PodFacts> = fc
  .record({
    number: fc.nat(11),
    node: fc.constantFrom(...nodeNames),
    isBound: fc.boolean(),
    isTerminating: fc.boolean(),
    hasStarted: fc.boolean(),
    life: fc.constantFrom(
      "running" as const,
      "running" as const,
      "running" as const,
      "failed" as const,
      "succeeded" as const,
    ),
    readySinceMs: fc.constantFrom(undefined, 0, 3_000, 9_000),
    createdMs: fc.nat(3),
    hash: fc.constantFrom("old", "new", ""),
    generation: fc.constantFrom("", "1", "2"),
  })
  .map(({ number, ...rest }) => ({
    ...rest,
    uid: `u${number}`,
    name: `p${number}`,
    isReady: rest.readySinceMs !== undefined,
    resourceVersion: "1",
  }));

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("node" as const),
      node: fc.constantFrom(...nodeNames),
      placement: fc.constantFrom(...placements),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("no node" as const), node: fc.constantFrom(...nodeNames) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("pod" as const), pod }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("no pod" as const),
      uid: fc.nat(11).map((number) => `u${number}`),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.nat(4_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("back-off" as const),
      node: fc.constantFrom(...nodeNames),
      ms: fc.nat(4_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("hold" as const),
      node: fc.constantFrom(...nodeNames),
      ms: fc.nat(4_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("params" as const), params }) },
);

class World {
  readonly nodes = new Map<string, Placement>();
  readonly pods = new Map<string, PodFacts>();
  readonly backoffs = new Map<string, number>();
  readonly holds = new Map<string, number>();
  nowMs = 0;
  readonly slots: DaemonSetSlots = new DaemonSetSlots({
    placementOf: (node) => this.nodes.get(node),
    nowMs: () => this.nowMs,
    backoffUntilMs: (node) => this.backoffUntilMs(node),
    holdUntilMs: (node) => this.holdUntilMs(node),
  });

  backoffUntilMs(node: string): number | undefined {
    const until = this.backoffs.get(node);
    return until !== undefined && until > this.nowMs ? until : undefined;
  }

  holdUntilMs(node: string): number | undefined {
    const until = this.holds.get(node);
    return until !== undefined && until > this.nowMs ? until : undefined;
  }

  apply(event: Event): void {
    switch (event.kind) {
      case "node":
        this.nodes.set(event.node, event.placement);
        this.slots.putNode(event.node, event.placement);
        return;
      case "no node":
        this.nodes.delete(event.node);
        this.slots.removeNode(event.node);
        return;
      case "pod":
        this.pods.set(event.pod.uid, event.pod);
        this.slots.putPod(event.pod);
        return;
      case "no pod":
        this.pods.delete(event.uid);
        this.slots.removePod(event.uid);
        return;
      case "time":
        this.nowMs += event.ms;
        return;
      case "back-off":
        this.backoffs.set(event.node, this.nowMs + event.ms);
        this.slots.touch(event.node);
        return;
      case "hold":
        this.holds.set(event.node, this.nowMs + event.ms);
        this.slots.touch(event.node);
        return;
      case "params":
        this.slots.setParams(event.params);
    }
  }

  reference(limits: Limits): ReferenceWorld {
    return {
      ...limits,
      nodes: this.nodes,
      pods: [...this.pods.values()],
      params: this.slots.params,
      nowMs: this.nowMs,
      backoffUntilMs: (node) => this.backoffUntilMs(node),
      holdUntilMs: (node) => this.holdUntilMs(node),
    };
  }

  snapshot(limits: Limits): Snapshot {
    const { slots, nowMs } = this;
    const first = (bit: Parameters<DaemonSetSlots["first"]>[0]): ReturnType<DaemonSetSlots["first"]> =>
      slots.first(bit, 250);
    const backoffs = new Map<string, number>();
    const holds = new Map<string, number>();
    for (const node of nodeNames) {
      const held = this.holdUntilMs(node);
      if (held !== undefined) holds.set(node, held);
      const until = this.backoffUntilMs(node);
      if (until !== undefined) backoffs.set(node, until);
    }
    return {
      uid: "u-1",
      nowMs,
      burst: 250,
      params: slots.params,
      strategy: { type: "RollingUpdate", ...limits },
      maxUnreachable: limits.maxUnreachable,
      counts: slots.counts(),
      missing: first("missing"),
      surplus: first("surplus"),
      outdated: first("outdated"),
      outdatedElsewhere: first("outdatedElsewhere"),
      outdatedUnavailable: first("outdatedUnavailable"),
      outdatedUnavailableElsewhere: first("outdatedUnavailableElsewhere"),
      replaced: first("replaced"),
      backoffs,
      holds,
    };
  }
}

interface Limits {
  readonly maxUnavailable: number | string;
  readonly maxSurge: number | string;
  readonly maxUnreachable: number | string;
}

const limits: fc.Arbitrary<Limits> = fc
  .tuple(
    fc.constantFrom(
      { maxUnavailable: 0, maxSurge: 0 },
      { maxUnavailable: 1, maxSurge: 0 },
      { maxUnavailable: "50%", maxSurge: 0 },
      { maxUnavailable: 0, maxSurge: 1 },
      { maxUnavailable: 0, maxSurge: "40%" },
    ),
    fc.constantFrom(0, 1, "30%", "100%"),
  )
  .map(([chosen, maxUnreachable]) => ({ ...chosen, maxUnreachable }));

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
        fc.array(event, { maxLength: 60, size: "max" }),
        limits,
        params,
        (script, chosen, initial) => {
          const world = new World();
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
      fc.property(fc.array(event, { maxLength: 60, size: "max" }), (script) => {
        const world = new World();
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
