/** The small parts alone: own writes, back-off, sorted names, what concerns a placement, claims. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PodSpec } from "../../api/index.ts";
import { selectorFromLabelSelector } from "../../machinery/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { FailedPodBackoff } from "./backoff.ts";
import { decideClaim } from "./claim.ts";
import { compareVersions, OwnWrites } from "./own-writes.ts";
import { nodeChange, placementRule } from "./placement.ts";
import { SortedNames } from "./sorted-names.ts";
import { statusNumbers, withStatus } from "./status.ts";
import { type SlotCounts } from "./slots.ts";

describe("own writes (section 4)", () => {
  const seen =
    (pods: string, daemonsets = "0") =>
    (resource: string): string =>
      resource === "pods" ? pods : daemonsets;

  test("a cache is behind until it has seen the highest version written", () => {
    const writes = new OwnWrites();
    writes.raise({ key: "k", uid: "u" }, "pods", "9");
    writes.raise({ key: "k", uid: "u" }, "pods", "10");
    writes.raise({ key: "k", uid: "u" }, "pods", "8");
    expect(writes.behind("k", "u", seen("9"))).toBe("pods");
    expect(writes.behind("k", "u", seen("10"))).toBeUndefined();
    expect(writes.behind("k", "u", seen("1"))).toBeUndefined();
  });

  test("every kind counts, another UID does not, and versions that are no integers are ignored", () => {
    const writes = new OwnWrites();
    writes.raise({ key: "k", uid: "u" }, "daemonsets", "7");
    expect(writes.behind("k", "u", seen("99", "6"))).toBe("daemonsets");
    expect(writes.behind("k", "other", seen("99", "6"))).toBeUndefined();
    writes.raise({ key: "k", uid: "u" }, "pods", "opaque");
    expect(writes.behind("k", "u", seen("1"))).toBeUndefined();
    writes.raise({ key: "k", uid: "u" }, "pods", "7");
    expect(writes.behind("k", "u", seen("opaque"))).toBeUndefined();
  });

  test("versions compare as numbers of any size", () => {
    expect(compareVersions("9", "10")).toBeLessThan(0);
    expect(compareVersions("18446744073709551616", "18446744073709551615")).toBeGreaterThan(0);
    expect(compareVersions("5", "5")).toBe(0);
    expect(compareVersions("05", "5")).toBeUndefined();
  });
});

test("back-off: 1 s doubling to the maximum, over exactly at its end, anew after twice the maximum and with a new generation", () => {
  const backoff = new FailedPodBackoff({ firstMs: 1_000, maxMs: 3_000 });
  backoff.next("n", 0);
  expect([backoff.untilMs("n", 999), backoff.untilMs("n", 1_000)]).toEqual([1_000, undefined]);
  backoff.next("n", 1_000);
  backoff.next("n", 3_000);
  expect(backoff.delayMs("n")).toBe(3_000);
  backoff.next("n", 9_001);
  expect(backoff.delayMs("n")).toBe(1_000);
  backoff.next("m", 9_500);
  backoff.sweep(15_002);
  expect(backoff.size).toBe(1);
  expect(backoff.setGeneration(2)).toBe(true);
  expect([backoff.size, backoff.setGeneration(2)]).toEqual([0, false]);
});

test("sorted names equal a sorted set after any script, also beyond one chunk", () => {
  const name = fc.nat(2_000).map((number) => `node-${number}`);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("add", "add", "delete"), name), { maxLength: 1_500, size: "max" }),
      (script) => {
        const names = new SortedNames();
        const model = new Set<string>();
        for (const [what, item] of script) {
          if (what === "add") expect(names.add(item)).toBe(!model.has(item));
          else expect(names.delete(item)).toBe(model.has(item));
          if (what === "add") model.add(item);
          else model.delete(item);
          expect(names.has(item)).toBe(model.has(item));
        }
        const sorted = [...model].sort();
        expect(names.size).toBe(sorted.length);
        expect(names.first(Infinity)).toEqual(sorted);
        expect(names.first(7)).toEqual(sorted.slice(0, 7));
      },
    ),
    { numRuns: 30 },
  );
});

test("a node change that concerns no rule never changes its answer", () => {
  const key = fc.constantFrom("a", "b", "c", "toString");
  const labels = fc.dictionary(key, fc.constantFrom("1", "2"));
  const taints = fc.array(
    fc.record({
      key,
      value: fc.constantFrom("", "1"),
      effect: fc.constantFrom("NoSchedule", "NoExecute", "PreferNoSchedule"),
    }),
    { maxLength: 2 },
  );
  const node = fc
    .record({ labels, taints })
    .map((change) => makeNode("n", { labels: change.labels, spec: { taints: change.taints } }));
  const term = fc.record({
    matchExpressions: fc.array(
      fc.record({
        key,
        operator: fc.constantFrom("Exists", "DoesNotExist"),
        values: fc.constant([] as string[]),
      }),
      { maxLength: 2 },
    ),
  });
  const spec: fc.Arbitrary<PodSpec> = fc.record({
    containers: fc.constant([]),
    nodeSelector: labels,
    tolerations: fc.array(
      fc.record({ key, operator: fc.constant("Exists"), effect: fc.constantFrom("NoSchedule", "NoExecute") }),
      { maxLength: 2 },
    ),
    affinity: fc
      .array(term, { maxLength: 2 })
      .map((nodeSelectorTerms) =>
        nodeSelectorTerms.length === 0
          ? {}
          : { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
      ),
  });
  fc.assert(
    fc.property(node, node, spec, (before, after, template) => {
      const rule = placementRule(template);
      const change = nodeChange(before, after);
      if (change !== undefined && rule.isConcernedBy(change)) return;
      expect(rule.place(after)).toEqual(rule.place(before));
    }),
    { numRuns: 2_000 },
  );
});

describe("TestClaimPods", () => {
  const selector = selectorFromLabelSelector({ matchLabels: { app: "x" } });
  const candidate = (change: {
    readonly owner?: string;
    readonly app?: string;
    readonly terminating?: boolean;
  }) => ({
    metadata: {
      labels: { app: change.app ?? "x" },
      ...(change.owner === undefined
        ? {}
        : {
            ownerReferences: [
              { apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: change.owner, controller: true },
            ],
          }),
      ...(change.terminating ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
  });
  const cases = [
    ["matching orphan", {}, "adopt"],
    ["mismatched orphan", { app: "y" }, "ignore"],
    ["terminating orphan", { terminating: true }, "ignore"],
    ["owned and matching", { owner: "me" }, "keep"],
    ["owned, matching, terminating", { owner: "me", terminating: true }, "keep"],
    ["owned and mismatched", { owner: "me", app: "y" }, "release"],
    ["owned by somebody else", { owner: "other" }, "ignore"],
  ] as const;
  for (const [name, change, wanted] of cases) {
    test(name, () => expect(decideClaim(candidate(change), "me", selector)).toBe(wanted));
  }
});

describe("status (section 15)", () => {
  const counts = {
    desired: 5,
    current: 4,
    misscheduled: 1,
    ready: 3,
    available: 2,
    updated: 1,
  } as SlotCounts;
  const numbers = statusNumbers(counts);
  const metadata = { name: "foo", namespace: "default", generation: 2 };
  const spec = { selector: {}, template: { spec: { containers: [] } } };

  test("numbers, and conditions and collisionCount stay", () => {
    const stored = {
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
      collisionCount: 3,
      conditions: [{ type: "T", status: "True" }],
    };
    expect(withStatus({ metadata, spec, status: stored }, numbers, 2)?.status).toEqual({
      desiredNumberScheduled: 5,
      currentNumberScheduled: 4,
      numberMisscheduled: 1,
      numberReady: 3,
      numberAvailable: 2,
      updatedNumberScheduled: 1,
      numberUnavailable: 3,
      observedGeneration: 2,
      collisionCount: 3,
      conditions: [{ type: "T", status: "True" }],
    });
  });

  test("no write when nothing differs; the observed generation counts in a full sync only, and never goes back", () => {
    const stored = withStatus({ metadata, spec }, numbers, 1)!;
    expect(withStatus(stored, numbers, 1)).toBeUndefined();
    expect(withStatus(stored, numbers, undefined)).toBeUndefined();
    const newer = withStatus(stored, numbers, 2)!;
    expect(newer.status?.observedGeneration).toBe(2);
    expect(withStatus(newer, { ...numbers, numberReady: 0 }, 1)?.status?.observedGeneration).toBe(2);
    expect(withStatus(stored, { ...numbers, numberReady: 0 }, 0)?.status?.observedGeneration).toBe(1);
  });
});
