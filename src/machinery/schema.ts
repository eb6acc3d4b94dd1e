/**
 * API types at run time: which fields an object has, how Go would print them, how patches merge them.
 * The table itself is generated (api/generated). Not here: decoding (decode.ts), patching
 * (strategic-merge-patch.ts), defaults and validation (api/).
 */

/** `raw` is any JSON value, copied; `rawText` is any JSON value kept byte for byte as RawJson (ControllerRevision.data). */
export type ScalarType =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "bytes"
  | "quantity"
  | "intOrString"
  | "time"
  | "microTime"
  | "raw"
  | "rawText";

export interface ScalarSchema {
  readonly type: ScalarType;
  /** Only for integers: range check and the type's name in errors; absent means 64. */
  readonly bits?: 32 | 64;
}

export interface ObjectSchema {
  readonly type: "object";
  readonly fields: Readonly<Record<string, Field>>;
  /** Names of the fields with `required`; absent means that decoding looks for them each time. */
  readonly requiredKeys?: readonly string[];
  /** `x-kubernetes-map-type: atomic`: server-side apply owns it as a whole. */
  readonly mapType?: "atomic" | "granular";
}

export interface MapSchema {
  readonly type: "map";
  readonly of: Schema;
}

export interface ArraySchema {
  readonly type: "array";
  readonly of: Schema;
}

export interface RefSchema {
  readonly type: "ref";
  /** Key in the SchemaTable, e.g. `core.v1.PodSpec`; its last part is the Go type's name in errors. */
  readonly name: string;
}

export type Schema = ScalarSchema | ObjectSchema | MapSchema | ArraySchema | RefSchema;

export type PatchStrategy = "merge" | "replace" | "retainKeys" | "merge,retainKeys";

export interface Field {
  readonly schema: Schema;
  /**
   * Go has no effective omitempty: the field is always written. An absent scalar becomes its zero value, an absent
   * object `{}` with its own required fields; an absent pointer, list, map, time or raw value becomes `null`. Struct fields with omitempty (`resources` of a container) count as required.
   */
  readonly required?: boolean;
  /** A Go pointer: an explicit zero value is kept. Without it and without `required`, zero values are dropped. */
  readonly pointer?: boolean;
  /** Strategic merge patch; absent means replace for lists, merge for objects. */
  readonly patchStrategy?: PatchStrategy;
  readonly patchMergeKey?: string;
  /** Server-side apply; absent means: by patch strategy for lists, granular for maps. */
  readonly listType?: "atomic" | "set" | "map";
  readonly listMapKeys?: readonly string[];
  readonly mapType?: "atomic" | "granular";
  /** Schema default that completes associative keys (`protocol` = TCP). Decoding does not apply it. */
  readonly default?: string | number | boolean;
  /** Field number in protobuf; absent means that only JSON has the field. */
  readonly number?: number;
  /** On the wire the field lies in an embedded struct of this number, which JSON does not show. */
  readonly within?: number;
}

export type SchemaTable = Readonly<Record<string, Schema>>;

/** One type of a table. */
export interface SchemaType {
  readonly table: SchemaTable;
  /** Key in the table. */
  readonly name: string;
}

/** The schema behind references. @throws Error (a defect) when the table lacks the name. */
export function resolveSchema(table: SchemaTable, schema: Schema): Exclude<Schema, RefSchema> {
  let resolved = schema;
  while (resolved.type === "ref") {
    const next: Schema | undefined = table[resolved.name];
    if (next === undefined) throw new Error(`defect: schema table lacks ${resolved.name}`);
    resolved = next;
  }
  return resolved;
}

/** Whether lists in this field are merged element by element in a strategic merge patch. */
export function isMergeList(field: Field | undefined): boolean {
  return field?.patchStrategy === "merge" || field?.patchStrategy === "merge,retainKeys";
}
