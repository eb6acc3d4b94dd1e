/**
 * Errors of validation, each at one field, in upstream's words; and the paths they name.
 * Not here: the Status that carries them to clients (status.ts).
 * Upstream: kubernetes v1.34, apimachinery/pkg/util/validation/field/errors.go and path.go.
 */
import { goJson } from "./go-json.ts";

export type FieldErrorReason =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany";

export interface FieldError {
  readonly reason: FieldErrorReason;
  /** Path such as `spec.containers[0].name`; may be empty. */
  readonly field: string;
  /** Text without the field: `Required value: is needed`. */
  readonly message: string;
}

/** `spec` + `selector` → `spec.selector`; further names are appended. */
export function childPath(parent: string, ...names: readonly string[]): string {
  let path = parent;
  for (const name of names) path = path === "" ? name : `${path}.${name}`;
  return path;
}

export function indexPath(parent: string, index: number): string {
  return `${parent}[${index}]`;
}

export function keyPath(parent: string, key: string): string {
  return `${parent}[${key}]`;
}

export function required(field: string, detail = ""): FieldError {
  return { reason: "FieldValueRequired", field, message: withDetail("Required value", detail) };
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return {
    reason: "FieldValueInvalid",
    field,
    message: withDetail(`Invalid value: ${formatValue(value)}`, detail),
  };
}

/** `supported` is printed in the given order; upstream sorts sets, so pass them sorted. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? "" : `supported values: ${supported.map(goQuote).join(", ")}`;
  const message = withDetail(`Unsupported value: ${formatValue(value)}`, detail);
  return { reason: "FieldValueNotSupported", field, message };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", field, message: withDetail("Forbidden", detail) };
}

export function duplicateValue(field: string, value: unknown): FieldError {
  return { reason: "FieldValueDuplicate", field, message: `Duplicate value: ${formatValue(value)}` };
}

/** The value is not printed: it is too long. */
export function tooLong(field: string, maxLength: number): FieldError {
  const detail = maxLength < 0 ? "value is too long" : `may not be more than ${maxLength} bytes`;
  return { reason: "FieldValueTooLong", field, message: withDetail("Too long", detail) };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  const unit = max === 1 ? "item" : "items";
  const detail = max < 0 ? "has too many items" : `must have at most ${max} ${unit}`;
  const head = actual < 0 ? "Too many" : `Too many: ${actual}`;
  return { reason: "FieldValueTooMany", field, message: withDetail(head, detail) };
}

export function notFoundValue(field: string, value: unknown): FieldError {
  return { reason: "FieldValueNotFound", field, message: `Not found: ${formatValue(value)}` };
}

/** `field: text`; the form inside a Status message. */
export function fieldErrorMessage(error: FieldError): string {
  return `${error.field === "" ? "<nil>" : error.field}: ${error.message}`;
}

/** Upstream's aggregate: duplicates dropped, one as it is, several as `[a, b]`; empty text for none. */
export function joinFieldErrors(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorMessage))];
  return texts.length === 1 ? (texts[0] ?? "") : texts.length === 0 ? "" : `[${texts.join(", ")}]`;
}

/** A Go string literal (`%q`): quotes, short escapes, control characters as `\x01` or `\u200b`. */
export function goQuote(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const char of text) quoted += goQuoteChar(char);
  return `${quoted}"`;
}

/** Texts that need no escapes inside the quotes. */
const plainText = /^[ !#-[\]-~]*$/;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

function goQuoteChar(char: string): string {
  const short = shortEscapes.get(char);
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (char === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char)) return char;
  if (code >= 0xd800 && code <= 0xdfff) return "\\ufffd";
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Characters of a wrong value that a message shows. Escapes would make a longer value several times as long in the reply. */
const shownCharactersMax = 10_000;

function formatValue(value: unknown): string {
  if (typeof value === "string") {
    return value.length > shownCharactersMax
      ? `${goQuote(value.slice(0, shownCharactersMax))}...`
      : goQuote(value);
  }
  if (value === undefined || value === null) return "null";
  const text = typeof value === "object" ? goJson(value) : String(value);
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}...` : text;
}

function withDetail(head: string, detail: string): string {
  return detail === "" ? head : `${head}: ${detail}`;
}
