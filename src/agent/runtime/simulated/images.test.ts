/** Which images a simulated runtime can pull. */
import { expect, test } from "vitest";
import { pullErrorOf } from "./images.ts";

test("images from hosts that end in .invalid cannot be pulled", () => {
  expect(pullErrorOf("registry.invalid/web:1")).toContain("lookup registry.invalid: no such host");
  expect(pullErrorOf("registry.invalid:5000/web:1")).toBeDefined();
  expect(pullErrorOf("httpd:2.4")).toBeUndefined();
  expect(pullErrorOf("example.test/invalid:1")).toBeUndefined();
});
