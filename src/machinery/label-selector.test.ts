/** Label selectors: grammar, upstream's error texts, matching. */
import { describe, expect, it } from "vitest";
import { formatLabelSelector, parseLabelSelector, selectorFromLabelSelector } from "./label-selector.ts";

describe("parseLabelSelector", () => {
  it.each([
    ["", ""],
    ["  ", ""],
    ["a", "a"],
    ["!a", "!a"],
    ["! a", "!a"],
    ["a=b", "a=b"],
    ["a==b", "a==b"],
    ["a!=b", "a!=b"],
    ["a=", "a="],
    ["a=,b", "a=,b"],
    [" b = c , a ", "a,b=c"],
    ["a in (x,y,x)", "a in (x,y)"],
    ["a notin ( y , x )", "a notin (x,y)"],
    ["a in(x)", "a in (x)"],
    ["a in ()", "a in ()"],
    ["a in (x,)", "a in (,x)"],
    ["a in (,x,,y)", "a in (,x,y)"],
    ["a in (in,notin)", "a in (in,notin)"],
    ["in in (in)", "in in (in)"],
    ["a>5,b<6", "a>5,b<6"],
    ["example.com/a.b_c=x.y_z", "example.com/a.b_c=x.y_z"],
    ["a=b,a!=c", "a=b,a!=c"],
  ])("%j reads as %j", (text, formatted) => {
    expect(parseLabelSelector(text).toString()).toBe(formatted);
  });

  it.each([
    ["a,", "found '', expected: identifier after ','"],
    ["a,,b", "found ',', expected: identifier after ','"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["=a", "found '=', expected: !, identifier, or 'end of string'"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["!a=b", "found '=', expected: ',' or 'end of string'"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["a in x", "unable to parse requirement: found 'x' expected: '('"],
    ["a in (x", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'"],
    ["a=(b)", "unable to parse requirement: found '(', expected: identifier"],
    [
      "a>x",
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    [
      "a%=b",
      "unable to parse requirement: <nil>: Invalid value: \"a%\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
    [
      "a=b-",
      "unable to parse requirement: values[0][a]: Invalid value: \"b-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ])("refuses %j", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message }) as Error);
  });
});

describe("matching", () => {
  it.each([
    ["", {}, true],
    ["a", { a: "" }, true],
    ["a", {}, false],
    ["!a", {}, true],
    ["!a", { a: "" }, false],
    ["a=b", { a: "b" }, true],
    ["a=b", { a: "c" }, false],
    ["a=b", {}, false],
    ["a=", {}, false],
    ["a=", { a: "" }, true],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a in (b,c)", { a: "c" }, true],
    ["a in (b,c)", {}, false],
    ["a notin (b,c)", {}, true],
    ["a notin (b,c)", { a: "c" }, false],
    ["a>5", { a: "6" }, true],
    ["a>5", { a: "5" }, false],
    ["a>5", { a: "x" }, false],
    ["a>5", {}, false],
    ["a<5", { a: "-10" }, true],
    ["a>9223372036854775806", { a: "9223372036854775807" }, true],
    ["a,b=c", { a: "1", b: "c" }, true],
    ["a,b=c", { a: "1", b: "d" }, false],
    ["constructor", {}, false],
    ["toString!=x", {}, true],
  ])("%j on %j is %s", (text, labels, expected) => {
    expect(parseLabelSelector(text).matches(labels as Record<string, string>)).toBe(expected);
  });

  it("takes missing labels as none", () => {
    expect(parseLabelSelector("!a").matches(undefined)).toBe(true);
  });
});

describe("LabelSelector objects", () => {
  it("an empty one matches everything, a missing one nothing", () => {
    expect(selectorFromLabelSelector({}).matches({})).toBe(true);
    expect(selectorFromLabelSelector(undefined).matches({ a: "b" })).toBe(false);
    expect(selectorFromLabelSelector(null).canMatch).toBe(false);
  });

  it("ands labels and expressions, sorted by key", () => {
    const selector = selectorFromLabelSelector({
      matchLabels: { y: "1", app: "x" },
      matchExpressions: [
        { key: "b", operator: "In", values: ["2", "1"] },
        { key: "c", operator: "NotIn", values: ["3"] },
        { key: "d", operator: "Exists" },
        { key: "e", operator: "DoesNotExist", values: [] },
      ],
    });
    expect(selector.toString()).toBe("app=x,b in (1,2),c notin (3),d,!e,y=1");
    expect(selector.matches({ app: "x", y: "1", b: "2", d: "" })).toBe(true);
    expect(selector.matches({ app: "x", y: "1", b: "2" })).toBe(false);
  });

  it("prints as kubectl does", () => {
    expect(formatLabelSelector({ matchLabels: { app: "x" } })).toBe("app=x");
    expect(formatLabelSelector({})).toBe("<none>");
    expect(formatLabelSelector(undefined)).toBe("<none>");
    expect(formatLabelSelector({ matchExpressions: [{ key: "a", operator: "Near" }] })).toBe("<error>");
  });

  it.each([
    [{ key: "a", operator: "Near" }, '"Near" is not a valid label selector operator'],
    [
      { key: "a", operator: "In" },
      "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
    ],
    [
      { key: "a", operator: "Exists", values: ["x"] },
      'values: Invalid value: ["x"]: values set must be empty for exists and does not exist',
    ],
  ])("refuses %j", (requirement, message) => {
    const make = (): unknown => selectorFromLabelSelector({ matchExpressions: [requirement] });
    expect(make).toThrow(expect.objectContaining({ message }) as Error);
  });
});
