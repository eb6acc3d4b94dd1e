/** The recount itself can fail: each kind of disagreement is planted once and reported. */
import { describe, expect, test } from "vitest";
import type { PodFacts } from "./facts.ts";
import { recountSlots } from "../../testing/slot-world.ts";
import { recountClaims, recountPlacements } from "./recount.ts";
import { DaemonSetSlots, type SlotsContents } from "./slots.ts";
import type { SlotBit } from "./judge-slot.ts";

type KeptContents = Parameters<typeof recountPlacements>[0] & Parameters<typeof recountClaims>[0];
type CacheContents = { readonly nodes: Parameters<typeof recountPlacements>[1] } & Parameters<
  typeof recountClaims
>[1];

function recountAgainstCaches(kept: KeptContents, caches: CacheContents): readonly string[] {
  return [...recountPlacements(kept, caches.nodes), ...recountClaims(kept, caches)];
}

const eligible = { shouldRun: true, shouldContinue: true };

const pod = (uid: string, node: string, change: Partial<PodFacts> = {}): PodFacts => ({
  uid,
  name: `pod-${uid}`,
  node,
  isBound: true,
  isTerminating: false,
  life: "running",
  isReady: true,
  hasStarted: true,
  readySinceMs: 0,
  createdMs: 0,
  hash: "h",
  generation: "",
  resourceVersion: "1",
  ...change,
});

function contents(): SlotsContents {
  const slots = new DaemonSetSlots({
    placementOf: (node) => (node === "gone" ? undefined : eligible),
    nowMs: () => 1_000,
    backoffUntilMs: () => undefined,
    holdOn: () => undefined,
    params: {
      hash: "h",
      generation: undefined,
      knownHashes: new Set(["h"]),
      minReadyMs: 5_000,
      hasSurge: false,
    },
  });
  for (const node of ["a", "b", "c"]) slots.putNode(node, eligible);
  slots.putPod(pod("1", "a"));
  slots.putPod(pod("2", "a", { createdMs: 7 }));
  slots.putPod(pod("3", "b", { hash: "old", isTerminating: true, life: "failed" }));
  slots.putPod(pod("4", "gone"));
  return slots.contents();
}

function changed<K, V>(map: ReadonlyMap<K, V>, key: K, change: (value: V) => V | undefined): Map<K, V> {
  const copy = new Map(map);
  const value = change(copy.get(key)!);
  if (value === undefined) copy.delete(key);
  else copy.set(key, value);
  return copy;
}

describe("slots", () => {
  const right = contents();
  const a = right.slots.get("a")!;
  const withSlot = (slot: Partial<typeof a>): Partial<SlotsContents> => ({
    slots: changed(right.slots, "a", (old) => ({ ...old, ...slot })),
  });
  const withList = (bit: SlotBit, nodes: readonly string[]): Partial<SlotsContents> => ({
    listed: changed(right.listed, bit, () => nodes),
  });
  const planted: Readonly<Record<string, readonly [Partial<SlotsContents>, RegExp]>> = {
    "a pod that no slot holds": [withSlot({ pods: [a.pods[1]!] }), /pod-1 is not in the slot of a/],
    "a departed pod in a slot": [
      { pods: changed(right.pods, "1", () => pod("1", "a", { isTerminating: true, life: "failed" })) },
      /former state of pod-1/,
    ],
    "a pod that is gone": [{ pods: changed(right.pods, "1", () => undefined) }, /former state of pod-1/],
    "pods in a wrong order": [withSlot({ pods: [...a.pods].reverse() }), /not in order/],
    "an empty slot of a node that is not eligible": [
      {
        slots: changed(right.slots, "c", (slot) => ({
          ...slot,
          eligibility: "ineligible" as const,
          bits: 0,
        })),
      },
      /nothing in it/,
    ],
    "a hash too many": [{ hashes: changed(right.hashes, "h", (count) => count + 1) }, /hash h: 4 pods/],
    "a hash too few": [{ hashes: changed(right.hashes, "old", () => undefined) }, /hash old: 0 pods/],
    "a view that is out of date": [withSlot({ bits: 0 }), /a is seen as nothing, and is desired/],
    "a slot that sleeps too long": [
      withSlot({ wakeAtMs: 6_000 }),
      /a sleeps until 6000, and changes at 5000/,
    ],
    "a wrong count": [{ counts: { ...right.counts, ready: 2 } }, /2 are counted as ready, there are 1/],
    "a node that is not listed": [withList("missing", ["b"]), /listed as missing: b; there are b,c/],
    "an alarm that is not armed": [{ alarms: [] }, /no alarm rings for a at 5000/],
  };

  test("nothing is reported when all is well", () => {
    expect(recountSlots(right)).toEqual([]);
  });

  test.each(Object.entries(planted))("%s", (_name, [change, text]) => {
    expect(recountSlots({ ...right, ...change }).join("\n")).toMatch(text);
  });
});

describe("caches", () => {
  const { slots } = contents();
  const kept: KeptContents = {
    slots,
    inSlots: new Map([
      ["1", "5"],
      ["2", "5"],
    ]),
    orphans: new Map([["3", "5"]]),
    notMatching: new Map(),
    withoutNode: new Map(),
    isRefused: () => false,
  };
  const caches: CacheContents = {
    nodes: new Map(["a", "b", "c"].map((node) => [node, { placement: eligible, refusal: [] }])),
    owned: new Map([
      ["1", "5"],
      ["2", "4"],
    ]),
    all: new Set(["1", "2", "3"]),
  };
  const ineligible = { placement: { shouldRun: false, shouldContinue: true }, refusal: [] };
  const pressure = { why: "NodePressure", condition: "DiskPressure" } as const;
  const planted: Readonly<Record<string, readonly [Partial<KeptContents>, Partial<CacheContents>, RegExp]>> =
    {
      "an eligible node without a slot": [
        {},
        { nodes: new Map([...caches.nodes, ["d", { placement: eligible, refusal: [] }]]) },
        /eligible node d has no slot/,
      ],
      "a node that is placed otherwise by now": [
        {},
        { nodes: new Map([...caches.nodes, ["a", ineligible]]) },
        /a is placed as eligible true,true,false, and is false,true,false/,
      ],
      "a node that is gone": [
        {},
        { nodes: changed(caches.nodes, "a", () => undefined) },
        /a is gone, and its slot/,
      ],
      "a node that has come back": [
        {},
        { nodes: new Map([...caches.nodes, ["gone", ineligible]]) },
        /gone is placed as gone/,
      ],
      "a refusal that is not kept": [
        {},
        { nodes: new Map([...caches.nodes, ["a", { placement: eligible, refusal: [pressure] }]]) },
        /a: refused is false, and 1 obstacles are there/,
      ],
      "a refusal that is over": [
        { isRefused: (node) => node === "b" },
        {},
        /b: refused is true, and 0 obstacles/,
      ],
      "an owned pod that is not kept": [{ inSlots: new Map([["1", "5"]]) }, {}, /owned pod 2 is not kept/],
      "an older state": [
        { inSlots: new Map([...kept.inSlots, ["2", "3"]]) },
        {},
        /2 is kept at 3, the cache has 4/,
      ],
      "a pod in two places": [{ withoutNode: new Map([["3", "5"]]) }, {}, /pod 3 is kept in two places/],
      "a pod that is gone": [{}, { all: new Set(["1", "2"]) }, /pod 3 is kept, and is gone/],
    };

  test("nothing is reported when all is well, also when what is kept is ahead of the cache", () => {
    expect(recountAgainstCaches(kept, caches)).toEqual([]);
  });

  test.each(Object.entries(planted))("%s", (_name, [wrongKept, wrongCaches, text]) => {
    const found = recountAgainstCaches({ ...kept, ...wrongKept }, { ...caches, ...wrongCaches });
    expect(found.join("\n")).toMatch(text);
  });
});
