/** Quantities: canonical texts, arithmetic, rounding. */
import { describe, expect, it } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilli,
  quantityValue,
} from "./quantity.ts";

describe("canonicalQuantity", () => {
  it.each([
    ["0", "0"],
    ["-0", "0"],
    ["0Mi", "0"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["100m", "100m"],
    ["0.1", "100m"],
    ["0.5", "500m"],
    [".5", "500m"],
    ["1.", "1"],
    ["+2", "2"],
    ["007", "7"],
    ["1000", "1k"],
    ["1024", "1024"],
    ["1000000", "1M"],
    ["1024Mi", "1Gi"],
    ["1024Ki", "1Mi"],
    ["64Mi", "64Mi"],
    ["1.5Gi", "1536Mi"],
    ["0.5Mi", "512Ki"],
    ["0.5Ki", "512"],
    ["49062.5Ki", "50240000"],
    ["1.5Ki", "1536"],
    ["0.0001Ki", "102400u"],
    ["2.1Ki", "2150400m"],
    ["1000Ki", "1000Ki"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["12e1", "120"],
    ["1e-3", "1e-3"],
    ["1E", "1E"],
    ["1k", "1k"],
    ["1000k", "1M"],
    ["3u", "3u"],
    ["3n", "3n"],
    ["0.3n", "1n"],
    ["1.0000000001", "1000000001n"],
    ["-0.5", "-500m"],
    ["-1024Mi", "-1Gi"],
    ["-2Gi", "-2Gi"],
    ["10E", "9223372036854775807"],
    ["1e400", "9223372036854775807"],
    ["1Ei", "1Ei"],
  ])("%s is %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each([
    "",
    " 1",
    "1 ",
    "a",
    "1x",
    "1kk",
    "--1",
    "1e",
    "1.2.3",
    "Mi",
    ".",
    "+",
    "1K",
    "1mi",
    "0x10",
    "1e500",
    "9".repeat(500),
  ])("refuses %j", (text) => {
    expect(canonicalQuantity(text)).toBeUndefined();
  });
});

describe("arithmetic", () => {
  it("adds in the format of the first that is not zero", () => {
    expect(addQuantities("100m", "1")).toBe("1100m");
    expect(addQuantities("1Gi", "1G")).toBe("2073741824");
    expect(addQuantities("512Mi", "512Mi")).toBe("1Gi");
    expect(addQuantities("0", "1Gi")).toBe("1Gi");
    expect(addQuantities(undefined, undefined)).toBe("0");
  });

  it("compares by value", () => {
    expect(compareQuantities("1", "1000m")).toBe(0);
    expect(compareQuantities("1Gi", "1G")).toBeGreaterThan(0);
    expect(compareQuantities(undefined, "1n")).toBeLessThan(0);
  });

  it("rounds away from zero", () => {
    expect(quantityMilli("1.0001")).toBe(1001);
    expect(quantityMilli("250m")).toBe(250);
    expect(quantityMilli("-1u")).toBe(-1);
    expect(quantityMilli(undefined)).toBe(0);
    expect(quantityValue("1Gi")).toBe(1073741824);
    expect(quantityValue("100m")).toBe(1);
  });

  it("refuses what is none", () => {
    expect(() => addQuantities("x", "1")).toThrow(RangeError);
  });

  it("keeps the format when parsed", () => {
    const parsed = parseQuantity("2048Mi");
    expect(parsed).toEqual({ nanos: 2147483648n * 1_000_000_000n, format: "binary" });
    expect(parsed && formatQuantity(parsed)).toBe("2Gi");
  });
});
