/**
 * What a template means, whoever printed it: two texts of one template differ in what Go's encoder leaves out when it is
 * empty, in spellings of quantities and in the order of keys (docs/spec/daemonset-controller.md#20). Pure.
 *
 *   absent ≡ null            everywhere
 *   absent ≡ "", 0, false    unless upstream holds a pointer
 *   absent ≡ [], empty map   everywhere
 *   absent ≡ {}              for a struct that Go always writes (`resources`); behind a pointer `{}` has a meaning
 *                            (`namespaceSelector: {}` is all namespaces)
 *
 * Fields that the schema does not know, of a newer server, count as they stand.
 */
import { schemas } from "../../api/index.ts";
import {
  canonicalJson,
  canonicalQuantity,
  type Field,
  type ObjectSchema,
  RawJson,
  resolveSchema,
  type Schema,
} from "../../machinery/index.ts";

type Members = Readonly<Record<string, unknown>>;

const daemonSet: Schema = { type: "ref", name: "apps.v1.DaemonSet" };

/** A text that is equal for `data` of revisions of equal meaning. */
export function comparableData(data: unknown): string {
  return canonicalJson(meaningOf(data instanceof RawJson ? data.value() : data, daemonSet) ?? null);
}

/** Undefined for null. */
function meaningOf(value: unknown, schema: Schema): unknown {
  if (value === null || value === undefined) return undefined;
  const resolved = resolveSchema(schemas, schema);
  switch (resolved.type) {
    case "object":
      return isMembers(value) ? structMeaning(value, resolved) : value;
    case "map":
      return isMembers(value) ? mapMeaning(value, resolved.of) : value;
    case "array":
      return Array.isArray(value) ? value.map((item) => meaningOf(item, resolved.of) ?? null) : value;
    case "quantity":
      // A text that is no quantity is equal only to itself.
      return canonicalQuantity(String(value)) ?? value;
    default:
      return value;
  }
}

function structMeaning(value: Members, { fields }: ObjectSchema): Members {
  const kept: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const meaning = field === undefined ? (member ?? undefined) : meaningOf(member, field.schema);
    if (meaning === undefined || (field !== undefined && meansAbsent(meaning, field))) continue;
    kept[name] = meaning;
  }
  return kept;
}

function mapMeaning(value: Members, of: Schema): Members {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, meaningOf(member, of) ?? null]),
  );
}

function meansAbsent(meaning: unknown, { schema, required = false, pointer = false }: Field): boolean {
  if (Array.isArray(meaning)) return meaning.length === 0;
  if (!isMembers(meaning)) return !pointer && (meaning === "" || meaning === 0 || meaning === false);
  if (Object.keys(meaning).length > 0) return false;
  // The table marks structs that Go holds by value as required, and every other struct is behind a pointer.
  return resolveSchema(schemas, schema).type === "map" || (required && !pointer);
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
