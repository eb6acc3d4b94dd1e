/** Semantic equality: what counts as absent. */
import { describe, expect, it } from "vitest";
import { semanticEqual } from "./equality.ts";
import { RawJson } from "./go-json.ts";

describe("semanticEqual", () => {
  it.each([
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: 1 }, { a: 1, b: null }, true],
    [{ a: [] }, {}, true],
    [{ a: { b: [] } }, { a: {} }, true],
    [{ a: {} }, {}, false],
    [{ a: "" }, {}, false],
    [{ a: 0 }, {}, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [{ a: "1" }, { a: 1 }, false],
    [[], {}, false],
    [undefined, [], true],
    [new RawJson('{"a":1}'), new RawJson('{ "a": 1 }'), true],
    [new RawJson('{"a":1}'), new RawJson('{"a":2}'), false],
    [new RawJson('{"a":1}'), { text: '{"a":1}' }, false],
    [{ constructor: 1 }, {}, false],
  ])("%j and %j: %s", (a, b, equal) => {
    expect(semanticEqual(a, b)).toBe(equal);
    expect(semanticEqual(b, a)).toBe(equal);
  });
});
