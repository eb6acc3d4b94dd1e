/** The conditions for which steps wait: each with an answer for which it holds, and one for which it does not. */
import { expect, test } from "vitest";
import type { Until } from "./scenario.ts";
import { holds } from "./until.ts";

const items = [
  { reason: "Killing", code: 1 },
  { reason: "Killing", code: 2 },
];

test.each<readonly [Until, unknown, unknown]>([
  [
    { pointer: "/status/phase", equals: "Active" },
    { status: { phase: "Active" } },
    { status: { phase: "x" } },
  ],
  [{ pointer: "/a", equals: { b: [1] } }, { a: { b: [1] } }, { a: { b: [2] } }],
  [{ pointer: "/a" }, { a: null }, {}],
  [{ pointer: "/a", absent: true }, {}, { a: null }],
  [{ pointer: "/items", length: 2 }, { items }, { items: [1] }],
  [{ pointer: "/items", length: 0 }, {}, { items }],
  [{ pointer: "/a", matches: "^b+$" }, { a: "bb" }, { a: "c" }],
  [{ pointer: "/a", matches: "\\[1" }, { a: [1] }, { a: [2] }],
  [{ pointer: "/items/*/reason", has: "Killing" }, { items }, { items: [{ reason: "Other" }] }],
  [{ pointer: "/items/*/reason", every: "Killing" }, { items }, { items: [...items, { reason: "Other" }] }],
  [{ pointer: "/items/*/code", count: 2 }, { items }, { items: [...items, { code: 3 }] }],
  [[{ pointer: "/a" }, { pointer: "/b" }], { a: 1, b: 1 }, { a: 1 }],
])("%j", (until, good, bad) => {
  expect(holds(until, 200, good)).toBe(true);
  expect(holds(until, 200, bad)).toBe(false);
});

test("a status", () => {
  expect(holds({ status: 404 }, 404, {})).toBe(true);
  expect(holds({ status: 404 }, 200, {})).toBe(false);
});
