/** Which Node.js versions give a warning, and when. */
import { expect, test } from "vitest";
import { runtimeWarning } from "./runtime-age.ts";

test("a version past its end of life gives a warning, others do not", () => {
  expect(runtimeWarning("v20.19.0", Date.UTC(2026, 3, 30))).toBeUndefined();
  expect(runtimeWarning("v20.19.0", Date.UTC(2026, 4, 1))).toContain(
    "Node.js 20 has had no security fixes since 2026-04-30",
  );
  expect(runtimeWarning("v24.1.0", Date.UTC(2026, 10, 1))).toBeUndefined();
  expect(runtimeWarning("v99.0.0", Date.UTC(2030, 1, 1))).toBeUndefined();
});
