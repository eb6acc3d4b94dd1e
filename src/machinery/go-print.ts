/**
 * Values of JSON as Go's fmt prints them, since some of upstream's messages show them so.
 * Not here: JSON texts (go-json.ts), quoted texts (field-error.ts).
 */
import { isObject, unwrapRaw } from "./objects.ts";

/** `%v`: maps as `map[a:1 b:2]`, sorted by key, and lists as `[1 2]`. */
export function goPrint(value: unknown): string {
  const plain = unwrapRaw(value);
  if (plain === null || plain === undefined) return "<nil>";
  if (Array.isArray(plain)) return `[${plain.map(goPrint).join(" ")}]`;
  if (!isObject(plain)) return String(plain);
  const members = Object.keys(plain)
    .filter((key) => plain[key] !== undefined)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((key) => `${key}:${goPrint(plain[key])}`);
  return `map[${members.join(" ")}]`;
}

/** `%s`, which says of what is no text what it is. */
export function goPrintText(value: unknown): string {
  if (typeof value === "string") return value;
  const type = goTypeOf(value);
  return type === "<nil>" ? "%!s(<nil>)" : `%!s(${type}=${goPrint(value)})`;
}

/** `%T` of what has been read from JSON. */
export function goTypeOf(value: unknown): string {
  const plain = unwrapRaw(value);
  if (plain === null || plain === undefined) return "<nil>";
  if (Array.isArray(plain)) return "[]interface {}";
  if (typeof plain === "number") return Number.isInteger(plain) ? "int64" : "float64";
  if (typeof plain === "boolean") return "bool";
  return typeof plain === "string" ? "string" : "map[string]interface {}";
}
