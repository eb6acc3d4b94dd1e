/**
 * Small tools for JSON trees that are shared by decoding and patching. Not part of the room's face.
 */
import { RawJson } from "./go-json.ts";

export type JsonObject = Record<string, unknown>;

/** A plain JSON object: not null, no list, no RawJson. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof RawJson);
}

/** Sets an own property, also when the key is `__proto__`. */
export function setOwn(target: JsonObject, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** Reads an own property; never one of the prototype. */
export function getOwn(target: Readonly<JsonObject>, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

/** A fresh copy of plain JSON; RawJson is immutable and kept as it is; undefined members are left out. */
export function copyJson<T>(value: T): T {
  return copyAny(value) as T;
}

function copyAny(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof RawJson) return value;
  if (Array.isArray(value)) return value.map(copyAny);
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value))
    if (member !== undefined) setOwn(copy, key, copyAny(member));
  return copy;
}

/** As Go's JSON names what a text holds. */
export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** The value as tree: a RawJson is parsed. */
export function unwrapRaw(value: unknown): unknown {
  return value instanceof RawJson ? value.value() : value;
}

/** Equal JSON trees: key order does not matter, undefined members are absent, numbers by value. */
export function equalJson(left: unknown, right: unknown): boolean {
  const a = unwrapRaw(left);
  const b = unwrapRaw(right);
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((element, index) => equalJson(element, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  const others = Object.keys(b).filter((key) => b[key] !== undefined);
  return (
    keys.length === others.length && keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]))
  );
}
