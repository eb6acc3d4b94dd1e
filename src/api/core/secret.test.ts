/** Secrets: stringData, what each type needs, what may change, and the row. */
import { expect, test } from "vitest";
import {
  cellsOf,
  columnsOf,
  created,
  errorsOf,
  metadata,
  updateErrorsOf,
  withPath,
} from "../../testing/kind-fixtures.ts";
import type { Secret } from "../generated/types.gen.ts";

const schema = "core.v1.Secret";
const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const frozen = "Forbidden: field is immutable when `immutable` is set";
const secret = { metadata, stringData: { a: "b" } };

test("valid", () => expect(errorsOf(schema, secret)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  ["stringData", { "a b": "c" }, [`data[a b]: Invalid value: "a b": ${keyText}`]],
  ["stringData", { a: "x".repeat(1_048_577) }, ["data: Too long: may not be more than 1048576 bytes"]],
  ["type", "kubernetes.io/tls", ["data[tls.crt]: Required value", "data[tls.key]: Required value"]],
  ["type", "kubernetes.io/dockerconfigjson", ["data[.dockerconfigjson]: Required value"]],
  ["type", "kubernetes.io/basic-auth", ["data[username]: Required value", "data[password]: Required value"]],
  [
    "type",
    "kubernetes.io/service-account-token",
    ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
  ],
  ["type", "constructor", []],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(secret, path, value))).toEqual(errors);
});

test("the type never changes, an immutable one not at all", () => {
  expect(updateErrorsOf(schema, { ...secret, type: "x/y" }, secret)).toEqual([
    'type: Invalid value: "x/y": field is immutable',
  ]);
  const before = { ...secret, immutable: true };
  expect(updateErrorsOf(schema, { ...before, stringData: { a: "c" } }, before)).toEqual([`data: ${frozen}`]);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Type", "Data", "Age"], []]);
});

test("cells", () => {
  expect(cellsOf(schema, { type: "Opaque", data: { a: "" } })).toMatchObject({ Type: "Opaque", Data: 1 });
});

test("secrets take in stringData", () => {
  const input = {
    metadata,
    data: { a: "eA==", b: "eQ==" },
    stringData: JSON.parse('{"a":"é","c":"","d":"abc","__proto__":"x"}') as object,
  };
  const secret = created<Secret>(schema, input);
  expect(Object.entries(secret.data ?? {})).toEqual([
    ["a", "w6k="],
    ["b", "eQ=="],
    ["c", ""],
    ["d", "YWJj"],
    ["__proto__", "eA=="],
  ]);
  expect(secret).toMatchObject({ type: "Opaque" });
  expect(secret.stringData).toBeUndefined();
});
