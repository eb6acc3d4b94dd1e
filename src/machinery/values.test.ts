/** Times, ages, hashes, int-or-string, names and equality. */
import { describe, expect, it } from "vitest";
import { semanticEqual } from "./equality.ts";
import { RawJson } from "./go-json.ts";
import { fnv1a32, safeEncode } from "./hash.ts";
import { percentOf, scaledValue } from "./int-or-string.ts";
import {
  configMapKeyErrors,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  labelValueErrors,
  percentErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";
import { formatMicroTime, formatTime, humanDuration, parseTimeMs } from "./time.ts";

describe("times", () => {
  it("writes whole seconds and six digits", () => {
    const ms = Date.UTC(2026, 10, 20, 16, 0, 0, 123);
    expect(formatTime(ms)).toBe("2026-11-20T16:00:00Z");
    expect(formatMicroTime(ms)).toBe("2026-11-20T16:00:00.123000Z");
    expect(formatMicroTime(ms + 0.456)).toBe("2026-11-20T16:00:00.123456Z");
    expect(formatMicroTime(ms + 876.9998)).toBe("2026-11-20T16:00:01.000000Z");
    expect(formatTime(-1)).toBe("1969-12-31T23:59:59Z");
  });

  it.each([
    ["2026-11-20T16:00:00Z", "2026-11-20T16:00:00.000000Z"],
    ["2026-11-20T16:00:00.123456Z", "2026-11-20T16:00:00.123456Z"],
    ["2026-11-20T16:00:00.999999999Z", "2026-11-20T16:00:00.999999Z"],
    ["2026-11-20T18:30:00+02:30", "2026-11-20T16:00:00.000000Z"],
    ["2026-11-20T16:00:00-08:00", "2026-11-21T00:00:00.000000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"],
    ["0050-01-01T00:00:00Z", "0050-01-01T00:00:00.000000Z"],
  ])("reads %s", (text, micro) => {
    expect(formatMicroTime(parseTimeMs(text) ?? NaN)).toBe(micro);
  });

  it.each([
    "",
    "now",
    "2026-11-20",
    "2026-11-20T16:00:00",
    "2026-11-20 16:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T16:60:00Z",
    "2026-11-20T16:00:00.Z",
    "9999-12-31T23:59:59-23:00",
  ])("refuses %j", (text) => {
    expect(parseTimeMs(text)).toBeUndefined();
  });
});

describe("humanDuration", () => {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  it.each([
    [-2, "<invalid>"],
    [-1, "0s"],
    [0, "0s"],
    [1.9, "1s"],
    [119, "119s"],
    [120, "2m"],
    [125, "2m5s"],
    [10 * minute - 1, "9m59s"],
    [10 * minute, "10m"],
    [3 * hour - 1, "179m"],
    [3 * hour, "3h"],
    [3 * hour + minute, "3h1m"],
    [8 * hour - 1, "7h59m"],
    [8 * hour, "8h"],
    [48 * hour - 1, "47h"],
    [48 * hour, "2d"],
    [49 * hour, "2d1h"],
    [8 * day, "8d"],
    [8 * day + hour, "8d"],
    [730 * day - 1, "729d"],
    [730 * day, "2y"],
    [731 * day, "2y1d"],
    [8 * 365 * day - 1, "7y364d"],
    [8 * 365 * day, "8y"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});

describe("hashes", () => {
  it("is FNV-1a", () => {
    expect(fnv1a32("")).toBe(0x811c9dc5);
    expect(fnv1a32("a")).toBe(0xe40c292c);
    expect(fnv1a32("foobar")).toBe(0xbf9cf968);
    expect(fnv1a32(new Uint8Array([0x61]))).toBe(fnv1a32("a"));
    expect(fnv1a32("bar", fnv1a32("foo"))).toBe(fnv1a32("foobar"));
  });

  it("encodes bytes mod 27", () => {
    expect(safeEncode("0123456789")).toBe("456789bcdf");
    expect(safeEncode("")).toBe("");
  });
});

describe("int or string", () => {
  it("scales", () => {
    expect(scaledValue(3, 10, "up")).toBe(3);
    expect(scaledValue("25%", 10, "up")).toBe(3);
    expect(scaledValue("25%", 10, "down")).toBe(2);
    expect(scaledValue("0%", 10, "up")).toBe(0);
    expect(scaledValue("29%", 100, "up")).toBe(29);
    expect(scaledValue("10", 10, "up")).toBeUndefined();
    expect(scaledValue("a%", 10, "up")).toBeUndefined();
    expect(percentOf("150%")).toBe(150);
  });
});

describe("names", () => {
  const subdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const labelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

  it("tells what is wrong in upstream's words", () => {
    expect(dnsSubdomainErrors("a.b-c")).toEqual([]);
    expect(dnsSubdomainErrors("A")).toEqual([subdomainText]);
    expect(dnsSubdomainErrors("a".repeat(254))).toEqual(["must be no more than 253 bytes"]);
    expect(dnsLabelErrors("a_b")).toEqual([labelText]);
    expect(dnsLabelErrors("")).toEqual([labelText]);
    expect(dnsLabelErrors("a.b")).toEqual(["must not contain dots"]);
    expect(dnsLabelErrors("a".repeat(64))).toEqual(["must be no more than 63 bytes"]);
    expect(dns1035LabelErrors("1a")[0]).toMatch(
      /^a DNS-1035 label must .*'\[a-z\]\(\[-a-z0-9\]\*\[a-z0-9\]\)\?'\)$/,
    );
    expect(qualifiedNameErrors("example.com/a_B.c")).toEqual([]);
    expect(qualifiedNameErrors("/a")).toEqual(["prefix part must be non-empty"]);
    expect(qualifiedNameErrors("A/a")).toEqual([`prefix part ${subdomainText}`]);
    expect(qualifiedNameErrors("a/b/c")).toHaveLength(1);
    expect(qualifiedNameErrors("")[0]).toBe("name part must be non-empty");
    expect(qualifiedNameErrors("a".repeat(64))).toEqual(["name part must be no more than 63 bytes"]);
    expect(labelValueErrors("")).toEqual([]);
    expect(labelValueErrors("a/b")).toHaveLength(1);
    expect(labelValueErrors("a".repeat(64))).toEqual(["must be no more than 63 bytes"]);
    expect(configMapKeyErrors("a.b_c")).toEqual([]);
    expect(configMapKeyErrors("..")).toEqual(["must not be '..'"]);
    expect(configMapKeyErrors("..a")).toEqual(["must not start with '..'"]);
    expect(configMapKeyErrors("a/b")).toHaveLength(1);
    expect(portNameErrors("http")).toEqual([]);
    expect(portNameErrors("1--")).toHaveLength(3);
    expect(portNumberErrors(0)).toEqual(["must be between 1 and 65535, inclusive"]);
    expect(portNumberErrors(65535)).toEqual([]);
    expect(percentErrors("10%")).toEqual([]);
    expect(percentErrors("10")).toEqual([
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ]);
  });
});

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
