/** The index against a sorted array: order, walks and counts for any keys, any order of insertion and removal. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedIndex, utf8Before } from "./sorted-index.ts";

interface Item {
  readonly key: string;
  isLive: boolean;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function replay(): { seed?: number } {
  const seed = process.env["FC_SEED"];
  return seed === undefined ? {} : { seed: Number(seed) };
}

const key = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 4 }),
);

test("keys compare as their UTF-8 bytes do", () => {
  const property = fc.property(key, key, (a, b) => utf8Before(a, b) === byBytes(a, b) < 0);
  fc.assert(property, { numRuns: 2_000, ...replay() });
});

test("walks and counts are those of a sorted array", () => {
  const change = fc.record({ key, what: fc.constantFrom("insert", "insert", "insert", "kill", "remove") });
  const question = fc.record({ prefix: fc.oneof(fc.constant(""), key), start: key });
  const changes = fc.array(change, { maxLength: 60 });
  const property = fc.property(changes, fc.array(question, { minLength: 1, maxLength: 5 }), (made, asked) => {
    const index = new SortedIndex<Item>();
    const model = new Map<string, Item>();
    for (const one of made) apply(index, model, one);
    for (const { prefix, start } of asked) compare(index, model, prefix, start);
  });
  fc.assert(property, { numRuns: 500, ...replay() });
});

test("the same holds for thousands of keys in many chunks, sorted or not", () => {
  const numbers = Array.from({ length: 5_000 }, (_, at) => at);
  for (const order of [numbers, numbers.toReversed(), numbers.map((at) => (at * 2_741) % 5_000)]) {
    const index = new SortedIndex<Item>();
    const model = new Map<string, Item>();
    for (const at of order) apply(index, model, { key: `/k/${at}`, what: "insert" });
    for (const at of order) if (at % 3 === 0) apply(index, model, { key: `/k/${at}`, what: "kill" });
    for (const at of order) if (at % 7 === 0) apply(index, model, { key: `/k/${at}`, what: "remove" });
    for (const start of ["", "/k/1", "/k/2500", "/k/49999", "/l"]) compare(index, model, "/k/", start);
    compare(index, model, "/k/3", "/k/33");
    for (const at of order) apply(index, model, { key: `/k/${at}`, what: "remove" });
    compare(index, model, "", "");
  }
});

function apply(
  index: SortedIndex<Item>,
  model: Map<string, Item>,
  change: { key: string; what: string },
): void {
  const there = model.get(change.key);
  if (change.what === "insert" && there === undefined) {
    const item = { key: change.key, isLive: true };
    model.set(item.key, item);
    index.insert(item);
  }
  if (change.what === "kill" && there !== undefined) {
    there.isLive = !there.isLive;
    index.noteLive(there);
  }
  if (change.what === "remove" && there !== undefined) {
    model.delete(there.key);
    index.remove(there);
  }
}

function compare(index: SortedIndex<Item>, model: Map<string, Item>, prefix: string, start: string): void {
  const due = [...model.values()]
    .filter((item) => item.key.startsWith(prefix) && byBytes(item.key, start) >= 0)
    .sort((a, b) => byBytes(a.key, b.key));
  const walked: string[] = [];
  index.walk(prefix, start, (item) => walked.push(item.key) > 0);
  expect(walked).toEqual(due.map((item) => item.key));
  expect(index.countLive(prefix, start)).toBe(due.filter((item) => item.isLive).length);
}
