/**
 * Facts of pods: their order on one node, and upstream's table of what is up to date.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import { comparePods, isUpToDate, type PodFacts, type SlotParams } from "./facts.ts";

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

test("pods of one node: bound first, then older, then by name (#9.2)", () => {
  const pods = [
    pod("d", { isBound: false, createdMs: 0 }),
    pod("c", { createdMs: 2 }),
    pod("b", { createdMs: 1 }),
    pod("a", { createdMs: 2 }),
  ];
  expect([...pods].sort(comparePods).map(({ name }) => name)).toEqual(["b", "a", "c", "d"]);
});

describe("TestIsPodUpdated", () => {
  const cases = [
    { name: "right generation only", generation: "1", hash: "", wanted: true },
    { name: "right hash only", generation: "", hash: "new", wanted: true },
    { name: "both", generation: "1", hash: "new", wanted: true },
    { name: "wrong generation, no hash", generation: "2", hash: "", wanted: false },
    { name: "wrong hash, no generation", generation: "", hash: "unknown", wanted: false },
    { name: "both wrong", generation: "2", hash: "unknown", wanted: false },
    {
      name: "right generation, wrong hash that no revision knows",
      generation: "1",
      hash: "unknown",
      wanted: true,
    },
    { name: "wrong generation, right hash", generation: "2", hash: "new", wanted: true },
    { name: "no labels", generation: "", hash: "", wanted: false },
  ];
  for (const { name, generation, hash, wanted } of cases) {
    test(name, () =>
      expect(isUpToDate(pod("p", { generation, hash }), { ...params, generation: "1" })).toBe(wanted),
    );
  }
  test("an empty hash parameter matches no empty label", () => {
    expect(isUpToDate(pod("p", { hash: "" }), { ...params, hash: "" })).toBe(false);
  });
  test("a hash that a revision knows decides alone, whatever the generation says (#23.8)", () => {
    const adopted = pod("p", { generation: "1", hash: "old" });
    expect(isUpToDate(adopted, { ...params, generation: "1", knownHashes: new Set(["old", "new"]) })).toBe(
      false,
    );
  });
});
