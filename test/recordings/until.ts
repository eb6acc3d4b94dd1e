/** Whether the condition of a step holds for an answer as it came, before anything volatile is replaced. Pure. */
import type { Condition, Until } from "./scenario.ts";
import { pathOf, valueAt, valuesAt } from "./words.ts";

export function holds(until: Until, status: number, body: unknown): boolean {
  if (isList(until)) return until.every((condition) => holds(condition, status, body));
  const { pointer } = until;
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const all = (): readonly unknown[] => valuesAt(body, pathOf(pointer ?? ""));
  if ("has" in until) return all().some((value) => same(value, until.has));
  if ("every" in until) return all().every((value) => same(value, until.every));
  if ("count" in until) return all().length === until.count;
  const value = pointer === undefined ? undefined : valueAt(body, pointer);
  if ("length" in until) return lengthOf(value) === until.length;
  if ("absent" in until) return value === undefined;
  if (until.matches !== undefined) return new RegExp(until.matches).test(textOf(value));
  if ("equals" in until) return same(value, until.equals);
  if ("status" in until) return status === until.status;
  return value !== undefined;
}

function isList(until: Until): until is readonly Condition[] {
  return Array.isArray(until);
}

function lengthOf(value: unknown): unknown {
  return value === undefined || value === null ? 0 : (value as { readonly length?: unknown }).length;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
