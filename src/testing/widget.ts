/**
 * A kind that no table knows, in one file: what a test adds to a running server. It has all that a kind can have: a schema of its own, rules,
 * columns, a view, a connector, an index.
 * Not here: a kind of a real cluster.
 */
import { schemas } from "../api/index.ts";
import { defineKind } from "../api/parts/define-kind.ts";
import { admittedVerb, type ResourceDefinition } from "../apiserver/registry/definition.ts";
import {
  type Field,
  type KubeObject,
  notFound,
  notSupported,
  type Resource,
  type Schema,
  type SchemaTable,
} from "../machinery/index.ts";

export interface Widget extends KubeObject {
  readonly spec: { readonly colour: string; readonly size?: number };
  readonly status?: { readonly turns?: number };
}

export const widgets: Resource<Widget> = {
  group: "example.com",
  version: "v1",
  resource: "widgets",
  kind: "Widget",
  namespaced: true,
};

const schema = "com.example.v1.Widget";
const string: Schema = { type: "string" };
const integer: Schema = { type: "integer", bits: 32 };
const ref = (name: string): Schema => ({ type: "ref", name });
const object = (fields: Readonly<Record<string, Field>>): Schema => ({ type: "object", fields });

const ownSchemas: SchemaTable = {
  [schema]: object({
    apiVersion: { schema: string },
    kind: { schema: string },
    metadata: { schema: ref("meta.v1.ObjectMeta") },
    spec: { schema: ref("com.example.v1.WidgetSpec"), required: true },
    status: { schema: ref("com.example.v1.WidgetStatus") },
  }),
  "com.example.v1.WidgetSpec": object({
    colour: { schema: string, required: true },
    size: { schema: integer },
  }),
  "com.example.v1.WidgetStatus": object({ turns: { schema: integer } }),
};

const colours = ["blue", "red"];

const kind = defineKind<Widget>({
  resource: widgets,
  schema,
  shortNames: ["wd"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  subresources: [{ name: "turn", kind: "WidgetTurn", verbs: ["create"] }],
  rules: {
    setDefaults(widget) {
      widget.spec.size ??= 1;
    },
    prepareForCreate(widget) {
      delete widget.status;
    },
    validate: ({ spec }) =>
      colours.includes(spec.colour) ? [] : [notSupported("spec.colour", spec.colour, colours)],
    selectableFields: { "spec.colour": ({ spec }) => spec.colour },
    indexedField: "spec.colour",
  },
  table: {
    columns: [
      { name: "Name", type: "string", format: "name", description: "The name.", priority: 0 },
      { name: "Colour", type: "string", description: "Its colour.", priority: 0 },
    ],
    cells: ({ metadata, spec }) => [metadata.name ?? "", spec.colour],
  },
});

/** A stream that says how often it was asked to turn, and turns the widget so often. */
const turn = admittedVerb<{ times: number }>({
  operation: "CONNECT",
  read: ({ query }) => ({ times: Number(query.find(([name]) => name === "times")?.[1] ?? 1) }),
  async serve({ times }, { namespace, name, objects }) {
    const target = { name, ...(namespace === undefined ? {} : { namespace }) };
    if ((await objects.get(widgets, target)) === undefined) throw notFound(widgets, name);
    const text = Buffer.from(`turned ${times}\n`);
    return { status: 200, contentType: "text/plain", body: { as: "bytes", bytes: () => text } };
  },
});

export const widgetResource: ResourceDefinition = {
  kind,
  schemas: { ...schemas, ...ownSchemas },
  descriptions: { [schema]: "A widget for tests.", "com.example.v1.WidgetSpec.colour": "Blue or red." },
  subresources: { turn: { as: "connector", verbs: { create: turn } } },
};

/** Another version of the same resource: the shape is the same, under another apiVersion. */
export const widgetBetaResource: ResourceDefinition = {
  kind: {
    ...kind,
    resource: { ...widgets, version: "v1beta1" },
    storedAs: widgets,
    subresources: [],
    hasStatusSubresource: false,
  },
  schemas: { ...schemas, ...ownSchemas },
  shape: {
    shown: (stored) => ({ ...stored, apiVersion: "example.com/v1beta1" }),
    stored: (shown) => ({ ...shown, apiVersion: "example.com/v1" }),
  },
};

/** Without metadata but the name. */
export function widget(name: string, colour = "blue"): Widget {
  return { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec: { colour } };
}
