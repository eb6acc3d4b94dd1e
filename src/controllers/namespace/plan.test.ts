/** When a namespace may go, and what it says until then. */
import { expect, test } from "vitest";
import type { Namespace } from "../../api/index.ts";
import { type Findings, isToEmpty, plan } from "./plan.ts";

const now = "2026-01-01T01:00:00Z";
const namespace = (change: Partial<Namespace> = {}): Namespace => ({
  metadata: { name: "n", deletionTimestamp: "2026-01-01T00:00:00Z" },
  spec: { finalizers: ["kubernetes"] },
  ...change,
});
const findings = (change: {
  pods?: number;
  remaining?: [string, number][];
  finalizers?: [string, number][];
  failures?: string[];
  undiscovered?: string[];
}): Findings => ({
  pods: change.pods ?? 0,
  remaining: new Map(change.remaining),
  finalizers: new Map(change.finalizers),
  failures: change.failures ?? [],
  undiscovered: change.undiscovered ?? [],
});

test("only namespaces that are being deleted and wait for us are emptied", () => {
  expect(isToEmpty(namespace())).toBe(true);
  expect(isToEmpty(namespace({ metadata: { name: "n" } }))).toBe(false);
  expect(isToEmpty(namespace({ spec: { finalizers: ["other"] } }))).toBe(false);
});

test("an empty one goes; finalizers of others stay", () => {
  expect(plan(namespace(), findings({}), now)).toMatchObject({ do: "finalize", finalizers: [] });
  expect(plan(namespace({ spec: { finalizers: ["kubernetes", "x/y"] } }), findings({}), now)).toMatchObject({
    do: "finalize",
    finalizers: ["x/y"],
  });
});

test("one that goes while a finalizer of others holds it says that nothing is left", () => {
  const step = plan(namespace(), findings({}), now);
  expect(step.isChanged).toBe(true);
  expect(step.conditions.map(({ reason, status }) => [reason, status])).toEqual([
    ["ResourcesDiscovered", "False"],
    ["ParsedGroupVersions", "False"],
    ["ContentDeleted", "False"],
    ["ContentRemoved", "False"],
    ["ContentHasNoFinalizers", "False"],
  ]);
});

test("pods that take their time hold it up without a word, as at upstream", () => {
  const step = plan(namespace(), findings({ pods: 2 }), now);
  expect(step.do).toBe("wait");
  expect(step.conditions.map(({ reason }) => reason)).toContain("ContentRemoved");
});

test("what is left is said in upstream's words", () => {
  const step = plan(
    namespace(),
    findings({
      remaining: [
        ["pods.", 2],
        ["daemonsets.apps", 1],
      ],
      finalizers: [["x/y", 1]],
    }),
    now,
  );
  expect(step).toMatchObject({ do: "wait", isChanged: true });
  const conditions = step.conditions;
  expect(conditions.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
    [
      "NamespaceDeletionDiscoveryFailure",
      "False",
      "ResourcesDiscovered",
      "All resources successfully discovered",
    ],
    [
      "NamespaceDeletionGroupVersionParsingFailure",
      "False",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ],
    [
      "NamespaceDeletionContentFailure",
      "False",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ],
    [
      "NamespaceContentRemaining",
      "True",
      "SomeResourcesRemain",
      "Some resources are remaining: daemonsets.apps has 1 resource instances, pods. has 2 resource instances",
    ],
    [
      "NamespaceFinalizersRemaining",
      "True",
      "SomeFinalizersRemain",
      "Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
    ],
  ]);
});

test("one of which it is not known what is in it stays, and says so", () => {
  const step = plan(namespace(), findings({ undiscovered: ["metrics.k8s.io/v1beta1"] }), now);
  expect(step).toMatchObject({ do: "wait", isChanged: true });
  expect(step.conditions[0]).toMatchObject({
    type: "NamespaceDeletionDiscoveryFailure",
    status: "True",
    reason: "DiscoveryFailed",
    message:
      "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1",
  });
});

test("nothing is written when nothing changed, and times of transition are kept", () => {
  const first = plan(namespace(), findings({ remaining: [["pods.", 1]] }), now);
  const conditions = first.conditions;
  const again = plan(namespace({ status: { conditions } }), findings({ remaining: [["pods.", 1]] }), "later");
  expect(again).toEqual({ do: "wait", isChanged: false, conditions });
  const fewer = plan(namespace({ status: { conditions } }), findings({ failures: ["boom"] }), "later");
  expect(fewer).toMatchObject({ isChanged: true });
  const byType = new Map(fewer.conditions.map((condition) => [condition.type, condition]));
  expect(byType.get("NamespaceContentRemaining")).toMatchObject({
    status: "False",
    lastTransitionTime: "later",
  });
  expect(byType.get("NamespaceDeletionContentFailure")).toMatchObject({
    status: "True",
    message: "Failed to delete all resource types, 1 remaining: boom",
  });
  expect(byType.get("NamespaceDeletionDiscoveryFailure")).toMatchObject({ lastTransitionTime: now });
});
