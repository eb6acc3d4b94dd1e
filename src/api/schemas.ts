/**
 * The run-time schema table. The generated text is parsed once, at load.
 * Not here: decoding and patching with it (machinery), the notation (scripts/generate-api/write-schemas.mjs).
 */
import type { Field, ObjectSchema, ScalarSchema, Schema, SchemaTable } from "../machinery/index.ts";
import { schemaText } from "./generated/schemas.gen.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const scalars: Readonly<Record<string, ScalarSchema>> = {
  s: { type: "string" },
  i32: { type: "integer", bits: 32 },
  i64: { type: "integer", bits: 64 },
  n: { type: "number" },
  b: { type: "boolean" },
  bytes: { type: "bytes" },
  q: { type: "quantity" },
  ios: { type: "intOrString" },
  time: { type: "time" },
  mtime: { type: "microTime" },
  raw: { type: "raw" },
  rawText: { type: "rawText" },
};

function parseType(code: string): Schema {
  if (code.startsWith("[]")) return { type: "array", of: parseType(code.slice(2)) };
  if (code.startsWith("{}")) return { type: "map", of: parseType(code.slice(2)) };
  if (code.startsWith("@")) return { type: "ref", name: code.slice(1) };
  const scalar = scalars[code];
  if (scalar === undefined) throw new Error(`defect: schemas.gen.ts has an unknown type ${code}`);
  return scalar;
}

/** The number on the wire: `#3`, or `#2.3` for number 3 in the embedded struct that is number 2. */
function applyNumber(field: Mutable<Field>, address: string): void {
  const dot = address.indexOf(".");
  field.number = Number(address.slice(dot + 1));
  if (dot > 0) field.within = Number(address.slice(0, dot));
}

function applyFlag(field: Mutable<Field>, flag: string): void {
  if (flag.startsWith("#")) return applyNumber(field, flag.slice(1));
  const open = flag.indexOf("(");
  const name = open < 0 ? flag : flag.slice(0, open);
  const argument = open < 0 ? "" : flag.slice(open + 1, -1);
  if (name === "M" || name === "MK") {
    field.patchStrategy = name === "M" ? "merge" : "merge,retainKeys";
    if (argument !== "") field.patchMergeKey = argument;
  } else if (name === "R") field.patchStrategy = "replace";
  else if (name === "A") field.mapType = "atomic";
  else if (name === "D") field.default = argument;
  else if (name === "L" && argument.startsWith("map:")) {
    field.listType = "map";
    field.listMapKeys = argument.slice(4).split("+");
  } else if (argument === "set" || argument === "atomic") field.listType = argument;
  else throw new Error(`defect: schemas.gen.ts has an unknown flag ${flag}`);
}

interface ParsedField {
  readonly name: string;
  readonly field: Field;
  readonly isRequired: boolean;
}

function parseField(text: string): ParsedField {
  const [head = "", ...flags] = text.split(" ");
  const colon = head.indexOf(":");
  const marked = head.slice(0, colon);
  const name = marked.replace(/[*!?]+$/, "");
  const marks = marked.slice(name.length);
  const field: Mutable<Field> = { schema: parseType(head.slice(colon + 1)) };
  if (marks.includes("!")) field.required = true;
  if (marks.includes("?")) field.pointer = true;
  for (const flag of flags) applyFlag(field, flag);
  return { name, field, isRequired: marks.includes("*") };
}

interface Tables {
  readonly schemas: SchemaTable;
  readonly requiredFields: Readonly<Record<string, readonly string[]>>;
}

function parseTables(text: string): Tables {
  const table: Record<string, Schema> = Object.create(null) as Record<string, Schema>;
  const requiredFields: Record<string, readonly string[]> = {};
  for (const line of text.trim().split("\n")) {
    const equals = line.indexOf(" = ");
    const [name = "", atomic] = line.slice(0, equals).split(" ");
    // The object has no prototype, so a field called `constructor` in a request is not found.
    const fields: Record<string, Field> = Object.create(null) as Record<string, Field>;
    const body = line.slice(equals + 3);
    const parsed = body === "" ? [] : body.split("; ").map(parseField);
    for (const { name: fieldName, field } of parsed) fields[fieldName] = field;
    const requiredKeys = parsed.filter(({ field }) => field.required === true).map(({ name: key }) => key);
    const schema: Mutable<ObjectSchema> = { type: "object", fields, requiredKeys };
    if (atomic === "atomic") schema.mapType = "atomic";
    table[name] = schema;
    const required = parsed.filter((field) => field.isRequired).map((field) => field.name);
    if (required.length > 0) requiredFields[name] = required;
  }
  return { schemas: table, requiredFields };
}

const tables: Tables = parseTables(schemaText);

/** By schema name (`apps.v1.DaemonSet`). Constant. */
export const schemas: SchemaTable = tables.schemas;

/** The fields that OpenAPI calls required, by schema name. `Field.required` marks these and those that are always written. */
export const requiredFields: Readonly<Record<string, readonly string[]>> = tables.requiredFields;
