/**
 * Mutants inside the controller: what the slots keep, what is kept of a DaemonSet, and the placement predicate, each with a
 * bug planted in place. The simulation must find every one.
 * Not here: bugs planted from outside (mutants.ts).
 * Invariants by number: docs/spec/invariants.md.
 */
import { afterEach, expect, test, vi } from "vitest";
import type { nodeShouldRunDaemonPod } from "../../src/api/index.ts";
import { DaemonSetSlots } from "../../src/controllers/daemonset/slots.ts";
import { TrackedDaemonSet } from "../../src/controllers/daemonset/tracked-daemonset.ts";
import { UnconfirmedWrites } from "../../src/controllers/daemonset/unconfirmed-writes.ts";
import { run } from "./run.ts";
import { type ProfileName, scriptOf, type Step } from "./script.ts";

type Predicate = typeof nodeShouldRunDaemonPod;

const planted = vi.hoisted(() => ({ predicate: undefined as ((own: Predicate) => Predicate) | undefined }));

vi.mock("../../src/api/parts/placement.ts", async (original) => {
  const own = await original<{ nodeShouldRunDaemonPod: Predicate }>();
  const predicate: Predicate = (...asked) =>
    (planted.predicate?.(own.nodeShouldRunDaemonPod) ?? own.nodeShouldRunDaemonPod)(...asked);
  return { ...own, nodeShouldRunDaemonPod: predicate };
});

afterEach(() => {
  planted.predicate = undefined;
  vi.restoreAllMocks();
});

interface InnerMutant {
  readonly name: string;
  readonly breaks: readonly string[];
  readonly profile?: ProfileName;
  readonly favours?: readonly Step["do"][];
  plant(): void;
}

function predicate(change: (own: Predicate) => Predicate): () => void {
  return () => {
    planted.predicate = change;
  };
}

const { put, putNode, isConcernedBy } = TrackedDaemonSet.prototype;
const { putPod } = DaemonSetSlots.prototype;

const mutants: readonly InnerMutant[] = [
  {
    name: "predicate: taints are passed over",
    breaks: ["I4"],
    favours: ["taint", "joinNode", "deletePod"],
    plant: predicate(
      (own) =>
        (spec, node, ...rest) =>
          own(spec, { ...node, spec: { ...node.spec, taints: [] } }, ...rest),
    ),
  },
  {
    name: "predicate: a taint that lets pods stay drives them out",
    breaks: ["I5", "I8"],
    favours: ["taint"],
    plant: predicate((own) => (...asked) => {
      const { shouldRun } = own(...asked);
      return { shouldRun, shouldContinue: shouldRun };
    }),
  },
  {
    name: "predicate: the node selector is passed over",
    breaks: ["I4"],
    favours: ["where"],
    plant: predicate(
      (own) =>
        ({ nodeSelector: _, ...spec }, ...rest) =>
          own(spec, ...rest),
    ),
  },
  {
    name: "tracked: a change of a node concerns nobody",
    breaks: ["recount", "I4", "I6"],
    favours: ["taint", "label", "where"],
    plant: () =>
      void vi.spyOn(TrackedDaemonSet.prototype, "isConcernedBy").mockImplementation(function (
        this: TrackedDaemonSet,
        change,
      ) {
        return (
          change.labelKeys.length === 0 && change.taints.length === 0 && isConcernedBy.call(this, change)
        );
      }),
  },
  {
    name: "tracked: a node that is gone keeps its slot",
    breaks: ["recount", "I6"],
    favours: ["deleteNode"],
    plant: () => void vi.spyOn(TrackedDaemonSet.prototype, "dropNode").mockReturnValue(false),
  },
  {
    name: "tracked: a new node is not taken in while its name is known",
    breaks: ["recount", "I6"],
    favours: ["deleteNode", "joinNode"],
    plant: () =>
      void vi.spyOn(TrackedDaemonSet.prototype, "putNode").mockImplementation(function (
        this: TrackedDaemonSet,
        node,
      ) {
        return this.slots.slot(node.metadata.name ?? "") === undefined && putNode.call(this, node);
      }),
  },
  {
    name: "tracked: the beginning of a deletion is not seen",
    breaks: ["recount", "I1", "I2", "I5", "I6"],
    favours: ["deletePod"],
    plant: () =>
      void vi.spyOn(TrackedDaemonSet.prototype, "put").mockImplementation(function (
        this: TrackedDaemonSet,
        pod,
      ) {
        if (pod.metadata.deletionTimestamp === undefined) put.call(this, pod);
      }),
  },
  {
    name: "slots: a pod that is ready is available at once",
    breaks: ["I2", "I5", "I6"],
    favours: ["minReady", "image"],
    plant: () =>
      void vi.spyOn(DaemonSetSlots.prototype, "putPod").mockImplementation(function (
        this: DaemonSetSlots,
        pod,
      ) {
        return putPod.call(this, pod.readySinceMs === undefined ? pod : { ...pod, readySinceMs: 0 });
      }),
  },
  {
    name: "slots: no hash is in use",
    breaks: ["I9"],
    favours: ["historyLimit", "image"],
    plant: () => void vi.spyOn(DaemonSetSlots.prototype, "isHashInUse").mockReturnValue(false),
  },
  {
    name: "writes: own writes that a cache has not seen stop nothing, and creates are not awaited by name",
    breaks: ["I1", "I2", "I5"],
    profile: "lossy",
    favours: ["image", "deletePod"],
    plant: () => {
      vi.spyOn(UnconfirmedWrites.prototype, "behind").mockReturnValue(undefined);
      vi.spyOn(UnconfirmedWrites.prototype, "nameFor").mockReturnValue(undefined);
    },
  },
];

/** Seeds that may be tried for one bug. */
const seedsMax = 40;

test.each(mutants)("$name", { timeout: 120_000 }, async ({ breaks, profile = "slow", favours, plant }) => {
  plant();
  const others: string[] = [];
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { violations } = await run(scriptOf(seed, profile, favours));
    if (violations.some(({ invariant }) => breaks.includes(invariant))) return;
    others.push(...violations.map(({ invariant, message }) => `seed ${seed}: ${invariant}: ${message}`));
  }
  expect.fail(`not found in ${seedsMax} seeds; instead: ${others.slice(0, 5).join("; ") || "nothing"}`);
});

test("without a bug the same seeds keep every invariant", { timeout: 120_000 }, async () => {
  for (const favours of new Set(mutants.map((mutant) => mutant.favours)))
    expect((await run(scriptOf(1, "slow", favours))).violations).toEqual([]);
});
