/** What counts as the same answer: one case for each word in which recordings say what is compared. */
import { describe, expect, test } from "vitest";
import { differences } from "./compare.ts";
import { answerOf } from "./normalize.ts";
import type { Answer, Scenario, Step } from "./scenario.ts";

interface Case {
  readonly body: unknown;
  /** Upstream's body, as it was recorded. */
  readonly upstream: unknown;
  readonly step?: Partial<Step>;
  readonly scenario?: Partial<Scenario>;
  readonly kept?: Readonly<Record<string, string>>;
  readonly apart?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer?: Partial<Answer>;
}

const json = "application/json";

function compared({
  body,
  upstream,
  kept = {},
  apart = [],
  headers = {},
  ...given
}: Case): readonly string[] {
  const answer = { status: 200, type: json, warnings: [], body: upstream, ...given.answer };
  const step: Step = { name: "a step", path: "/", ...given.step, answer };
  const scenario: Scenario = { scenario: "a scenario", steps: [step], ...given.scenario };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const reply = { status: 200, headers: { "content-type": json, ...headers }, text };
  return differences(
    { scenario, step, apart },
    answerOf(reply, { scenario, step, kept: new Map(Object.entries(kept)) }),
  );
}

/** Each with a change of our body after which it is different. */
const same: Readonly<Record<string, Case & { readonly different: unknown }>> = {
  "members in any order": {
    body: { a: 1, b: 2 },
    upstream: { b: 2, a: 1 },
    different: { a: 1, b: 3 },
  },
  "an empty list is no empty object": { body: { a: [] }, upstream: { a: [] }, different: { a: {} } },
  "null is not absence": { body: { a: null }, upstream: { a: null }, different: {} },
  "lists in their order": { body: [1, 2], upstream: [1, 2], different: [2, 1] },
  "a uid and a time": {
    body: { uid: "01234567-89ab-cdef-0123-456789abcdef", at: "2026-01-01T00:00:00.5Z" },
    upstream: { uid: "<uid>", at: "<time>" },
    different: { uid: "none", at: "2026-01-01T00:00:00Z" },
  },
  "a resourceVersion": {
    body: { metadata: { resourceVersion: "7" } },
    upstream: { metadata: { resourceVersion: "<rv>" } },
    different: { metadata: { resourceVersion: "" } },
  },
  "a resourceVersion that was kept": {
    scenario: { versions: true },
    kept: { rv1: "70001" },
    body: { resourceVersion: "70001", text: "a 70001" },
    upstream: { resourceVersion: "$rv1", text: "a 70001" },
    different: { resourceVersion: "70002", text: "a 70001" },
  },
  "kept words in texts and keys, but no short ones": {
    kept: { ns: "rec-0001", id: "x" },
    body: { "f:rec-0001": "in rec-0001, x" },
    upstream: { "f:$ns": "in $ns, x" },
    different: { "f:rec-0001": "in rec-0002, x" },
  },
  "a time that was kept": {
    kept: { at: "2026-01-01T00:00:00Z" },
    body: { a: "2026-01-01T00:00:00Z" },
    upstream: { a: "$at" },
    different: { a: "2026-01-01T00:00:01Z" },
  },
  "a time that was kept, where times are plain": {
    scenario: { plainTimes: true },
    kept: { at: "2026-01-01T00:00:00Z" },
    body: { a: "2026-01-01T00:00:00Z" },
    upstream: { a: "<time>" },
    different: { a: "now" },
  },
  "addresses, ports, tokens and counts": {
    body: {
      clusterIP: "10.0.0.1",
      clusterIPs: ["10.0.0.1"],
      nodePort: 30000,
      token: "abc",
      remainingItemCount: 3,
    },
    upstream: {
      clusterIP: "<ip>",
      clusterIPs: ["<ip>"],
      nodePort: "<nodePort>",
      token: "<token>",
      remainingItemCount: "<remainingItemCount>",
    },
    different: { clusterIP: "None", clusterIPs: ["10.0.0.1"], nodePort: 30000, token: "abc" },
  },
  "a generated name": {
    body: { generateName: "a-", name: "a-x7k2p" },
    upstream: { generateName: "a-", name: "a-<word>" },
    different: { generateName: "a-", name: "b-x7k2p" },
  },
  "no owners": {
    body: { metadata: { managedFields: [{ manager: "a" }] } },
    upstream: { metadata: {} },
    different: { metadata: { name: "a" } },
  },
  "owners in any order, some of them left out": {
    scenario: { managedFields: true, leaveOut: ["c"] },
    body: { managedFields: [{ manager: "b" }, { manager: "c" }, { manager: "a" }] },
    upstream: { managedFields: [{ manager: "a" }, { manager: "b" }] },
    different: { managedFields: [{ manager: "a" }] },
  },
  "owners in their order": {
    scenario: { managedFields: true },
    step: { inOrder: true },
    body: { managedFields: [{ manager: "b" }, { manager: "a" }] },
    upstream: { managedFields: [{ manager: "b" }, { manager: "a" }] },
    different: { managedFields: [{ manager: "a" }, { manager: "b" }] },
  },
  "what is ignored, also below every item": {
    step: { ignore: ["/body/items/*/a", "/body/x~1y"] },
    body: { items: [{ a: 1, b: 1 }, { b: 2 }], "x/y": 1 },
    upstream: {
      items: [
        { a: 2, b: 1 },
        { a: 3, b: 2 },
      ],
    },
    different: { items: [{ a: 1, b: 1 }, { b: 3 }] },
  },
  "an item that is ignored leaves the others in their places": {
    step: { ignore: ["/body/cells/1"] },
    body: { cells: ["a", "1s", "c"] },
    upstream: { cells: ["a", "2s", "c"] },
    different: { cells: ["a", "c"] },
  },
  "an ignored item at the end need not be there": {
    step: { ignore: ["/body/cells/1"] },
    body: { cells: ["a"] },
    upstream: { cells: ["a", "2s"] },
    different: { cells: ["b"] },
  },
  "what differs on purpose": {
    apart: ["/body/a"],
    body: { a: 1, b: 1 },
    upstream: { a: 2, b: 1 },
    different: { a: 1, b: 2 },
  },
  "lists by name": {
    step: { ignore: ["order"] },
    body: { items: [{ metadata: { name: "b" } }, { metadata: { name: "a" } }], words: ["y", "x"] },
    upstream: { items: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }], words: ["x", "y"] },
    different: { items: [{ metadata: { name: "b" } }, { metadata: { name: "c" } }], words: ["y", "x"] },
  },
  "lists as sets": {
    step: { ignore: ["distinct"] },
    body: { items: [{ a: 1 }, { a: 1 }, { a: 2 }] },
    upstream: { items: [{ a: 1 }, { a: 2 }, { a: 2 }] },
    different: { items: [{ a: 1 }, { a: 3 }] },
  },
  "only some members": {
    step: { only: ["/items/*/a", "/kind"] },
    body: { kind: "List", other: 1, items: [{ a: 1, b: 1 }, { b: 2 }] },
    upstream: { kind: "List", items: [{ a: 1 }, {}] },
    different: { kind: "List", items: [{ a: 1 }] },
  },
  "a Status is whole": {
    step: { only: ["/spec"] },
    body: { kind: "Status", code: 404 },
    upstream: { kind: "Status", code: 404 },
    different: { kind: "Status", code: 409 },
  },
  "only items that are picked": {
    step: { pick: { pointer: "/groups", key: "/name", matches: "^$id" } },
    kept: { id: "id0001" },
    body: { groups: [{ name: "id0001.example.com", a: 1 }, { name: "apps" }] },
    upstream: { groups: [{ name: "$id.example.com", a: 1 }] },
    different: { groups: [{ name: "apps" }] },
  },
  "only keys that are picked": {
    step: { pick: { pointer: "/paths", matches: "^/api" } },
    body: { paths: { "/api": 1, "/healthz": 1 } },
    upstream: { paths: { "/api": 1 } },
    different: { paths: { "/apis": 1 } },
  },
  "only some lines": {
    step: { lines: "^ok" },
    body: "ok a\nnothing\nok b",
    upstream: "ok a\nok b",
    different: "ok a",
  },
  "texts that are replaced on both sides": {
    scenario: { replace: [["-[a-z0-9]{5}(?![a-z0-9])", "-<word>"]] },
    step: { replace: [["^one$", "1"]] },
    body: { name: "a-x7k2p", one: "one" },
    upstream: { name: "a-zzzzz", "1": "1" },
    different: { name: "a-x7k", one: "one" },
  },
  "texts of upstream that were replaced once, when they were recorded": {
    step: { replace: [["a", "aa"]] },
    body: "a",
    upstream: "aa",
    different: "aa",
  },
};

describe("an answer is the same as upstream's", () => {
  test.each(Object.entries(same))("%s", (_, { different, ...given }) => {
    expect(compared(given)).toEqual([]);
    expect(compared({ ...given, body: different })).not.toEqual([]);
  });

  test("whatever the body is, where it is discarded", () => {
    const given: Case = { body: "a", upstream: "<discarded>", step: { discard: true } };
    expect(compared(given)).toEqual([]);
    expect(compared({ ...given, answer: { status: 201 } })).toHaveLength(1);
  });

  test("with its warnings, and its type without the charset", () => {
    const given: Case = {
      body: {},
      upstream: {},
      headers: { "content-type": `${json}; charset=utf-8`, warning: '299 - "a, b", 299 - "c"' },
      answer: { warnings: ['299 - "a, b"', '299 - "c"'] },
    };
    expect(compared(given)).toEqual([]);
    expect(compared({ ...given, answer: {} })).not.toEqual([]);
  });

  test("with the headers that the step names", () => {
    const given: Case = {
      body: {},
      upstream: {},
      step: { headersToo: ["Vary", "etag"] },
      headers: { vary: "Accept" },
      answer: { headers: { Vary: "Accept", etag: null } },
    };
    expect(compared(given)).toEqual([]);
    expect(compared({ ...given, headers: {} })).toEqual(['/headers/Vary: null, upstream "Accept"']);
  });
});

test("a difference says where it is, and what both have", () => {
  expect(compared({ body: { a: [1], c: 1 }, upstream: { a: ["1"], b: 2 } })).toEqual([
    '/body/a/0: 1, upstream "1"',
    "/body/b: missing, upstream 2",
    "/body/c: not at upstream: 1",
  ]);
});
