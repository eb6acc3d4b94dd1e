/**
 * Equality of objects as the API sees it. Not here: byte equality of templates (canonicalJson).
 * Upstream: kubernetes v1.34, apimachinery/pkg/api/equality/semantic.go.
 */
import { RawJson } from "./go-json.ts";

/**
 * Whether two decoded trees mean the same: undefined, null and empty lists are absent; key order does not matter.
 * `{}` differs from absent, and so do `""`, 0 and false: decoding has dropped those that mean nothing, and what is left
 * has a meaning (an empty label selector matches everything, a missing one nothing). Quantities are compared as text, so
 * both sides must be canonical. RawJson is compared by its text.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b);
  if (typeof a !== "object" || typeof b !== "object") return Number.isNaN(a) && Number.isNaN(b);
  if (a instanceof RawJson || b instanceof RawJson) {
    return a instanceof RawJson && b instanceof RawJson && a.text === b.text;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((element, index) => semanticEqual(element, b[index]));
  }
  return equalMembers(a as Members, b as Members);
}

type Members = Readonly<Record<string, unknown>>;

function equalMembers(a: Members, b: Members): boolean {
  for (const key of Object.keys(a)) {
    if (!semanticEqual(a[key], Object.hasOwn(b, key) ? b[key] : undefined)) return false;
  }
  for (const key of Object.keys(b)) {
    if (!Object.hasOwn(a, key) && !isAbsent(b[key])) return false;
  }
  return true;
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
