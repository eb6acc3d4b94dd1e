/** Leases: what is valid, and the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, errorsOf, metadata, withPath } from "../../testing/kind-fixtures.ts";

const schema = "coordination.v1.Lease";
const input = { metadata, spec: { leaseDurationSeconds: 40 } };

test("valid", () => expect(errorsOf(schema, input)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  ["spec.leaseDurationSeconds", 0, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]],
  [
    "spec.leaseTransitions",
    -1,
    ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"],
  ],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(input, path, value))).toEqual(errors);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Holder", "Age"], []]);
});

test("cells", () => {
  expect(cellsOf(schema, { spec: { holderIdentity: "me" } })).toMatchObject({ Holder: "me" });
});
