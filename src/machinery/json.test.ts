/** JSON: bounded parsing, duplicates, raw parts, Go's bytes. */
import { describe, expect, it } from "vitest";
import { canonicalJson, compactJson, compareUtf8, encodeJson, RawJson } from "./go-json.ts";
import { JsonError, parseJson } from "./json.ts";

const slow = { onDuplicateKey: (): void => undefined };

describe("parseJson", () => {
  it("reads bytes and texts", () => {
    const bytes = new TextEncoder().encode('{"a":[1,"é\\u0041",true,null]}');
    expect(parseJson(bytes)).toEqual({ a: [1, "éA", true, null] });
    expect(parseJson(bytes, slow)).toEqual({ a: [1, "éA", true, null] });
  });

  it("refuses more levels than the bound, also in strings of brackets, and accepts exactly as many", () => {
    const nest = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    for (const options of [{}, slow]) {
      expect(parseJson(nest(100), options)).toBeInstanceOf(Array);
      expect(() => parseJson(nest(101), options)).toThrow(
        "exceeded max depth: JSON is nested deeper than 100 levels",
      );
      expect(() => parseJson("[".repeat(1_000_000), options)).toThrow(/100 levels/);
      expect(parseJson(JSON.stringify('[\\"{'.repeat(200)), options)).toBe('[\\"{'.repeat(200));
      expect(() => parseJson('{"a":{"b":1}}', { ...options, depthMax: 1 })).toThrow(/1 levels/);
    }
  });

  it("finds the end of strings", () => {
    for (const string of ["\\", '"', '\\"', "\\\\", '[\\"[']) {
      const text = JSON.stringify([string, [string]]);
      for (const options of [{ depthMax: 2 }, { ...slow, depthMax: 2 }]) {
        expect(parseJson(text, options)).toEqual([string, [string]]);
      }
    }
    expect(() => parseJson('["\\\\",[["]"]]]', { depthMax: 2 })).toThrow(/2 levels/);
  });

  it("reports duplicate keys with their paths, and the last one wins", () => {
    const found: string[] = [];
    const text = '{"a":1,"b":[{"c":1,"c":2}],"a":{"d":1,"d":1,"d":1}}';
    const value = parseJson(text, { onDuplicateKey: (path) => found.push(path) });
    expect(value).toEqual({ a: { d: 1 }, b: [{ c: 2 }] });
    expect(found).toEqual(["b[0].c", "a", "a.d", "a.d"]);
  });

  it("takes __proto__ as an ordinary key", () => {
    for (const options of [{}, slow]) {
      const value = parseJson('{"__proto__":{"x":1},"a":{"__proto__":2}}', options) as Record<
        string,
        unknown
      >;
      expect(Object.keys(value)).toEqual(["__proto__", "a"]);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect("x" in value).toBe(false);
      expect(JSON.stringify(value)).toBe('{"__proto__":{"x":1},"a":{"__proto__":2}}');
    }
  });

  it("keeps raw parts as compact text", () => {
    const text = '{"data": {"10": 1, "9": "a\\u003c b"}, "other": {"data": 1}, "n": {"data": null}}';
    const value = parseJson(text, { rawPaths: ["data", "n.data"] }) as Record<string, unknown>;
    expect(value.data).toEqual(new RawJson('{"10":1,"9":"a\\u003c b"}'));
    expect(value.other).toEqual({ data: 1 });
    expect(value.n).toEqual({ data: null });
  });

  it.each([
    ["", "unexpected end of JSON input", 0],
    ["{", "unexpected end of JSON input", 1],
    ['{"a', "unexpected end of JSON input", 3],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string at offset 1", 1],
    ['{"a" 1}', "invalid character '1' after object key at offset 5", 5],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair at offset 7", 7],
    ["[1 2]", "invalid character '2' after array element at offset 3", 3],
    ["[1,]", "invalid character ']' looking for beginning of value at offset 3", 3],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string at offset 7", 7],
    ["01", "invalid character '1' after top-level value at offset 1", 1],
    ["nul", "invalid character 'n' looking for beginning of value at offset 0", 0],
    ['"a\\x"', "invalid character or escape in string literal at offset 0", 0],
    ['"a\nb"', "invalid character or escape in string literal at offset 0", 0],
    ["\ufeff{}", "invalid character '\\ufeff' looking for beginning of value at offset 0", 0],
    ["kind: Pod", "invalid character 'k' looking for beginning of value at offset 0", 0],
  ])("refuses %j", (text, message, offset) => {
    for (const options of [{}, slow]) {
      expect(() => parseJson(text, options)).toThrow(expect.objectContaining({ message, offset }) as Error);
    }
  });

  it.each([
    [[0x22, 0xff, 0x22], 1],
    [[0x22, 0xc3, 0x22], 1],
    [[0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    [[0x22, 0xc3, 0xa9, 0xf4, 0x90, 0x80, 0x80], 3],
    [[0x22, 0xe2, 0x82], 1],
  ])("refuses bytes %j that are no UTF-8", (bytes, offset) => {
    expect(() => parseJson(new Uint8Array(bytes))).toThrow(
      new JsonError(`invalid UTF-8 at byte ${offset}`, offset),
    );
  });
});

describe("encodeJson", () => {
  it("is JSON.stringify for ordinary values", () => {
    for (const value of [
      { a: [1, undefined, "x"], b: undefined },
      { text: "x", z: 1 },
      null,
      "x",
      [{ text: "y" }],
    ]) {
      expect(encodeJson(value)).toBe(JSON.stringify(value));
    }
    expect(encodeJson(undefined)).toBe("null");
  });

  it("writes raw parts verbatim, and no other object as one", () => {
    const raw = new RawJson('{ "10": "\\u003c", "9": 1 }');
    expect(encodeJson({ a: raw, b: [raw], c: undefined })).toBe(
      '{"a":{"10":"\\u003c","9":1},"b":[{"10":"\\u003c","9":1}]}',
    );
    expect(encodeJson(raw)).toBe(raw.text);
    expect(encodeJson({ a: { text: "}" }, b: new RawJson("1") })).toBe('{"a":{"text":"}"},"b":1}');
  });
});

describe("canonicalJson", () => {
  it("writes what Go writes", () => {
    const value = {
      spec: { b: 1, a: [null, true], "10": "x", "9": "y", A: 1, $patch: "replace" },
      u: undefined,
    };
    expect(canonicalJson(value)).toBe(
      '{"spec":{"$patch":"replace","10":"x","9":"y","A":1,"a":[null,true],"b":1}}',
    );
    expect(canonicalJson("<a>&\u2028\u2029/é😀\b\f\n\u0001\\u003c")).toBe(
      '"\\u003ca\\u003e\\u0026\\u2028\\u2029/é😀\\b\\f\\n\\u0001\\\\u003c"',
    );
    for (const char of "<>&\u2028\u2029") expect(canonicalJson(char)).toMatch(/^"\\u[0-9a-f]{4}"$/);
    expect(canonicalJson("\ud800x\\ud800")).toBe('"\ufffdx\\\\ud800"');
    expect(canonicalJson(new RawJson('{"b":1,"a":"<"}'))).toBe('{"a":"\\u003c","b":1}');
  });

  it("sorts keys by their UTF-8 bytes", () => {
    expect(compareUtf8("\uff5e", "😀")).toBeLessThan(0);
    expect(compareUtf8("a", "ab")).toBeLessThan(0);
    expect(canonicalJson({ "😀": 1, "\uff5e": 2 })).toBe('{"\uff5e":2,"😀":1}');
  });
});

describe("compactJson", () => {
  it("removes blanks outside strings only", () => {
    expect(compactJson(' { "a b" : [ 1 ,\n"c \\" d" ] }\t')).toBe('{"a b":[1,"c \\" d"]}');
  });
});
