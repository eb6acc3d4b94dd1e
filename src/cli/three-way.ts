/**
 * The patch that `apply` sends: the manifest, and the removal of what the last manifest had and this one has not.
 * Upstream: kubectl's three-way strategic merge patch. Differs: the whole manifest is sent, so unchanged fields are sent too
 * (the server finds that nothing changes). No $setElementOrder is sent.
 */
import { type Field, isMergeList, resolveSchema, type Schema, type SchemaTable } from "../machinery/index.ts";

type Json = { readonly [key: string]: unknown };

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Strategic merge patch from `last` (may be undefined) to `wanted`. It leaves fields that neither has as they are. */
export function threeWayPatch(
  table: SchemaTable,
  schemaName: string,
  states: { readonly last: object | undefined; readonly wanted: object },
): object {
  return patchOf(
    table,
    { type: "ref", name: schemaName },
    { last: states.last as Json | undefined, wanted: states.wanted as Json },
  );
}

function patchOf(
  table: SchemaTable,
  schema: Schema | undefined,
  states: { readonly last: Json | undefined; readonly wanted: Json },
): Json {
  const resolved = schema === undefined ? undefined : resolveSchema(table, schema);
  const { last, wanted } = states;
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const field: Field | undefined = resolved?.type === "object" ? resolved.fields[key] : undefined;
    const inner = resolved?.type === "map" ? resolved.of : field?.schema;
    const before = last?.[key];
    if (isObject(value))
      patch[key] = patchOf(table, inner, { last: isObject(before) ? before : undefined, wanted: value });
    else if (Array.isArray(value))
      patch[key] = listPatch(table, field, { last: Array.isArray(before) ? before : [], wanted: value });
    else patch[key] = value;
  }
  for (const key of Object.keys(last ?? {})) if (!(key in wanted)) patch[key] = null;
  return patch;
}

function listPatch(
  table: SchemaTable,
  field: Field | undefined,
  states: { readonly last: readonly unknown[]; readonly wanted: readonly unknown[] },
): readonly unknown[] {
  const mergeKey = field?.patchMergeKey;
  if (!isMergeList(field) || mergeKey === undefined) return states.wanted;
  const element = field === undefined ? undefined : resolveSchema(table, field.schema);
  const inner = element?.type === "array" ? element.of : undefined;
  const keyed = (list: readonly unknown[]): Map<unknown, Json> =>
    new Map(list.filter(isObject).map((item) => [item[mergeKey], item]));
  const last = keyed(states.last);
  const wanted = keyed(states.wanted);
  const kept = states.wanted.map((item) =>
    isObject(item)
      ? {
          ...patchOf(table, inner, { last: last.get(item[mergeKey]), wanted: item }),
          [mergeKey]: item[mergeKey],
        }
      : item,
  );
  const removed = [...last.keys()]
    .filter((key) => !wanted.has(key))
    .map((key) => ({ [mergeKey]: key, $patch: "delete" }));
  return [...kept, ...removed];
}
