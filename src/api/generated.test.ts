/** What is generated is what the generator makes; the tables fit together. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { decodeObject, type Field, type Schema } from "../machinery/index.ts";
import { kinds } from "./kind-table.ts";
import { requiredFields, schemas } from "./schemas.ts";

test("the committed files are what the generator makes", async () => {
  const run = promisify(execFile)(process.execPath, ["scripts/generate-api/generate.mjs", "--check"]);
  await expect(run).resolves.toMatchObject({ stderr: "" });
});

function refsOf(schema: Schema): string[] {
  switch (schema.type) {
    case "ref":
      return [schema.name];
    case "array":
    case "map":
      return refsOf(schema.of);
    case "object":
      return Object.values(schema.fields).flatMap((field) => refsOf(field.schema));
    default:
      return [];
  }
}

test("every reference of the table leads somewhere, and every kind has a schema", () => {
  const missing = Object.values(schemas)
    .flatMap(refsOf)
    .concat(kinds.map((kind) => kind.schema))
    .filter((name) => schemas[name] === undefined);
  expect(missing).toEqual([]);
  for (const [name, fields] of Object.entries(requiredFields)) {
    const schema = schemas[name];
    expect(schema?.type).toBe("object");
    if (schema?.type === "object")
      expect(Object.keys(schema.fields)).toEqual(expect.arrayContaining([...fields]));
  }
});

function fieldOf(schema: string, field: string): Field | undefined {
  const found = schemas[schema];
  return found?.type === "object" ? found.fields[field] : undefined;
}

test.each<[string, string, Partial<Field>]>([
  ["core.v1.PodSpec", "containers", { patchStrategy: "merge", patchMergeKey: "name", listMapKeys: ["name"] }],
  [
    "core.v1.PodSpec",
    "volumes",
    { patchStrategy: "merge,retainKeys", patchMergeKey: "name", listType: "map" },
  ],
  ["core.v1.PodSpec", "tolerations", { listType: "atomic" }],
  ["core.v1.PodSpec", "nodeSelector", { mapType: "atomic" }],
  ["core.v1.PodSpec", "terminationGracePeriodSeconds", { pointer: true }],
  [
    "core.v1.Container",
    "ports",
    { listMapKeys: ["containerPort", "protocol"], patchMergeKey: "containerPort" },
  ],
  ["core.v1.Container", "resources", { required: true }],
  ["core.v1.ContainerPort", "protocol", { default: "TCP" }],
  ["meta.v1.ObjectMeta", "finalizers", { patchStrategy: "merge", listType: "set" }],
  ["core.v1.SecretVolumeSource", "optional", { pointer: true }],
  ["core.v1.EphemeralContainer", "restartPolicy", { pointer: true }],
  ["apps.v1.ControllerRevision", "data", { schema: { type: "rawText" } }],
  ["core.v1.ResourceRequirements", "limits", { schema: { type: "map", of: { type: "quantity" } } }],
  ["core.v1.Secret", "data", { schema: { type: "map", of: { type: "bytes" } } }],
  ["coordination.v1.LeaseSpec", "renewTime", { schema: { type: "microTime" } }],
])("%s.%s", (schema, field, expected) => {
  expect(fieldOf(schema, field)).toMatchObject(expected);
});

test("names of the language are unknown fields", () => {
  const input: unknown = JSON.parse(
    '{"metadata":{},"spec":{"containers":[],"constructor":1,"__proto__":{"a":1}}}',
  );
  const { unknown } = decodeObject({ table: schemas, name: "core.v1.Pod" }, input);
  expect([...unknown].sort()).toEqual(["spec.__proto__", "spec.constructor"]);
});
