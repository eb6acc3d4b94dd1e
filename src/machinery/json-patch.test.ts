/** JSON patch: operations, refusals, bounds. */
import { describe, expect, it } from "vitest";
import { RawJson } from "./go-json.ts";
import { applyJsonPatch } from "./json-patch.ts";

describe("applyJsonPatch", () => {
  const live = { a: { b: [1, 2, 3] }, "x/y": { "~": 1 }, n: null };

  it.each([
    [[{ op: "add", path: "/a/c", value: 4 }], { ...live, a: { b: [1, 2, 3], c: 4 } }],
    [[{ op: "add", path: "/a/b/1", value: 9 }], { ...live, a: { b: [1, 9, 2, 3] } }],
    [[{ op: "add", path: "/a/b/-", value: 9 }], { ...live, a: { b: [1, 2, 3, 9] } }],
    [[{ op: "add", path: "/a/b/3", value: 9 }], { ...live, a: { b: [1, 2, 3, 9] } }],
    [[{ op: "add", path: "", value: { z: 1 } }], { z: 1 }],
    [[{ op: "remove", path: "/a/b/0" }], { ...live, a: { b: [2, 3] } }],
    [[{ op: "remove", path: "/n" }], { a: live.a, "x/y": live["x/y"] }],
    [[{ op: "replace", path: "/x~1y/~0", value: 2 }], { ...live, "x/y": { "~": 2 } }],
    [[{ op: "replace", path: "/a/b/2", value: 0 }], { ...live, a: { b: [1, 2, 0] } }],
    [[{ op: "move", from: "/a/b", path: "/b" }], { ...live, a: {}, b: [1, 2, 3] }],
    [[{ op: "move", from: "/a/b/0", path: "/a/b/2" }], { ...live, a: { b: [2, 3, 1] } }],
    [[{ op: "move", from: "/a", path: "/a" }], live],
    [[{ op: "copy", from: "/a/b", path: "/a/c" }], { ...live, a: { b: [1, 2, 3], c: [1, 2, 3] } }],
    [[{ op: "test", path: "/a", value: { b: [1, 2, 3] } }], live],
    [[{ op: "test", path: "/n", value: null }], live],
    [[{ op: "test", path: "/missing/deep", value: null }], live],
    [[], live],
  ])("%j", (patch, result) => {
    const before = structuredClone(live);
    expect(applyJsonPatch(live, patch)).toEqual(result);
    expect(live).toEqual(before);
  });

  it.each([
    [[{ op: "test", path: "/a", value: 1 }], 422],
    [[{ op: "test", path: "/missing", value: 1 }], 422],
    [[{ op: "test", path: "/a/b/0", value: "1" }], 422],
    [[{ op: "remove", path: "/missing" }], 422],
    [[{ op: "remove", path: "/a/b/3" }], 422],
    [[{ op: "remove", path: "/a/b/-" }], 422],
    [[{ op: "remove", path: "/a/b/01" }], 422],
    [[{ op: "replace", path: "/missing", value: 1 }], 422],
    [[{ op: "add", path: "/missing/x", value: 1 }], 422],
    [[{ op: "add", path: "/a/b/4", value: 1 }], 422],
    [[{ op: "add", path: "/a/b/x", value: 1 }], 422],
    [[{ op: "add", path: "/constructor/x", value: 1 }], 422],
    [[{ op: "move", from: "/a", path: "/a/b" }], 422],
    [[{ op: "move", from: "/a/b/0", path: "/a/b/0/c" }], 422],
    [
      [
        { op: "add", path: "/l", value: [{}, {}] },
        { op: "move", from: "/l/0", path: "/l/0/c" },
      ],
      422,
    ],
    [[{ op: "copy", from: "/missing", path: "/c" }], 422],
    [[{ op: "add", path: "a", value: 1 }], 400],
    [[{ op: "add", path: "/a~2", value: 1 }], 400],
    [[{ op: "add", path: "/a" }], 400],
    [[{ op: "jump", path: "/a" }], 400],
    [[{ op: "move", path: "/a" }], 400],
    [["x"], 400],
    [{}, 400],
  ])("refuses %j with %d", (patch, code) => {
    expect(() => applyJsonPatch(live, patch)).toThrow(
      expect.objectContaining({ status: expect.objectContaining({ code }) as object }) as Error,
    );
  });

  it("says in 422 what upstream says", () => {
    expect(() => applyJsonPatch({}, [{ op: "remove", path: "/a" }])).toThrow(
      "the server rejected our request due to an error in our request",
    );
  });

  it("bounds operations and copies", () => {
    const many = Array.from({ length: 10_001 }, () => ({ op: "add", path: "/a", value: 1 }));
    expect(() => applyJsonPatch({}, many)).toThrow(/maximum operations in a JSON patch is 10000, got 10001/);
    expect(applyJsonPatch({}, many.slice(1))).toEqual({ a: 1 });
    const doubling = Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "/a", path: `/a/${i}` }));
    expect(() => applyJsonPatch({ a: { x: "0123456789" } }, doubling)).toThrow(/Request entity too large/);
  });

  it("adds up all copies", () => {
    const mebibyte = "x".repeat(1024 * 1024 - 100);
    const copies = (count: number): object[] =>
      Array.from({ length: count }, (_, i) => ({ op: "copy", from: "/a", path: `/b${i}` }));
    expect(Object.keys(applyJsonPatch({ a: mebibyte }, copies(3)) as object)).toHaveLength(4);
    expect(() => applyJsonPatch({ a: mebibyte }, copies(4))).toThrow(/Request entity too large/);
  });

  it("keeps untouched raw parts, and opens touched ones", () => {
    const raw = new RawJson('{"a":{"b":1}}');
    const object = { data: raw, m: {} };
    expect(applyJsonPatch(object, [{ op: "add", path: "/m/x", value: 1 }])).toEqual({
      data: raw,
      m: { x: 1 },
    });
    expect(applyJsonPatch(object, [{ op: "replace", path: "/data/a/b", value: 2 }])).toEqual({
      data: { a: { b: 2 } },
      m: {},
    });
    expect(applyJsonPatch(object, [{ op: "test", path: "/data", value: { a: { b: 1 } } }])).toEqual(object);
  });

  it("lets no path reach a prototype", () => {
    const result = applyJsonPatch({}, [{ op: "add", path: "/__proto__", value: { x: 1 } }]);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"x":1}}');
    expect(() => applyJsonPatch({}, [{ op: "add", path: "/__proto__/x", value: 1 }])).toThrow();
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});
