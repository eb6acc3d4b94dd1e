/** ReplicationControllers: defaults, and what is valid. */
import { expect, test } from "vitest";
import { created, decoded, errorsOf, metadata, withPath } from "../../testing/kind-fixtures.ts";
import type { ReplicationController } from "../generated/types.gen.ts";

const schema = "core.v1.ReplicationController";
const template = {
  metadata: { labels: { a: "b" } },
  spec: { containers: [{ name: "c", image: "i:1" }] },
};
const input = { metadata, spec: { template } };

test("selector and labels follow the template where they are empty", () => {
  const object = decoded<ReplicationController>(schema, input);
  expect(object.spec).toMatchObject({ replicas: 1, selector: { a: "b" } });
  expect(object.metadata.labels).toEqual({ a: "b" });
  const chosen = { metadata: { ...metadata, labels: { x: "y" } }, spec: { template, selector: { x: "y" } } };
  const kept = decoded<ReplicationController>(schema, chosen);
  expect([kept.spec.selector, kept.metadata.labels]).toEqual([{ x: "y" }, { x: "y" }]);
});

test("a template without labels gives no selector", () => {
  const unlabelled = withPath(input, "spec.template.metadata", undefined);
  expect(decoded<ReplicationController>(schema, unlabelled).spec).not.toHaveProperty("selector");
});

test.each<[string, unknown, string[]]>([
  ["spec.replicas", -1, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]],
  ["spec.template", undefined, ["spec.selector: Required value", "spec.template: Required value"]],
  ["spec.template.spec.containers", [], ["spec.template.spec.containers: Required value"]],
  [
    "spec.selector",
    { x: "y" },
    ['spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`'],
  ],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, input)).toEqual([]);
  expect(errorsOf(schema, withPath(input, path, value))).toEqual(errors);
});

test("the status of a client is dropped", () => {
  const { status } = created<ReplicationController>(schema, { ...input, status: { replicas: 7 } });
  expect(status).toEqual({ replicas: 0 });
});
