/** ServiceAccounts: the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf } from "../../testing/kind-fixtures.ts";

const schema = "core.v1.ServiceAccount";

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Secrets", "Age"], []]);
});

test("cells", () => {
  expect(cellsOf(schema, { secrets: [{}, {}] })).toMatchObject({ Secrets: 2 });
});
