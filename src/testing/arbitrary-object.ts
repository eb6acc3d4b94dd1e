/**
 * Arbitrary objects of a type in the schema table, with values that are likely to matter. For property tests only.
 */
import fc from "fast-check";
import { schemas } from "../api/index.ts";
import { resolveSchema, type Schema } from "../machinery/index.ts";

/** Fields of any sort and depth; some members are undefined, some null. */
export function arbitraryObject(schemaName: string): fc.Arbitrary<object> {
  return arbitraryOf({ type: "ref", name: schemaName }, 0) as fc.Arbitrary<object>;
}

/** Objects deeper than this are left empty. */
const depthMax = 7;

const words = [
  "",
  "a",
  "A b",
  "Always",
  "Never",
  "None",
  "In",
  "Exists",
  "Equal",
  "NoExecute",
  "metadata.name",
  "RollingUpdate",
  "10%",
  "constructor",
  "__proto__",
  "10.0.0.1",
  "/a",
  "..",
  "é",
];
const text = fc.constantFrom(...words);

function arbitraryOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const plain = resolveSchema(schemas, schema);
  switch (plain.type) {
    case "string":
      return text;
    case "integer":
      return fc.constantFrom(-1, 0, 1, 2, 80, 70_000, 2_147_483_647);
    case "number":
      return fc.constantFrom(0, 1.5);
    case "boolean":
      return fc.boolean();
    case "bytes":
      return fc.constantFrom("", "YQ==");
    case "quantity":
      return fc.constantFrom("0", "1", "-1", "100m", "1Gi", "1.5");
    case "intOrString":
      return fc.constantFrom<unknown>(0, 1, -1, "10%", "http", "0%", "200%");
    case "time":
    case "microTime":
      return fc.constantFrom("2026-01-01T00:00:00Z", null);
    case "raw":
    case "rawText":
      return fc.constantFrom<unknown>({}, { a: 1 });
    case "array":
      return depth >= depthMax
        ? fc.constant([])
        : fc.array(arbitraryOf(plain.of, depth + 1), { maxLength: 2 });
    case "map":
      return fc.dictionary(text, arbitraryOf(plain.of, depth + 1), { maxKeys: 2 });
    case "object":
      return depth >= depthMax ? fc.constant({}) : objectOf(plain.fields, depth);
  }
}

/** Each field is present with a probability that falls with depth; otherwise wide types would grow without end. */
function objectOf(
  fields: Readonly<Record<string, { readonly schema: Schema }>>,
  depth: number,
): fc.Arbitrary<object> {
  const weight = depth < 3 ? 3 : 1;
  const entries = Object.entries(fields).map(([name, field]) => [
    name,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      { weight, arbitrary: fc.constant(null).chain(() => arbitraryOf(field.schema, depth + 1)) },
    ),
  ]);
  return fc.record(Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>);
}
