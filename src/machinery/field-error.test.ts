/** Texts of field errors, as clients see them in causes. */
import { describe, expect, it } from "vitest";
import {
  childPath,
  duplicateValue,
  fieldErrorMessage,
  forbiddenField,
  goQuote,
  indexPath,
  invalidValue,
  joinFieldErrors,
  keyPath,
  notFoundValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "./field-error.ts";

describe("field errors", () => {
  it.each([
    [required("a"), "a: Required value"],
    [required("a", "is needed"), "a: Required value: is needed"],
    [invalidValue("a", 'x"y', "bad"), 'a: Invalid value: "x\\"y": bad'],
    [invalidValue("a", 5, "bad"), "a: Invalid value: 5: bad"],
    [invalidValue("a", false, "bad"), "a: Invalid value: false: bad"],
    [invalidValue("a", { b: 1, a: [2] }, "bad"), 'a: Invalid value: {"a":[2],"b":1}: bad'],
    [invalidValue("a", undefined, "bad"), "a: Invalid value: null: bad"],
    [notSupported("a", "x", ["Always"]), 'a: Unsupported value: "x": supported values: "Always"'],
    [notSupported("a", "x", ["A", "B"]), 'a: Unsupported value: "x": supported values: "A", "B"'],
    [notSupported("a", "x", []), 'a: Unsupported value: "x"'],
    [forbiddenField("a", "no"), "a: Forbidden: no"],
    [duplicateValue("a", "x"), 'a: Duplicate value: "x"'],
    [tooLong("a", 63), "a: Too long: may not be more than 63 bytes"],
    [tooMany("a", 5, 3), "a: Too many: 5: must have at most 3 items"],
    [notFoundValue("a", "x"), 'a: Not found: "x"'],
    [required(""), "<nil>: Required value"],
  ])("%j", (error, text) => {
    expect(fieldErrorMessage(error)).toBe(text);
  });

  it("joins", () => {
    expect(joinFieldErrors([])).toBe("");
    expect(joinFieldErrors([required("a"), required("a")])).toBe("a: Required value");
    expect(joinFieldErrors([required("a"), required("b")])).toBe("[a: Required value, b: Required value]");
  });

  it("builds paths", () => {
    expect(childPath("spec", "template", "spec")).toBe("spec.template.spec");
    expect(childPath("", "spec")).toBe("spec");
    expect(indexPath("a", 2)).toBe("a[2]");
    expect(keyPath("metadata.labels", "a/b")).toBe("metadata.labels[a/b]");
  });

  it("quotes as Go does", () => {
    expect(goQuote('a"\\\n\t\u0001é日\u200b\u{1f600}')).toBe('"a\\"\\\\\\n\\t\\x01é日\\u200b😀"');
  });
});
