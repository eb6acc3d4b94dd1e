/** The collector's decision for every combination of owner states. */
import { expect, test } from "vitest";
import type { OwnerReference } from "../../machinery/index.ts";
import { type Decision, type OwnerState, plan, type Snapshot } from "./plan.ts";

const reference = (uid: string): OwnerReference => ({ apiVersion: "v1", kind: "ConfigMap", name: uid, uid });

function decide(
  states: readonly OwnerState[],
  change: Partial<Snapshot> & { finalizers?: string[] } = {},
): Decision {
  const { finalizers = [], ...rest } = change;
  return plan({
    object: { metadata: { name: "x", finalizers } },
    owners: states.map((state, i) => ({ reference: reference(`u${i}`), state })),
    hasDependents: false,
    hasWaitingDependent: false,
    ...rest,
  });
}

const gone = (policy: "Background" | "Foreground" | "Orphan", unblockOwners = false): Decision => ({
  do: "delete",
  policy,
  unblockOwners,
});

test.each<[readonly OwnerState[], Decision]>([
  [[], { do: "keep" }],
  [["present"], { do: "keep" }],
  [["absent"], gone("Background")],
  [["waiting"], gone("Background")],
  [["orphaned"], { do: "drop-references", uids: ["u0"] }],
  [["unjudged"], { do: "keep" }],
  [["present", "absent"], { do: "drop-references", uids: ["u1"] }],
  [["waiting", "present"], { do: "drop-references", uids: ["u0"] }],
  [["present", "present"], { do: "keep" }],
  [["absent", "absent"], gone("Background")],
  [["absent", "waiting"], gone("Background")],
  [["absent", "orphaned"], { do: "drop-references", uids: ["u0", "u1"] }],
  [["absent", "unjudged"], { do: "keep" }],
  [["waiting", "unjudged"], { do: "keep" }],
])("owners %j: %j", (states, decision) => {
  expect(decide(states)).toEqual(decision);
});

test("finalizers that a user set beforehand choose the policy", () => {
  expect(decide(["absent"], { finalizers: ["orphan"] })).toEqual(gone("Orphan"));
  expect(decide(["absent"], { finalizers: ["foregroundDeletion"] })).toEqual(gone("Foreground"));
  expect(decide(["absent"], { finalizers: ["example.com/x"] })).toEqual(gone("Background"));
});

test("a dependent of a waiting owner that has dependents itself goes in the foreground", () => {
  expect(decide(["waiting"], { hasDependents: true })).toEqual(gone("Foreground"));
  expect(decide(["waiting"], { hasDependents: true, hasWaitingDependent: true })).toEqual(
    gone("Foreground", true),
  );
  expect(decide(["absent"], { hasDependents: true })).toEqual(gone("Background"));
});
