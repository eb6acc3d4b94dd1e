/** Each rule of decoding protobuf: what a field means, what counts when it occurs twice, what is refused and how. */
import { describe, expect, test } from "vitest";
import { lengthDelimited, varint } from "../testing/protobuf-encoder.ts";
import { encodeJson, RawJson } from "./go-json.ts";
import { JsonError } from "./json.ts";
import { decodeProtobuf, readEnvelope } from "./protobuf.ts";
import type { Field, SchemaTable } from "./schema.ts";
import { ProtobufError } from "./wire-reader.ts";

const fields: Readonly<Record<string, Field>> = {
  name: { schema: { type: "string" }, number: 1 },
  count: { schema: { type: "integer", bits: 32 }, number: 2 },
  big: { schema: { type: "integer", bits: 64 }, number: 3 },
  isOn: { schema: { type: "boolean" }, number: 4 },
  data: { schema: { type: "bytes" }, number: 5 },
  amount: { schema: { type: "quantity" }, number: 6 },
  port: { schema: { type: "intOrString" }, number: 7 },
  at: { schema: { type: "time" }, number: 8 },
  exactly: { schema: { type: "microTime" }, number: 9 },
  any: { schema: { type: "raw" }, number: 10 },
  text: { schema: { type: "rawText" }, number: 11 },
  child: { schema: { type: "ref", name: "test.v1.Thing" }, number: 12 },
  children: { schema: { type: "array", of: { type: "ref", name: "test.v1.Thing" } }, number: 13 },
  labels: { schema: { type: "map", of: { type: "string" } }, number: 14 },
  numbers: { schema: { type: "array", of: { type: "integer", bits: 32 } }, number: 15 },
  times: { schema: { type: "map", of: { type: "time" } }, number: 16 },
  lists: { schema: { type: "map", of: { type: "array", of: { type: "string" } } }, number: 17 },
  perhaps: { schema: { type: "integer", bits: 64 }, number: 18, pointer: true },
  inner: { schema: { type: "string" }, number: 1, within: 19 },
  other: { schema: { type: "ref", name: "test.v1.Thing" }, number: 2, within: 19 },
  jsonOnly: { schema: { type: "string" } },
};
const table: SchemaTable = { "test.v1.Thing": { type: "object", fields } };

type Part = Uint8Array | number | string;

/** Numbers are bytes. */
function bytes(...parts: readonly Part[]): Uint8Array {
  const all = parts.map((part) => (typeof part === "number" ? [part] : Buffer.from(part as string)));
  return Buffer.concat(all.map((part) => Uint8Array.from(part)));
}
const number = (field: number, value: number | bigint): Uint8Array => bytes(varint(field * 8), varint(value));
const held = (field: number, ...parts: readonly Part[]): Uint8Array =>
  lengthDelimited(field, bytes(...parts));
const decode = (...parts: readonly Part[]): object =>
  decodeProtobuf({ table, name: "test.v1.Thing" }, bytes(...parts));

const repeated = (part: Part, times: number): readonly Part[] => Array<Part>(times).fill(part);

describe("values", () => {
  test.each<readonly [string, Uint8Array, object]>([
    ["nothing", bytes(), {}],
    ["a string", held(1, "é"), { name: "é" }],
    ["a byte order mark", held(1, "\ufeffa"), { name: "\ufeffa" }],
    ["int32", number(2, 80), { count: 80 }],
    ["a negative int32", number(2, -1), { count: -1 }],
    ["an int32 keeps its low half", number(2, 2n ** 32n + 5n), { count: 5 }],
    ["int64", number(3, 2n ** 53n - 1n), { big: 2 ** 53 - 1 }],
    ["the least int64", number(3, -(2n ** 63n)), { big: -(2 ** 63) }],
    ["bool", number(4, 1), { isOn: true }],
    ["a bool of high bits", number(4, 2n ** 40n), { isOn: true }],
    ["bytes", held(5, 0xff, 0xfe, 0), { data: "//4A" }],
    ["a quantity", held(6, held(1, "1500M")), { amount: "1500M" }],
    ["a quantity without text", held(6), { amount: "0" }],
    ["a number", held(7, number(1, 0), number(2, 80), held(3)), { port: 80 }],
    ["zero", held(7, number(1, 0), number(2, 0), held(3)), { port: 0 }],
    ["a name", held(7, number(1, 1), number(2, 0), held(3, "http")), { port: "http" }],
    ["a time", held(8, number(1, 1_000_000_000), number(2, 999_999_999)), { at: "2001-09-09T01:46:40Z" }],
    ["the first second", held(8, number(1, 0), number(2, 0)), { at: "1970-01-01T00:00:00Z" }],
    ["no time", held(8), {}],
    ["a year before", held(8, number(1, -1)), { at: "1969-12-31T23:59:59Z" }],
    ["microseconds", held(9, number(1, 1), number(2, 1_999)), { exactly: "1970-01-01T00:00:01.000001Z" }],
    [
      "borrowed nanoseconds",
      held(9, number(1, 1), number(2, -1_000)),
      { exactly: "1970-01-01T00:00:00.999999Z" },
    ],
    ["many nanoseconds", held(9, number(2, 2_000_000_000)), { exactly: "1970-01-01T00:00:02.000000Z" }],
    ["JSON", held(10, held(1, '{"a":[1]}')), { any: { a: [1] } }],
    ["no JSON", held(10), {}],
    ["null as JSON", held(10, held(1, "null")), {}],
    ["a message", held(12, held(1, "a")), { child: { name: "a" } }],
    ["an empty message", held(12), { child: {} }],
    ["messages", bytes(held(13, held(1, "a")), held(13)), { children: [{ name: "a" }, {}] }],
    ["an entry", held(14, held(1, "k"), held(2, "v")), { labels: { k: "v" } }],
    ["an entry backwards", held(14, held(2, "v"), held(1, "k")), { labels: { k: "v" } }],
    ["an empty value", held(14, held(1, "k"), held(2)), { labels: { k: "" } }],
    ["no key, no value", held(14), { labels: { "": null } }],
    ["unpacked numbers", bytes(number(15, 1), number(15, 0)), { numbers: [1, 0] }],
    ["packed numbers", bytes(number(15, 7), held(15, varint(300), varint(-1))), { numbers: [7, 300, -1] }],
    ["no packed numbers", held(15), { numbers: [] }],
    ["a map of times", held(16, held(1, "a"), held(2)), { times: { a: null } }],
    ["a map of lists", held(17, held(1, "a"), held(2, held(1, "x"), held(1))), { lists: { a: ["x", ""] } }],
    [
      "an embedded struct",
      held(19, held(1, "a"), held(2, held(1, "b"))),
      { inner: "a", other: { name: "b" } },
    ],
  ])("%s", (_, message, object) => {
    expect(decode(message)).toEqual(object);
  });

  test("zero values are absent, but for pointers", () => {
    expect(decode(held(1), number(2, 0), number(3, 0), number(4, 0))).toEqual({});
    expect(decode(number(18, 0))).toEqual({ perhaps: 0 });
    expect(decode(held(5))).toEqual({ data: "" });
  });

  test("JSON that must keep its bytes keeps them", () => {
    const object = decode(held(11, held(1, '{"b":1,"a":1.50}'))) as { readonly text: unknown };
    expect(object.text).toBeInstanceOf(RawJson);
    expect(encodeJson(object)).toBe('{"text":{"b":1,"a":1.50}}');
  });

  test("__proto__ is a key like any other", () => {
    const object = decode(held(14, held(1, "__proto__"), held(2, "v"))) as { readonly labels: object };
    expect(Object.entries(object.labels)).toEqual([["__proto__", "v"]]);
    expect(Object.getPrototypeOf(object.labels)).toBe(Object.prototype);
  });
});

describe("fields that occur twice", () => {
  test.each<readonly [string, Uint8Array, object]>([
    ["the last scalar counts", bytes(held(1, "a"), held(1, "b")), { name: "b" }],
    ["also when it is zero", bytes(number(2, 5), number(2, 0)), {}],
    ["also when it is no time", bytes(held(8, number(1, 5)), held(8)), {}],
    [
      "messages are merged",
      bytes(held(12, held(1, "a")), held(12, number(2, 1))),
      { child: { name: "a", count: 1 } },
    ],
    [
      "embedded structs are merged",
      bytes(held(19, held(1, "a")), held(19, held(2))),
      { inner: "a", other: {} },
    ],
    [
      "the last entry of a key counts",
      bytes(held(14, held(1, "k"), held(2, "a")), held(14, held(1, "k"), held(2, "b"))),
      { labels: { k: "b" } },
    ],
  ])("%s", (_, message, object) => {
    expect(decode(message)).toEqual(object);
  });
});

describe("unknown fields are skipped", () => {
  test.each<readonly [string, Uint8Array]>([
    ["varint", number(99, 2n ** 63n)],
    ["fixed64", bytes(varint(99 * 8 + 1), "12345678")],
    ["bytes", held(99, "x")],
    ["group", bytes(varint(99 * 8 + 3), held(1, "not mine"), number(2, 1), varint(99 * 8 + 4))],
    ["fixed32", bytes(varint(99 * 8 + 5), "1234")],
    [
      "groups in groups",
      bytes(...repeated(varint(99 * 8 + 3), 50_000), ...repeated(varint(99 * 8 + 4), 50_000)),
    ],
    ["in a map entry", held(14, number(9, 1), held(1, "k"), held(2, "v"))],
  ])("%s", (_, message) => {
    const { labels, ...object } = decode(message, held(1, "a")) as { readonly labels?: unknown };
    expect(object).toEqual({ name: "a" });
    expect(labels).toEqual(message[0] === 14 * 8 + 2 ? { k: "v" } : undefined);
  });
});

describe("what is refused", () => {
  test.each<readonly [string, Uint8Array, string]>([
    ["half a tag", bytes(0x80), "unexpected EOF"],
    ["half a varint", bytes(0x10, 0xff), "unexpected EOF"],
    ["half a string", bytes(0x0a, 5, "abc"), "unexpected EOF"],
    ["more than its parent has", bytes(held(12, 0x0a, 9, "a"), "123456789"), "unexpected EOF"],
    ["half a number of fixed size", bytes(varint(99 * 8 + 1), "1234"), "unexpected EOF"],
    ["an open group", bytes(varint(99 * 8 + 3), 8, 1), "unexpected EOF"],
    ["a huge length", bytes(0x0a, varint(2n ** 62n)), "unexpected EOF"],
    ["a negative length", bytes(0x0a, varint(-1)), "proto: negative length found during unmarshaling"],
    ["a varint of eleven bytes", bytes(0x10, ...Array<number>(10).fill(0xff), 1), "proto: integer overflow"],
    ["field 0", bytes(0x02, 0), "proto: Thing: illegal tag 0 (wire type 2)"],
    ["field below 0", bytes(varint(2n ** 34n)), "proto: Thing: illegal tag -2147483648 (wire type 0)"],
    ["the end of no group", bytes(0x0c), "proto: Thing: wiretype end group for non-group"],
    ["wire type 6", bytes(varint(99 * 8 + 6)), "proto: illegal wireType 6"],
    ["wire type 7", bytes(varint(99 * 8 + 7)), "proto: illegal wireType 7"],
    ["a number for a string", number(1, 1), "proto: wrong wireType = 0 for field Name"],
    ["a string for a number", held(2, "a"), "proto: wrong wireType = 2 for field Count"],
    ["a fixed number", bytes(0x1d, "1234"), "proto: wrong wireType = 5 for field Big"],
    ["a group for a message", bytes(0x63, 0x64), "proto: wrong wireType = 3 for field Child"],
    ["a number for an element", number(13, 1), "proto: wrong wireType = 0 for field Children"],
    ["a number for an entry", number(14, 1), "proto: wrong wireType = 0 for field Labels"],
    ["a number for a key", held(14, number(1, 1)), "proto: wrong wireType = 0 for field Labels"],
    ["a number for an embedded struct", number(19, 1), "proto: wrong wireType = 0 for field Thing"],
    ["a number for JSON", held(10, number(1, 1)), "proto: wrong wireType = 0 for field Raw"],
    ["a number for a list", held(17, number(2, 1)), "proto: wrong wireType = 0 for field Lists"],
    ["no UTF-8", held(1, 0xff), "proto: field name contains invalid UTF-8"],
    ["a key that is no UTF-8", held(14, held(1, 0xc0, 0x80)), "proto: field labels contains invalid UTF-8"],
    ["neither number nor string", held(7, number(1, 2)), "impossible IntOrString.Type"],
    ["the year 10000", held(8, number(1, 253_402_300_800)), "year outside of range [0,9999]"],
    ["the earliest time", held(9, number(1, -(2n ** 63n))), "year outside of range [0,9999]"],
  ])("%s", (_, message, text) => {
    expect(() => decode(message)).toThrow(new ProtobufError(text));
  });

  test("what is no JSON where JSON must be", () => {
    expect(() => decode(held(10, held(1, "{")))).toThrow(JsonError);
    expect(() => decode(held(11, held(1, "[".repeat(101), "]".repeat(101))))).toThrow(JsonError);
  });

  test("messages nested deeper than JSON may be", () => {
    const nested = (levels: number): Uint8Array => {
      let message = bytes();
      for (let i = 0; i < levels; i++) message = held(12, message);
      return message;
    };
    expect(decode(nested(99))).toHaveProperty("child");
    expect(() => decode(nested(100))).toThrow("exceeded max depth: nested deeper than 100 levels");
    expect(() => decode(nested(20_000))).toThrow("exceeded max depth");
  });
});

describe("the envelope", () => {
  const magic = bytes("k8s", 0);
  const said = held(1, held(1, "apps/v1"), held(2, "DaemonSet"));

  test("names the type of its object", () => {
    const body = bytes(magic, said, held(2, "raw"), held(3, "gzip"), held(4, "x/y"), number(9, 1));
    expect(readEnvelope(body)).toEqual({ apiVersion: "apps/v1", kind: "DaemonSet", raw: bytes("raw") });
  });
  test("may name no type", () => {
    expect(readEnvelope(bytes(magic, held(3)))).toEqual({ apiVersion: "", kind: "", raw: bytes() });
  });
  test("the last message counts, and types are merged", () => {
    const body = bytes(magic, held(2, "a"), held(1, held(2, "Pod")), held(2, "b"), held(1, held(1, "v1")));
    expect(readEnvelope(body)).toEqual({ apiVersion: "v1", kind: "Pod", raw: bytes("b") });
  });
  test.each<readonly [string, Uint8Array, string]>([
    ["nothing", bytes(), "empty data"],
    ["only the prefix", magic, "empty body"],
    [
      "another prefix",
      bytes("k8s", 1, said),
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    ],
    [
      "half a prefix",
      bytes("k8"),
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    ],
    ["half a message", bytes(magic, 0x0a, 9), "unexpected EOF"],
    ["a number for the message", bytes(magic, number(2, 1)), "proto: wrong wireType = 0 for field Raw"],
    ["a number for the type", bytes(magic, number(1, 1)), "proto: wrong wireType = 0 for field TypeMeta"],
  ])("refused: %s", (_, body, text) => {
    expect(() => readEnvelope(body)).toThrow(new ProtobufError(text));
  });
});
