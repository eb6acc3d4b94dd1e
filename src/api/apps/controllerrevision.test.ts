/** ControllerRevisions: what is valid, what may change, and the row. */
import { expect, test } from "vitest";
import {
  cellsOf,
  columnsOf,
  errorsOf,
  hourOld,
  metadata,
  updateErrorsOf,
  withPath,
} from "../../testing/kind-fixtures.ts";

const schema = "apps.v1.ControllerRevision";
const revision = { metadata, data: { a: 1 }, revision: 1 };
test.each<[string, unknown, string[]]>([
  ["revision", 0, []],
  ["data", undefined, ["data: Required value: data is mandatory"]],
  ["revision", -1, ["revision: Invalid value: -1: must be greater than or equal to 0"]],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(revision, path, value))).toEqual(errors);
});
test("data never changes, the number may", () => {
  expect(updateErrorsOf(schema, { ...revision, revision: 2 }, revision)).toEqual([]);
  expect(updateErrorsOf(schema, { ...revision, data: { a: 2 } }, revision)).toEqual([
    'data: Invalid value: {"a":2}: field is immutable',
  ]);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Controller", "Revision", "Age"], []]);
});

test("cells", () => {
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "u", controller: true };
  expect(
    cellsOf(schema, {
      metadata: { ...hourOld, ownerReferences: [owner] },
      revision: 7,
    }),
  ).toMatchObject({ Controller: "daemonset.apps/agent", Revision: 7 });
  expect(cellsOf(schema, { revision: 1 })).toMatchObject({ Controller: "<none>" });
});
