/** Service accounts that a namespace lacks. */
import { expect, test } from "vitest";
import { plan } from "./plan.ts";

const metadata = { name: "n" };

test("what is missing is created, in active namespaces only", () => {
  const missing = (
    namespace: Parameters<typeof plan>[0]["namespace"],
    ...present: string[]
  ): (string | undefined)[] =>
    plan({ namespace, wanted: ["default", "builder"], has: (name) => present.includes(name) }).map(
      (account) => account.metadata.name,
    );
  expect(missing({ metadata, spec: {} })).toEqual(["default", "builder"]);
  expect(missing({ metadata, spec: {} }, "default")).toEqual(["builder"]);
  expect(missing(undefined)).toEqual([]);
  expect(missing({ metadata: { ...metadata, deletionTimestamp: "t" }, spec: {} })).toEqual([]);
  expect(missing({ metadata, spec: {}, status: { phase: "Terminating" } })).toEqual([]);
});
