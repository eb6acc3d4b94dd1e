/** The benchmarks' check of roll-out budgets: it must tell what goes beyond the budget and pass what does not. */
import { expect, test } from "vitest";
import { BudgetCheck } from "../../bench/support/budget.ts";
import type { Pod } from "../../src/api/index.ts";

function pod(name: string, node: string, is: "pending" | "ready" | "ending"): Pod {
  const metadata = {
    name,
    uid: name,
    ...(is === "ending" ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  };
  const conditions = [{ type: "Ready", status: is === "pending" ? "False" : "True" }];
  return { metadata, spec: { nodeName: node, containers: [] }, status: { conditions } };
}

function rolledOver(budget: { readonly maxUnavailable: number; readonly maxSurge: number }): BudgetCheck {
  const check = new BudgetCheck({ nodes: 3, maxUnavailable: 3, maxSurge: 3 });
  for (const node of ["a", "b", "c"]) {
    check.add({ type: "ADDED", object: pod(`old-${node}`, node, "pending") });
    check.add({ type: "MODIFIED", object: pod(`old-${node}`, node, "ready") });
  }
  check.begin({ nodes: 3, ...budget });
  return check;
}

test("deletions up to maxUnavailable pass, one more does not, also when the pod is gone at once", () => {
  const check = rolledOver({ maxUnavailable: 1, maxSurge: 0 });
  check.add({ type: "MODIFIED", object: pod("old-a", "a", "ending") });
  check.add({ type: "DELETED", object: pod("old-a", "a", "ending") });
  expect(check.violations).toEqual([]);
  check.add({ type: "ADDED", object: pod("new-a", "a", "pending") });
  check.add({ type: "DELETED", object: pod("old-b", "b", "ready") });
  expect(check.violations).toEqual(["2 nodes unavailable after the deletion of old-b, 1 allowed"]);
  expect(check.worstUnavailable).toBe(2);
});

test("new pods beside available old ones pass up to maxSurge; an old one goes only when its new one is available", () => {
  const check = rolledOver({ maxUnavailable: 0, maxSurge: 1 });
  check.add({ type: "ADDED", object: pod("new-a", "a", "pending") });
  check.add({ type: "MODIFIED", object: pod("new-a", "a", "ready") });
  check.add({ type: "MODIFIED", object: pod("old-a", "a", "ending") });
  check.add({ type: "ADDED", object: pod("new-b", "b", "pending") });
  expect(check.violations).toEqual([]);
  check.add({ type: "ADDED", object: pod("new-c", "c", "pending") });
  check.add({ type: "MODIFIED", object: pod("old-c", "c", "ending") });
  expect(check.violations).toEqual([
    "2 nodes surging after the creation of new-c, 1 allowed",
    "1 nodes unavailable after the deletion of old-c, 0 allowed",
  ]);
});
