/** Properties of parsing and encoding JSON. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, it } from "vitest";
import { replay } from "../testing/replay.ts";
import { canonicalJson, compactJson, compareUtf8, encodeJson, RawJson } from "./go-json.ts";
import { parseJson } from "./json.ts";

const text = fc.string({ unit: "binary" }).map((string) => string.replace(/[\ud800-\udfff]/g, ""));
const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
    ),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(
        fc.tuple(
          fc.oneof(text, fc.constantFrom("__proto__", "10", "9", "a", "text", "constructor")),
          tie("value"),
        ),
        {
          maxLength: 4,
        },
      )
      .map((entries) => {
        const object: Record<string, unknown> = {};
        for (const [key, value] of entries) {
          Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
        }
        return object;
      }),
  ),
})).value;

const slow = { onDuplicateKey: (): void => undefined };
const indent = fc.constantFrom("", " ", "\n\t");

it("parses what JSON.parse parses, to the same value", () => {
  fc.assert(
    fc.property(json, indent, (value, space) => {
      const source = JSON.stringify(value, null, space);
      const expected = JSON.stringify(JSON.parse(source));
      expect(JSON.stringify(parseJson(source))).toBe(expected);
      expect(JSON.stringify(parseJson(source, slow))).toBe(expected);
      expect(JSON.stringify(parseJson(new TextEncoder().encode(source)))).toBe(expected);
      expect(compactJson(source)).toBe(JSON.stringify(value));
    }),
    { numRuns: 300, ...replay() },
  );
});

it("refuses what JSON.parse refuses, and nothing else", () => {
  const edit = fc.record({
    at: fc.nat(200),
    remove: fc.nat(2),
    insert: fc.constantFrom("", '"', "\\", "{", "]", ",", "0", "e", "-", "\n", ":"),
  });
  fc.assert(
    fc.property(json, edit, (value, { at, remove, insert }) => {
      const source = JSON.stringify(value);
      const place = at % (source.length + 1);
      const edited = source.slice(0, place) + insert + source.slice(place + remove);
      const outcome = (parse: () => unknown): string => {
        try {
          return JSON.stringify(parse()) ?? "undefined";
        } catch {
          return "refused";
        }
      };
      const expected = outcome(() => JSON.parse(edited));
      expect(outcome(() => parseJson(edited))).toBe(expected);
      expect(outcome(() => parseJson(edited, slow))).toBe(expected);
    }),
    { numRuns: 1000, ...replay() },
  );
});

it("writes raw parts so that they mean the same, and others as JSON.stringify", () => {
  fc.assert(
    fc.property(json, json, (value, other) => {
      expect(encodeJson(value)).toBe(JSON.stringify(value));
      const mixed = encodeJson({ raw: new RawJson(JSON.stringify(value, null, 1)), other: [other] });
      expect(mixed).toBe(JSON.stringify({ raw: value, other: [other] }));
    }),
    replay(),
  );
});

it("canonical bytes have sorted keys and mean the same", () => {
  fc.assert(
    fc.property(json, (value) => {
      const canonical = canonicalJson(value);
      expect(canonical).not.toMatch(/[<>&\u2028\u2029]/);
      const sortedKeys = JSON.parse(canonical) as unknown;
      expect(canonicalJson(sortedKeys)).toBe(canonical);
      expect(sortedKeys).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 300, ...replay() },
  );
});

it("canonical bytes list keys in byte order", () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { minLength: 1 }), (keys) => {
      const canonical = canonicalJson(
        Object.fromEntries(keys.filter((key) => key !== "__proto__").map((key) => [key, 0])),
      );
      const found: string[] = [];
      parseInOrder(canonical, (key) => found.push(key));
      const sorted = [...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(found).toEqual(sorted);
    }),
    replay(),
  );
});

it("compares texts as their UTF-8 bytes compare", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 500, ...replay() },
  );
});

/** Keys of a flat object of zeros in the order of the text; integer-like keys too. */
function parseInOrder(source: string, found: (key: string) => void): void {
  for (const [, literal = '""'] of source.matchAll(/("(?:[^"\\]|\\.)*"):0/g))
    found(JSON.parse(literal) as string);
}
