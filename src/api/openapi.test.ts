/** What kubectl looks for in a document (docs/spec/api-server.md#3). */
import { describe, expect, test } from "vitest";
import { kinds } from "./kind-table.ts";
import { openApiDocument } from "./openapi.ts";

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

const documentOf = (group: string, version = "v1"): Document => openApiDocument(group, version) as Document;

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
    const { schemas } = document.components;
    expect(schemas["io.k8s.api.apps.v1.DaemonSet"]).toMatchObject({
      description: "DaemonSet represents the configuration of a daemon set.",
      "x-kubernetes-group-version-kind": [gvk],
      properties: {
        spec: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DaemonSetSpec" }] },
      },
    });
    expect(schemas["io.k8s.api.apps.v1.DaemonSetSpec"]?.required).toEqual(["selector", "template"]);
    expect(schemas["io.k8s.api.core.v1.PodSpec"]?.properties?.["containers"]).toMatchObject({
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

test("create-only kinds have no other operations; unknown groups have no document", () => {
  const { paths } = documentOf("");
  expect(Object.keys(paths["/api/v1/namespaces/{namespace}/bindings"] ?? {})).toEqual(["post"]);
  expect(paths["/api/v1/namespaces/{namespace}/bindings/{name}"]).toBeUndefined();
  expect(Object.keys(paths["/api/v1/namespaces"] ?? {})).toEqual(["get", "post"]);
  expect(openApiDocument("nobody.example", "v1")).toBeUndefined();
});
