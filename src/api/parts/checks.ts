/**
 * Small checks that many validators share. A check answers the errors that it found.
 * Texts are upstream's: kubernetes v1.35, apimachinery/pkg/api/validation, pkg/apis/core/validation.
 */
import {
  dnsLabelErrors,
  dnsSubdomainErrors,
  type FieldError,
  type IntOrString,
  invalidValue,
  percentErrors,
  qualifiedNameErrors,
  semanticEqual,
} from "../../machinery/index.ts";

export type Errors = readonly FieldError[];

export const notNegativeText = "must be greater than or equal to 0";
export const immutableText = "field is immutable";

/** One Invalid error for each text. */
export function invalids(field: string, value: unknown, texts: readonly string[]): FieldError[] {
  return texts.map((text) => invalidValue(field, value, text));
}

export function checkNotNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalidValue(field, value, notNegativeText)] : [];
}

/** A number that is not negative, or a percentage. */
export function checkIntOrPercent(field: string, value: IntOrString | undefined): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === "string") return invalids(field, value, percentErrors(value));
  return value < 0 ? [invalidValue(field, value, notNegativeText)] : [];
}

export function checkImmutable(field: string, value: unknown, before: unknown): FieldError[] {
  return semanticEqual(value, before) ? [] : [invalidValue(field, value, immutableText)];
}

export function checkDnsLabel(field: string, value: string): FieldError[] {
  return invalids(field, value, dnsLabelErrors(value));
}

export function checkDnsSubdomain(field: string, value: string): FieldError[] {
  return invalids(field, value, dnsSubdomainErrors(value));
}

/** The value must be a label key. */
export function checkLabelName(field: string, value: string): FieldError[] {
  return invalids(field, value, qualifiedNameErrors(value));
}

/** Adds errors to a list that grows, where spreading would copy it each time. */
export function addAll(into: FieldError[], more: Errors): void {
  for (const error of more) into.push(error);
}

/** Bytes of the text in UTF-8. A text of ASCII alone, as nearly all are, is not encoded for it. */
export function byteLength(text: string): number {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0x7f) return new TextEncoder().encode(text).length;
  }
  return text.length;
}
