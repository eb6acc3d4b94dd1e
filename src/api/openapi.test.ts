/** What kubectl looks for in a document (docs/spec/api-server.md#3). */
import { describe, expect, test } from "vitest";
import type { Field, Schema, SchemaTable } from "../machinery/index.ts";
import { kinds } from "./kind-table.ts";
import { openApiDocument } from "./openapi.ts";
import { defineKind } from "./parts/define-kind.ts";
import { schemas } from "./schemas.ts";

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Component>> };
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: object };
  readonly "x-kubernetes-group-version-kind": object;
}
interface Component {
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, object>>;
}

const documentOf = (group: string): Document => {
  const own = kinds.filter(({ resource }) => resource.group === group);
  return openApiDocument(own.map((kind) => ({ kind }))) as Document;
};

describe("apps/v1", () => {
  const document = documentOf("apps");
  const gvk = { group: "apps", version: "v1", kind: "DaemonSet" };

  test("says that the server validates fields and takes strategic merge patches", () => {
    const patch = document.paths["/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}"]?.["patch"];
    expect(patch?.["x-kubernetes-group-version-kind"]).toEqual(gvk);
    for (const name of ["fieldValidation", "dryRun"]) {
      expect(patch?.parameters).toContainEqual(expect.objectContaining({ name, in: "query" }));
    }
    expect(Object.keys(patch?.requestBody?.content ?? {})).toContain(
      "application/strategic-merge-patch+json",
    );
  });

  test("has the schema under the kind's name, with descriptions, merge keys and required fields", () => {
    const found = document.components.schemas;
    expect(found["io.k8s.api.apps.v1.DaemonSet"]).toMatchObject({
      description: "DaemonSet represents the configuration of a daemon set.",
      "x-kubernetes-group-version-kind": [gvk],
      properties: {
        spec: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DaemonSetSpec" }] },
      },
    });
    expect(found["io.k8s.api.apps.v1.DaemonSetSpec"]?.required).toEqual(["selector", "template"]);
    expect(found["io.k8s.api.core.v1.PodSpec"]?.properties?.["containers"]).toMatchObject({
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-list-type": "map",
    });
  });
});

test("every reference of every document is answered in it, and every property of our kinds' specs is described", () => {
  for (const group of new Set(kinds.map((kind) => kind.resource.group))) {
    const document = documentOf(group);
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(document.components.schemas).toHaveProperty([name ?? ""]);
    }
  }
  const described =
    documentOf("apps").components.schemas["io.k8s.api.apps.v1.DaemonSetSpec"]?.properties ?? {};
  for (const property of Object.values(described)) expect(property).toHaveProperty("description");
});

test("create-only kinds have no other operations", () => {
  const { paths } = documentOf("");
  expect(Object.keys(paths["/api/v1/namespaces/{namespace}/bindings"] ?? {})).toEqual(["post"]);
  expect(paths["/api/v1/namespaces/{namespace}/bindings/{name}"]).toBeUndefined();
  expect(Object.keys(paths["/api/v1/namespaces"] ?? {})).toEqual(["get", "post"]);
});

test("a kind may bring its own schema and descriptions, which may use the types of the built-in kinds", () => {
  const string: Schema = { type: "string" };
  const required: Field = { schema: string, required: true };
  const own: SchemaTable = {
    "com.example.v1.Widget": {
      type: "object",
      fields: {
        metadata: { schema: { type: "ref", name: "meta.v1.ObjectMeta" } },
        colour: required,
        parts: { schema: { type: "array", of: { type: "ref", name: "com.example.v1.Part" } } },
      },
    },
    "com.example.v1.Part": { type: "object", fields: { name: { schema: string } } },
  };
  const resource = {
    group: "example.com",
    version: "v1",
    resource: "widgets",
    kind: "Widget",
    namespaced: true,
  };
  const document = openApiDocument([
    {
      kind: defineKind({ resource, schema: "com.example.v1.Widget" }),
      schemas: { ...schemas, ...own },
      descriptions: { "com.example.v1.Widget": "A widget.", "com.example.v1.Widget.colour": "Its colour." },
    },
  ]) as Document;
  expect(document.paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]).toHaveProperty("get");
  expect(document.components.schemas["com.example.v1.Widget"]).toMatchObject({
    description: "A widget.",
    required: ["colour"],
    properties: {
      metadata: { allOf: [{ $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }] },
      colour: { type: "string", description: "Its colour." },
      parts: { items: { $ref: "#/components/schemas/com.example.v1.Part" } },
    },
    "x-kubernetes-group-version-kind": [{ group: "example.com", version: "v1", kind: "Widget" }],
  });
  expect(document.components.schemas).toHaveProperty(["com.example.v1.Part"]);
  expect(document.components.schemas).toHaveProperty(["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]);
});
