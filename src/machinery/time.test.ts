/** Times and ages: texts, parsing, what is refused. */
import { describe, expect, it } from "vitest";
import { formatMicroTime, formatTime, humanDuration, parseTimeMs, timeFault } from "./time.ts";

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

const layout = "2006-01-02T15:04:05Z07:00";
const microLayout = "2006-01-02T15:04:05.000000Z07:00";

it.each([
  ["now", layout, ' as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'],
  ["2026-1-1T00:00:00Z", layout, ' as "2006-01-02T15:04:05Z07:00": cannot parse "1-1T00:00:00Z" as "01"'],
  ["2026-11-20", layout, ' as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
  ["2026-11-20T00:00:00", layout, ' as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"'],
  ["2026-11-20T00:00:00.5x", layout, ' as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "Z07:00"'],
  [
    "2026-11-20T00:00:00Z",
    microLayout,
    ' as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
  ],
  ["2026-11-20T00:00:00Zx", layout, ': extra text: "x"'],
  ["2026-13-20T00:00:00Z", layout, ": month out of range"],
  ["2026-02-30T00:00:00Z", layout, ": day out of range"],
  ["2026-11-20T24:00:00Z", layout, ": hour out of range"],
  ["2026-11-20T00:60:00Z", layout, ": minute out of range"],
  ["2026-11-20T00:00:60Z", layout, ": second out of range"],
])("Go says why %j is no time of %s", (text, expected, fault) => {
  expect(timeFault(text, expected)).toBe(`parsing time ${JSON.stringify(text)}${fault}`);
});
