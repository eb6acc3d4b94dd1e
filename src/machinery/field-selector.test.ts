/** Field selectors: grammar, escapes, matching. */
import { describe, expect, it } from "vitest";
import { parseFieldSelector } from "./field-selector.ts";

describe("parseFieldSelector", () => {
  it.each([
    ["", []],
    ["a=b", [{ field: "a", operator: "=", value: "b" }]],
    ["a==b", [{ field: "a", operator: "=", value: "b" }]],
    ["a!=b", [{ field: "a", operator: "!=", value: "b" }]],
    [",a=b,", [{ field: "a", operator: "=", value: "b" }]],
    ["involvedObject.namespace=", [{ field: "involvedObject.namespace", operator: "=", value: "" }]],
    [
      "spec.nodeName=n1,status.phase!=Failed",
      [
        { field: "spec.nodeName", operator: "=", value: "n1" },
        { field: "status.phase", operator: "!=", value: "Failed" },
      ],
    ],
    ["a=x\\,y\\=z\\\\", [{ field: "a", operator: "=", value: "x,y=z\\" }]],
  ])("%j", (text, requirements) => {
    expect(parseFieldSelector(text).requirements).toEqual(requirements);
  });

  it.each([
    ["foo", "invalid selector: 'foo'; can't understand 'foo'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=\\x", "invalid field selector: invalid escape sequence: \\x"],
    ["a=x\\", "invalid field selector: invalid escape sequence: \\"],
  ])("refuses %j", (text, message) => {
    expect(() => parseFieldSelector(text)).toThrow(expect.objectContaining({ message }) as Error);
  });

  it("compares texts exactly", () => {
    const selector = parseFieldSelector("a=1,b!=2");
    const get = (fields: Record<string, string>) => (field: string) => fields[field] ?? "";
    expect(selector.matches(get({ a: "1" }))).toBe(true);
    expect(selector.matches(get({ a: "1", b: "2" }))).toBe(false);
    expect(selector.matches(get({ a: "01" }))).toBe(false);
  });
});
