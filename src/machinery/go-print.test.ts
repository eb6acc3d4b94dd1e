/** Values of JSON as Go prints them. */
import { expect, test } from "vitest";
import { goPrint, goPrintText, goTypeOf } from "./go-print.ts";

test.each([
  ["a b", "a b", "a b", "string"],
  [5, "5", "%!s(int64=5)", "int64"],
  [1.5, "1.5", "%!s(float64=1.5)", "float64"],
  [true, "true", "%!s(bool=true)", "bool"],
  [null, "<nil>", "%!s(<nil>)", "<nil>"],
  [["a", 1, null], "[a 1 <nil>]", "%!s([]interface {}=[a 1 <nil>])", "[]interface {}"],
  [
    { b: { c: [] }, a: "x", "": undefined },
    "map[a:x b:map[c:[]]]",
    "%!s(map[string]interface {}=map[a:x b:map[c:[]]])",
    "map[string]interface {}",
  ],
])("%j", (value, printed, asText, type) => {
  expect([goPrint(value), goPrintText(value), goTypeOf(value)]).toEqual([printed, asText, type]);
});
