/**
 * What ConfigMaps and Secrets share: maps of data with a limit, and the promise of `immutable`.
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go.
 */
import { type FieldError, forbiddenField, semanticEqual } from "../../machinery/index.ts";

/** All values of one ConfigMap or Secret together: 1 MiB as upstream, so that watches and caches stay light. */
export const dataBytesMax = 1_048_576;

/** Bytes behind a base64 text. */
export function base64Bytes(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

/** Number of keys, for a table. */
export function sizeOf(map: object | undefined): number {
  return Object.keys(map ?? {}).length;
}

const frozenText = "field is immutable when `immutable` is set";

interface Freezable {
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Once `immutable` is true, neither it nor the data changes. */
export function checkFrozen(object: Freezable, before: Freezable): FieldError[] {
  if (before.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbiddenField("immutable", frozenText));
  for (const field of ["data", "binaryData"] as const) {
    if (!semanticEqual(object[field] ?? {}, before[field] ?? {}))
      errors.push(forbiddenField(field, frozenText));
  }
  return errors;
}
