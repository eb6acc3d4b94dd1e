/** Numbers and percentages. */
import { describe, expect, it } from "vitest";
import { percentOf, scaledValue } from "./int-or-string.ts";

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
