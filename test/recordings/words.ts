/**
 * JSON pointers with `*`, names in texts, and other small words of the recordings. Pure.
 * Not here: what is volatile (normalize.ts), what is compared (compare.ts).
 */

/** Values that steps use by name: `ns`, `id` and what earlier steps kept. In the order in which they were kept. */
export type Kept = Map<string, string>;

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `/a/b~1c` as `["a", "b/c"]`. */
export function pathOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value at a pointer without `*`. */
export function valueAt(value: unknown, pointer: string): unknown {
  let found: unknown = value;
  for (const key of pathOf(pointer)) {
    if (found === null || found === undefined) return undefined;
    found = (found as JsonObject)[key];
  }
  return found;
}

/** All values at a path, in which `*` is any key or item. */
export function valuesAt(value: unknown, [key, ...rest]: readonly string[]): readonly unknown[] {
  if (key === undefined) return value === undefined ? [] : [value];
  if (typeof value !== "object" || value === null) return [];
  if (key === "*") return Object.values(value).flatMap((item) => valuesAt(item, rest));
  return valuesAt((value as JsonObject)[key], rest);
}

/** The same value with other texts; keys are texts too. */
export function mapTexts(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, text));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), mapTexts(item, text)]));
}

/** Puts kept values in the place of `$name`; names that nobody kept stay. */
export function fill<T>(value: T, kept: Kept): T {
  const text = (given: string): string =>
    given.replace(/\$([a-z][a-z0-9]*)/gi, (all, name: string) => kept.get(name) ?? all);
  return mapTexts(value, text) as T;
}
