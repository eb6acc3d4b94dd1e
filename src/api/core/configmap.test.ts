/** ConfigMaps: what is valid, what `immutable` promises, and the row. */
import { expect, test } from "vitest";
import {
  cellsOf,
  columnsOf,
  errorsOf,
  metadata,
  updateErrorsOf,
  withPath,
} from "../../testing/kind-fixtures.ts";

const schema = "core.v1.ConfigMap";
const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const frozen = "Forbidden: field is immutable when `immutable` is set";
const configMap = { metadata, data: { a: "b" } };

test("valid", () => expect(errorsOf(schema, configMap)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  ["data", { "a b": "c" }, [`data[a b]: Invalid value: "a b": ${keyText}`]],
  ["data", { "..": "c" }, ["data[..]: Invalid value: \"..\": must not be '..'"]],
  ["binaryData", { a: "YQ==" }, ['data[a]: Invalid value: "a": duplicate of key present in binaryData']],
  ["data", { a: "x".repeat(1_048_576) }, []],
  ["data", { a: "x".repeat(1_048_577) }, ["[]: Too long: may not be more than 1048576 bytes"]],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(configMap, path, value))).toEqual(errors);
});

test("an immutable one stays as it is", () => {
  const before = { ...configMap, immutable: true };
  expect(updateErrorsOf(schema, before, configMap)).toEqual([]);
  expect(updateErrorsOf(schema, { ...configMap, data: { a: "c" }, immutable: false }, before)).toEqual([
    `immutable: ${frozen}`,
    `data: ${frozen}`,
  ]);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Data", "Age"], []]);
});

test("cells", () => {
  expect(cellsOf(schema, { data: { a: "", b: "" }, binaryData: { c: "" } })).toMatchObject({ Data: 3 });
});
