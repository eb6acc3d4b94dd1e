/**
 * OpenAPI v3 documents of the served group versions: schemas with descriptions, and just enough of each operation for
 * kubectl (validation by the server, patch by schema, explain).
 * Not here: the endpoint, hashes and caching (apiserver/discovery/openapi.ts).
 */
import {
  type Field,
  type ObjectSchema,
  resolveSchema,
  type Schema,
  type SchemaTable,
} from "../machinery/index.ts";
import { describe } from "./generated/descriptions.gen.ts";
import type { Kind } from "./parts/kinds.ts";
import { requiredFields, schemas } from "./schemas.ts";

type Json = Record<string, unknown>;

const apimachinery = "io.k8s.apimachinery.pkg";

/** A kind, and where its schema stands; absent means among those of the built-in kinds. */
export interface DocumentedKind {
  readonly kind: Kind;
  readonly schemas?: SchemaTable;
  /** By type, or type and field. */
  readonly descriptions?: Readonly<Record<string, string>>;
}

/** `core.v1.Pod` → `io.k8s.api.core.v1.Pod`; the names of other types are complete. */
function componentName(schema: string): string {
  if (!Object.hasOwn(schemas, schema)) return schema;
  return schema.startsWith("meta.v1.") ? `${apimachinery}.apis.${schema}` : `io.k8s.api.${schema}`;
}

const scalarComponents: Readonly<Record<string, string>> = {
  quantity: `${apimachinery}.api.resource.Quantity`,
  intOrString: `${apimachinery}.util.intstr.IntOrString`,
  time: `${apimachinery}.apis.meta.v1.Time`,
  microTime: `${apimachinery}.apis.meta.v1.MicroTime`,
  raw: `${apimachinery}.apis.meta.v1.FieldsV1`,
  rawText: `${apimachinery}.runtime.RawExtension`,
};

const scalarSchemas: Readonly<Record<string, Json>> = {
  quantity: {
    description: "A number with a suffix: m for thousandths, k, M, G, T, P, E, or Ki, Mi, Gi, Ti, Pi, Ei.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
  intOrString: {
    description: "A number, or a text such as a name or a percentage.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
  time: { description: "A time in RFC 3339, whole seconds.", format: "date-time", type: "string" },
  microTime: { description: "A time in RFC 3339 with microseconds.", format: "date-time", type: "string" },
  raw: { description: "The set of fields that a manager owns.", type: "object" },
  rawText: { description: "Any JSON object, kept as it is.", type: "object" },
};

const commonDescriptions: Readonly<Record<string, string>> = {
  apiVersion:
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
  kind: "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
  metadata:
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
};

class Components {
  readonly schemas: Json = {};
  readonly #gvks: ReadonlyMap<string, readonly Json[]>;
  readonly #texts: Readonly<Record<string, string>>;
  #table: SchemaTable = schemas;

  constructor(gvks: ReadonlyMap<string, readonly Json[]>, texts: Readonly<Record<string, string>>) {
    this.#gvks = gvks;
    this.#texts = texts;
  }

  /** Adds the type of a kind and all that it refers to. */
  addKind({ kind, schemas: table = schemas }: DocumentedKind): void {
    this.#table = table;
    this.#add(kind.schema);
  }

  #add(name: string): void {
    const component = componentName(name);
    if (Object.hasOwn(this.schemas, component)) return;
    const schema = resolveSchema(this.#table, { type: "ref", name });
    if (schema.type !== "object") return;
    const made: Json = { type: "object" };
    // The component stands in its place before its fields are followed, because a type may refer to itself.
    this.schemas[component] = made;
    const description = this.#texts[name];
    if (description !== undefined) made["description"] = description;
    made["properties"] = this.#properties(name, schema);
    const required = Object.hasOwn(schemas, name) ? requiredFields[name] : requiredKeysOf(schema);
    if (required !== undefined) made["required"] = required;
    if (schema.mapType !== undefined) made["x-kubernetes-map-type"] = schema.mapType;
    const gvks = this.#gvks.get(name);
    if (gvks !== undefined) made["x-kubernetes-group-version-kind"] = gvks;
  }

  #properties(name: string, schema: ObjectSchema): Json {
    const properties: Json = {};
    for (const [field, entry] of Object.entries(schema.fields)) {
      const property = this.#field(entry);
      const description =
        this.#texts[`${name}.${field}`] ?? (this.#gvks.has(name) ? commonDescriptions[field] : undefined);
      if (description !== undefined) property["description"] = description;
      properties[field] = property;
    }
    return properties;
  }

  #field(field: Field): Json {
    const schema = this.#schema(field.schema);
    const made: Json = "$ref" in schema ? { allOf: [schema] } : { ...schema };
    const { patchStrategy, patchMergeKey, listType, listMapKeys, mapType } = field;
    if (field.default !== undefined) made["default"] = field.default;
    if (patchStrategy !== undefined && patchStrategy !== "replace") {
      made["x-kubernetes-patch-strategy"] = patchStrategy;
    }
    if (patchMergeKey !== undefined) made["x-kubernetes-patch-merge-key"] = patchMergeKey;
    if (listType !== undefined) made["x-kubernetes-list-type"] = listType;
    if (listMapKeys !== undefined) made["x-kubernetes-list-map-keys"] = listMapKeys;
    if (mapType !== undefined) made["x-kubernetes-map-type"] = mapType;
    return made;
  }

  #schema(schema: Schema): Json {
    switch (schema.type) {
      case "ref":
        this.#add(schema.name);
        return { $ref: `#/components/schemas/${componentName(schema.name)}` };
      case "array":
        return { type: "array", items: this.#schema(schema.of) };
      case "map":
        return { type: "object", additionalProperties: this.#schema(schema.of) };
      case "integer":
        return { type: "integer", format: schema.bits === 32 ? "int32" : "int64" };
      case "number":
        return { type: "number", format: "double" };
      case "bytes":
        return { type: "string", format: "byte" };
      case "string":
      case "boolean":
        return { type: schema.type };
      case "object":
        return { type: "object" };
      default: {
        const component = scalarComponents[schema.type] ?? "";
        this.schemas[component] = scalarSchemas[schema.type];
        return { $ref: `#/components/schemas/${component}` };
      }
    }
  }
}

const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
] as const;

const writeParameters: readonly Json[] = ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
  name,
  in: "query",
  schema: { type: "string", uniqueItems: true },
}));
const patchParameters: readonly Json[] = [
  ...writeParameters,
  { name: "force", in: "query", schema: { type: "boolean", uniqueItems: true } },
];

interface Operation {
  readonly action: string;
  readonly gvk: Json;
  readonly reference: Json;
}

function operation({ action, gvk, reference }: Operation): Json {
  const content = { "application/json": { schema: reference } };
  const made: Json = {
    responses: { "200": { description: "OK", content } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
  };
  if (action === "patch") {
    const patchContent = Object.fromEntries(patchTypes.map((type) => [type, { schema: { type: "object" } }]));
    return { ...made, parameters: patchParameters, requestBody: { content: patchContent, required: true } };
  }
  if (action !== "post" && action !== "put") return made;
  return {
    ...made,
    parameters: writeParameters,
    requestBody: { content: { "*/*": { schema: reference } }, required: true },
  };
}

const objectActions: readonly (readonly [verb: string, method: string, action: string])[] = [
  ["get", "get", "get"],
  ["update", "put", "put"],
  ["patch", "patch", "patch"],
  ["delete", "delete", "delete"],
];
const collectionActions: readonly (readonly [verb: string, method: string, action: string])[] = [
  ["list", "get", "list"],
  ["create", "post", "post"],
  ["deletecollection", "delete", "deletecollection"],
];

function pathsOf(kind: Kind): Json {
  const { group, version, resource, namespaced } = kind.resource;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${root}${namespaced ? "/namespaces/{namespace}" : ""}/${resource}`;
  const gvk = { group, version, kind: kind.resource.kind };
  const reference = { $ref: `#/components/schemas/${componentName(kind.schema)}` };
  const item = (actions: typeof objectActions): Json =>
    Object.fromEntries(
      actions
        .filter(([verb]) => kind.verbs.includes(verb))
        .map(([, method, action]) => [method, operation({ action, gvk, reference })]),
    );
  const paths: Json = { [collection]: item(collectionActions) };
  const object = item(objectActions);
  if (Object.keys(object).length > 0) paths[`${collection}/{name}`] = object;
  return paths;
}

function requiredKeysOf({ fields }: ObjectSchema): readonly string[] | undefined {
  const required = Object.keys(fields).filter((name) => fields[name]?.required === true);
  return required.length === 0 ? undefined : required;
}

/**
 * The document of one group version, of which `own` is all that is served. Each call makes it anew, in a few milliseconds, so
 * callers keep it.
 */
export function openApiDocument(own: readonly DocumentedKind[]): object {
  const gvks = new Map(
    own.map(({ kind: { schema, resource } }) => {
      const { group, version, kind } = resource;
      return [schema, [{ group, version, kind }]] as const;
    }),
  );
  const components = new Components(gvks, Object.assign(describe(), ...own.map((one) => one.descriptions)));
  const paths: Json = {};
  for (const documented of own) {
    components.addKind(documented);
    Object.assign(paths, pathsOf(documented.kind));
  }
  const sorted = (entries: Json): Json =>
    Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.35.0" },
    paths: sorted(paths),
    components: { schemas: sorted(components.schemas) },
  };
}
