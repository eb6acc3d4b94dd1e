/**
 * The slots of one DaemonSet with everything that happens to them, made at random for property tests: events, strategies,
 * and the same world as slots keep it and as the reference counts it.
 */
import fc from "fast-check";
import type { PodFacts, SlotParams } from "../controllers/daemonset/facts.ts";
import type { Snapshot } from "../controllers/daemonset/plan.ts";
import type { Hold } from "../controllers/daemonset/reasons.ts";
import { recountPlaces, recountSums, recountViews } from "../controllers/daemonset/recount.ts";
import { DaemonSetSlots, type Placement, type SlotsContents } from "../controllers/daemonset/slots.ts";
import type { ReferenceWorld } from "./daemonset-reference.ts";

export const nodeNames: readonly string[] = ["n0", "n1", "n2", "n3", "n4", "n5"];
const placements: readonly Placement[] = [
  { shouldRun: true, shouldContinue: true },
  { shouldRun: true, shouldContinue: true, isUnreachable: true },
  { shouldRun: false, shouldContinue: true, isUnreachable: true },
  { shouldRun: false, shouldContinue: true },
  { shouldRun: false, shouldContinue: false },
];

export type SlotEvent =
  | { readonly kind: "node"; readonly node: string; readonly placement: Placement }
  | { readonly kind: "no node"; readonly node: string }
  | { readonly kind: "pod"; readonly pod: PodFacts }
  | { readonly kind: "no pod"; readonly uid: string }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "back-off"; readonly node: string; readonly ms: number }
  | { readonly kind: "hold"; readonly node: string; readonly ms: number }
  | { readonly kind: "params"; readonly params: SlotParams };

export const arbitraryParams: fc.Arbitrary<SlotParams> = fc.record({
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

export const arbitraryEvent: fc.Arbitrary<SlotEvent> = fc.oneof(
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("params" as const), params: arbitraryParams }) },
);

/** All of the slots against the pods in them, and all that is counted, listed and armed against the slots. */
export function recountSlots(contents: SlotsContents): readonly string[] {
  const { slots, pods } = contents;
  return [...recountPlaces(pods, slots), ...recountViews(slots, contents), ...recountSums(contents)];
}

export class SlotWorld {
  readonly nodes: Map<string, Placement> = new Map();
  readonly pods: Map<string, PodFacts> = new Map();
  readonly backoffs: Map<string, number> = new Map();
  readonly holds: Map<string, number> = new Map();
  nowMs = 0;
  readonly slots: DaemonSetSlots = new DaemonSetSlots({
    placementOf: (node) => this.nodes.get(node),
    nowMs: () => this.nowMs,
    backoffUntilMs: (node) => this.backoffUntilMs(node),
    holdOn: (node) => this.holdOn(node),
  });

  backoffUntilMs(node: string): number | undefined {
    const until = this.backoffs.get(node);
    return until !== undefined && until > this.nowMs ? until : undefined;
  }

  holdUntilMs(node: string): number | undefined {
    const until = this.holds.get(node);
    return until !== undefined && until > this.nowMs ? until : undefined;
  }

  holdOn(node: string): Hold | undefined {
    const untilMs = this.holdUntilMs(node);
    return untilMs === undefined ? undefined : { why: "PodsRejected", rejects: 3, untilMs };
  }

  apply(event: SlotEvent): void {
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

  reference(limits: RolloutLimits): ReferenceWorld {
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

  snapshot(limits: RolloutLimits, burst = 250): Snapshot {
    const { slots, nowMs } = this;
    const first = (bit: Parameters<DaemonSetSlots["first"]>[0]): ReturnType<DaemonSetSlots["first"]> =>
      slots.first(bit, burst);
    const backoffs = new Map<string, number>();
    const holds = new Map<string, Hold>();
    for (const node of nodeNames) {
      const held = this.holdOn(node);
      if (held !== undefined) holds.set(node, held);
      const until = this.backoffUntilMs(node);
      if (until !== undefined) backoffs.set(node, until);
    }
    return {
      uid: "u-1",
      nowMs,
      burst,
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

export interface RolloutLimits {
  readonly maxUnavailable: number | string;
  readonly maxSurge: number | string;
  readonly maxUnreachable: number | string;
}

export const arbitraryLimits: fc.Arbitrary<RolloutLimits> = fc
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
