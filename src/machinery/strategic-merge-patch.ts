/**
 * Strategic merge patch: merge by schema, with directives.
 * Not here: JSON merge patch for fields that the schema does not know (merge-patch.ts has the same rule).
 * Upstream: kubernetes v1.34, apimachinery/pkg/util/strategicpatch/patch.go.
 * Differs: list elements that are new are merged into an empty element.
 */
import { goJson } from "./go-json.ts";
import { goPrint, goPrintText, goTypeOf } from "./go-print.ts";
import { copyJson, getOwn, isObject, type JsonObject, setOwn, unwrapRaw } from "./objects.ts";
import {
  type Field,
  isMergeList,
  resolveSchema,
  type Schema,
  type SchemaTable,
  type SchemaType,
} from "./schema.ts";
import { badRequest, plainFailure, unprocessable } from "./status.ts";

const patchDirective = "$patch";
const retainKeysDirective = "$retainKeys";
const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

/**
 * `live` with `patch` merged in. Neither input is changed; untouched parts of `live` are shared with the result, so
 * decode it next (that also drops unknown fields).
 * @throws StatusError 400 or 500 for bad directives, 422 for lists of lists, 500 for elements without their merge key.
 */
export function strategicMergePatch(type: SchemaType, live: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest("a strategic merge patch must be an object");
  const base = unwrapRaw(live);
  return mergeObject(isObject(base) ? base : {}, patch, {
    table: type.table,
    schema: { type: "ref", name: type.name },
  });
}

interface Context {
  readonly table: SchemaTable;
  /** Undefined inside fields that the schema does not know. */
  readonly schema: Schema | undefined;
}

function mergeObject(live: Readonly<JsonObject>, patch: Readonly<JsonObject>, context: Context): JsonObject {
  const directive = getOwn(patch, patchDirective);
  if (directive === "delete") return {};
  if (directive === "replace") return withoutDirectives(patch) as JsonObject;
  if (directive !== undefined) throw unknownPatchType(directive, patch);
  const merged = retainKeys(live, patch);
  const done = new Set<string>([patchDirective, retainKeysDirective]);
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const name = key.slice(orderPrefix.length);
    done.add(key).add(name);
    mergeOrdered(merged, patch, { name, field: fieldOf(context, name), context });
  }
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(deletePrefix)) continue;
    done.add(key);
    deleteScalars(merged, key.slice(deletePrefix.length), getOwn(patch, key));
  }
  for (const key of Object.keys(patch)) {
    if (!done.has(key))
      mergeMember(merged, key, { value: patch[key], field: fieldOf(context, key), context });
  }
  return merged;
}

interface MemberPatch {
  readonly value: unknown;
  readonly field: Field | undefined;
  readonly context: Context;
}

function mergeMember(merged: JsonObject, key: string, { value, field, context }: MemberPatch): void {
  if (value === undefined) return;
  if (value === null) {
    delete merged[key];
    return;
  }
  const before = unwrapRaw(getOwn(merged, key));
  const inner = { table: context.table, schema: field?.schema };
  if (isObject(value)) {
    if (field?.patchStrategy === "replace") setOwn(merged, key, withoutDirectives(value));
    else setOwn(merged, key, mergeObject(isObject(before) ? before : {}, value, inner));
  } else if (Array.isArray(value) && isMergeList(field)) {
    setOwn(merged, key, mergeList(Array.isArray(before) ? before : [], value, listOf(field, context)));
  } else {
    setOwn(merged, key, Array.isArray(value) ? replacing(value, before) : value);
  }
}

/** A list that is replaced as a whole knows no directives: they are unknown fields, but where there was no list yet. */
function replacing(list: readonly unknown[], before: unknown): readonly unknown[] {
  return Array.isArray(before) ? list : withoutDirectives(list);
}

/** A copy of `live` without the keys that `$retainKeys` does not name. */
function retainKeys(live: Readonly<JsonObject>, patch: Readonly<JsonObject>): JsonObject {
  const merged: JsonObject = {};
  const retained = getOwn(patch, retainKeysDirective);
  if (retained === undefined || retained === null) {
    for (const key of Object.keys(live)) setOwn(merged, key, live[key]);
    return merged;
  }
  if (!Array.isArray(retained)) throw badRequest("invalid patch format of retainKeys");
  const names = new Set<unknown>(retained);
  for (const key of Object.keys(patch)) {
    const isDirective = key.startsWith("$");
    if (!isDirective && patch[key] !== null && !names.has(key))
      throw badRequest("invalid patch format of retainKeys");
  }
  for (const key of Object.keys(live)) if (names.has(key)) setOwn(merged, key, live[key]);
  return merged;
}

interface OrderedPatch {
  readonly name: string;
  readonly field: Field | undefined;
  readonly context: Context;
}

/** One list together with its `$setElementOrder`. */
function mergeOrdered(
  merged: JsonObject,
  patch: Readonly<JsonObject>,
  { name, field, context }: OrderedPatch,
): void {
  const order = getOwn(patch, orderPrefix + name);
  const changes = getOwn(patch, name);
  const before = unwrapRaw(getOwn(merged, name));
  if (!Array.isArray(order))
    throw plainFailure(`expected a []interface {}, but received a ${goTypeOf(order)}`);
  if (changes === null) {
    delete merged[name];
    return;
  }
  if (changes !== undefined && !Array.isArray(changes))
    throw badRequest("invalid patch format of setElementOrder list");
  if (before === undefined && changes === undefined) return;
  const live: readonly unknown[] = Array.isArray(before) ? before : [];
  const list = listOf(field, context);
  if (changes !== undefined) checkOrder(changes, order, list);
  let contents = live;
  if (changes !== undefined)
    contents = isMergeList(field) ? mergeList(live, changes, list) : replacing(changes, before);
  setOwn(merged, name, arrange(contents, { live, order: order, list }));
}

/** How the elements of a list are identified, and their schema. */
interface ListContext {
  readonly context: Context;
  readonly mergeKey: string | undefined;
}

function listOf(field: Field | undefined, context: Context): ListContext {
  const schema = field === undefined ? undefined : resolveSchema(context.table, field.schema);
  const element = schema?.type === "array" ? schema.of : undefined;
  return { context: { table: context.table, schema: element }, mergeKey: field?.patchMergeKey };
}

/** The elements of `patch` must stand in `order` in the same relative order, deletions apart. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], list: ListContext): void {
  const wanted = patch.filter((element) => !(isObject(element) && Object.hasOwn(element, patchDirective)));
  let found = 0;
  for (const element of order) {
    if (found < wanted.length && identityOf(wanted[found], list) === identityOf(element, list)) found++;
  }
  if (found === wanted.length) return;
  throw plainFailure(
    `The order in patch list:\n${goPrint(wanted)}\n doesn't match $setElementOrder list:\n${goPrint(order)}\n`,
  );
}

function mergeList(live: readonly unknown[], patch: readonly unknown[], list: ListContext): unknown[] {
  if (live.length === 0 && patch.length === 0) return [];
  const all = [...live, ...patch];
  if (all.some(Array.isArray)) throw unprocessable("lists of lists are not supported");
  if (all.some(isObject) !== all.every(isObject))
    throw plainFailure(`list element types are not identical: ${goPrint([live, patch])}`);
  if (!isObject(all[0]))
    return arrange(unique([...live, ...patch.map(copyJson)]), { live, order: patch, list });
  if (list.mergeKey === undefined) throw unprocessable("cannot merge lists without merge key");
  const { kept, changes } = applySpecialElements(live as JsonObject[], patch as JsonObject[], list.mergeKey);
  const merged = mergeElements(kept, changes, list);
  return arrange(merged, { live: kept, order: changes, list });
}

interface SplitPatch {
  readonly kept: readonly JsonObject[];
  readonly changes: readonly JsonObject[];
}

/** Applies the elements with `$patch` to `live`. The rest of the patch are ordinary elements. */
function applySpecialElements(
  live: readonly JsonObject[],
  patch: readonly JsonObject[],
  mergeKey: string,
): SplitPatch {
  const deleted = new Set<string>();
  let isReplaced = false;
  const changes: JsonObject[] = [];
  for (const element of patch) {
    const directive = getOwn(element, patchDirective);
    if (directive === undefined) {
      changes.push(element);
    } else if (directive === "delete") {
      const value = getOwn(element, mergeKey);
      if (value === undefined) throw noMergeKey(element, mergeKey);
      deleted.add(keyText(value));
    } else if (directive === "replace") {
      isReplaced = true;
    } else if (directive === "merge") {
      throw plainFailure("merging lists cannot yet be specified in the patch");
    } else {
      throw unknownPatchType(directive, element);
    }
  }
  // Nothing is merged then: two elements with one key both stay.
  if (isReplaced) return { kept: changes, changes: [] };
  return { kept: live.filter((element) => !deleted.has(keyText(getOwn(element, mergeKey)))), changes };
}

function mergeElements(
  live: readonly JsonObject[],
  changes: readonly JsonObject[],
  list: ListContext,
): JsonObject[] {
  const key = list.mergeKey ?? "";
  const merged = [...live];
  const places = new Map<string, number>();
  live.forEach((element, index) => {
    const text = keyText(getOwn(element, key));
    if (!places.has(text)) places.set(text, index);
  });
  for (const change of changes) {
    const value = getOwn(change, key);
    if (value === undefined || value === null) throw noMergeKey(change, key);
    const place = places.get(keyText(value)) ?? merged.length;
    places.set(keyText(value), place);
    merged[place] = mergeObject(merged[place] ?? {}, change, list.context);
  }
  return merged;
}

interface Arrangement {
  readonly live: readonly unknown[];
  readonly order: readonly unknown[];
  readonly list: ListContext;
}

/**
 * Upstream's order. Elements named in `order` follow it, the others follow `live`. Then the two lists are merged: one of
 * the others goes first only when both were in the live list and it stood before.
 */
function arrange(elements: readonly unknown[], { live, order, list }: Arrangement): unknown[] {
  const orderAt = positions(order, list);
  const liveAt = positions(live, list);
  const at = (map: ReadonlyMap<string, number>, element: unknown): number =>
    map.get(identityOf(element, list)) ?? -1;
  const named = elements.filter((element) => at(orderAt, element) >= 0);
  const others = elements.filter((element) => at(orderAt, element) < 0);
  named.sort((a, b) => at(orderAt, a) - at(orderAt, b));
  others.sort((a, b) => at(liveAt, a) - at(liveAt, b));
  const arranged: unknown[] = [];
  let other = 0;
  for (const element of named) {
    const place = at(liveAt, element);
    while (other < others.length && place >= 0) {
      const otherPlace = at(liveAt, others[other]);
      if (otherPlace < 0 || otherPlace > place) break;
      arranged.push(others[other++]);
    }
    arranged.push(element);
  }
  return [...arranged, ...others.slice(other)];
}

/** First place of each element. */
function positions(elements: readonly unknown[], list: ListContext): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  elements.forEach((element, index) => {
    const identity = identityOf(element, list);
    if (!places.has(identity)) places.set(identity, index);
  });
  return places;
}

/** Text that is equal for elements that are the same one. */
function identityOf(element: unknown, list: ListContext): string {
  if (list.mergeKey === undefined || !isObject(element)) return goJson(element);
  const value = getOwn(element, list.mergeKey);
  if (value === undefined) throw noMergeKey(element, list.mergeKey);
  return keyText(value);
}

function deleteScalars(merged: JsonObject, name: string, removed: unknown): void {
  const live = getOwn(merged, name);
  if (!Array.isArray(removed) || !Array.isArray(live)) return;
  const gone = new Set(removed.map((element) => goJson(element)));
  setOwn(
    merged,
    name,
    (live as unknown[]).filter((element) => !gone.has(goJson(element))),
  );
}

function fieldOf(context: Context, key: string): Field | undefined {
  if (context.schema === undefined) return undefined;
  const schema = resolveSchema(context.table, context.schema);
  if (schema.type === "map") return { schema: schema.of };
  return schema.type === "object" && Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
}

/** A copy without directives and nulls at any level; list elements to delete vanish. */
function withoutDirectives<T>(value: T): T {
  return cleaned(value) as T;
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.filter((element) => !(isObject(element) && isRemovedElement(element)));
    return kept.map(cleaned);
  }
  if (!isObject(value)) return value;
  const plain: JsonObject = {};
  for (const key of Object.keys(value)) {
    const isDirective =
      key === patchDirective ||
      key === retainKeysDirective ||
      key.startsWith(orderPrefix) ||
      key.startsWith(deletePrefix);
    if (!isDirective && value[key] !== null && value[key] !== undefined)
      setOwn(plain, key, cleaned(value[key]));
  }
  return plain;
}

function isRemovedElement(element: Readonly<JsonObject>): boolean {
  const directive = getOwn(element, patchDirective);
  return directive === "delete" || (directive === "replace" && Object.keys(element).length === 1);
}

function unique(elements: readonly unknown[]): unknown[] {
  const kept = new Map<string, unknown>();
  for (const element of elements) {
    const identity = goJson(element);
    if (!kept.has(identity)) kept.set(identity, element);
  }
  return [...kept.values()];
}

/** Equal for keys that upstream takes as equal: 80 and "80" are. A missing key equals no other. */
function keyText(value: unknown): string {
  if (value === undefined) return "\u0000";
  return typeof value === "string" ? value : goJson(value);
}

function noMergeKey(element: unknown, mergeKey: string): Error {
  return plainFailure(`map: ${goPrint(element)} does not contain declared merge key: ${mergeKey}`);
}

function unknownPatchType(directive: unknown, map: unknown): Error {
  return plainFailure(`unknown patch type: ${goPrintText(directive)} in map: ${goPrint(map)}`);
}
