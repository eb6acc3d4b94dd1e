/** Namespaces: what the server sets and keeps, how the phase may move, and the row. */
import { expect, test } from "vitest";
import {
  cellsOf,
  columnsOf,
  created,
  decoded,
  kindOf,
  textsOf,
  updated,
} from "../../testing/kind-fixtures.ts";
import type { Namespace } from "../generated/types.gen.ts";

const schema = "core.v1.Namespace";

test("namespaces are active, labelled with their name, and hold themselves", () => {
  const namespace = created<Namespace>(schema, {
    metadata: { name: "n" },
    status: { phase: "Terminating" },
  });
  expect(namespace).toMatchObject({
    metadata: { labels: { "kubernetes.io/metadata.name": "n" } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
  const changed = updated<Namespace>(schema, { metadata: { name: "n" } }, namespace);
  expect(changed.spec.finalizers).toEqual(["kubernetes"]);
});

test.each<[string, string | undefined, string[]]>([
  ["Active", undefined, []],
  ["Terminating", "2026-01-01T00:00:00Z", []],
  [
    "Terminating",
    undefined,
    ["status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"],
  ],
  [
    "Active",
    "2026-01-01T00:00:00Z",
    [
      "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty",
    ],
  ],
])("namespace phase %s, deleted %s", (phase, deletionTimestamp, errors) => {
  const input = {
    metadata: { name: "n", ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    status: { phase },
  };
  const object = decoded<Namespace>(schema, input);
  expect(textsOf(kindOf(schema).rules.validateStatusUpdate?.(object, object))).toEqual(errors);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Status", "Age"], []]);
});

test("cells", () => {
  expect(cellsOf(schema, { status: { phase: "Active" } })).toMatchObject({ Status: "Active" });
  expect(cellsOf(schema, { metadata: { name: "n" } })).toMatchObject({ Age: "<unknown>" });
});
