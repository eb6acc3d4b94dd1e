/** JSON merge patch: the examples of RFC 7386, raw parts, prototypes. */
import { describe, expect, it } from "vitest";
import { RawJson } from "./go-json.ts";
import { parseJson } from "./json.ts";
import { jsonMergePatch } from "./merge-patch.ts";

describe("jsonMergePatch", () => {
  // The examples of RFC 7386, appendix A.
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (live, patch, result) => {
    expect(jsonMergePatch(live, patch)).toEqual(result);
  });

  it("opens raw parts, and lets no key reach a prototype", () => {
    expect(jsonMergePatch({ data: new RawJson('{"a":1,"b":2}') }, { data: { a: null } })).toEqual({
      data: { b: 2 },
    });
    const merged = jsonMergePatch({}, parseJson('{"__proto__":{"x":1}}'));
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"x":1}}');
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});
