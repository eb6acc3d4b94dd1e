/**
 * Whether an answer is the same as upstream's, and where it differs. Pure.
 *
 *   both answers ─▶ without what is ignored ─▶ replace ─▶ distinct, order ─▶ owners sorted ─▶ compared, member by member
 *
 * Not here: what of an answer is looked at (normalize.ts), which steps have to be the same (known.ts).
 */
import { replaced } from "./normalize.ts";
import type { Answer, Scenario, Step } from "./scenario.ts";
import { isObject, type JsonObject, pathOf } from "./words.ts";

/** Characters of a value in the text of a difference. */
const shownCharactersMax = 200;

/**
 * Each difference as text; none when the answers are the same.
 * @param apart pointers that are left out beside those that the step ignores
 * @param ownWarnings patterns of warnings that only ours gives
 */
export function differences(
  {
    scenario,
    step,
    apart = [],
    ownWarnings = [],
  }: {
    readonly scenario: Scenario;
    readonly step: Step;
    readonly apart?: readonly string[];
    readonly ownWarnings?: readonly string[];
  },
  ours: Answer,
): readonly string[] {
  const compared = (answer: Answer): unknown => comparable(answer, { scenario, step, apart });
  const warnings = ours.warnings.filter((text) => !isOwnWarning(text, ownWarnings));
  return [...differing(compared(step.answer), compared({ ...ours, warnings }), "")];
}

export function isOwnWarning(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(pattern).test(text));
}

function comparable(
  answer: Answer,
  {
    scenario,
    step,
    apart,
  }: { readonly scenario: Scenario; readonly step: Step; readonly apart: readonly string[] },
): unknown {
  const ignored = step.ignore ?? [];
  const { status, type, warnings, body, headers } = answer;
  let value: unknown = {
    status,
    type,
    warnings,
    body,
    ...(step.headersToo === undefined ? {} : { headers }),
  };
  for (const pointer of [...ignored, ...apart])
    if (pointer.startsWith("/")) value = without(value, pathOf(pointer));
  value = replaced(value, [...(scenario.replace ?? []), ...(step.replace ?? [])]);
  if (ignored.includes("distinct")) value = distinct(value);
  if (ignored.includes("order")) value = byName(value);
  return scenario.managedFields === true && step.inOrder !== true ? withOwnersSorted(value) : value;
}

/** Stands in the place of an item that is left out of a list, so that those after it keep theirs. It is never compared. */
const leftOut = Symbol("left out");

function without(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return value;
  const isMeant = (name: string): boolean => key === "*" || key === name;
  if (Array.isArray(value)) {
    return value.map((item: unknown, at) => {
      if (!isMeant(String(at))) return item;
      return rest.length === 0 ? leftOut : without(item, rest);
    });
  }
  const kept = Object.entries(value).filter(([name]) => !isMeant(name) || rest.length > 0);
  return Object.fromEntries(
    kept.map(([name, item]) => [name, isMeant(name) ? without(item, rest) : (item as unknown)]),
  );
}

/** The same value, each list of it changed, those inside first. */
function mapLists(
  value: unknown,
  change: (list: readonly unknown[], key: string) => readonly unknown[],
  key = "",
): unknown {
  if (Array.isArray(value))
    return change(
      value.map((item) => mapLists(item, change)),
      key,
    );
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapLists(item, change, name)]),
  );
}

function distinct(value: unknown): unknown {
  return mapLists(value, (list) => [...new Map(list.map((item) => [JSON.stringify(item), item])).values()]);
}

function byName(value: unknown): unknown {
  return mapLists(value, (list) =>
    list.toSorted(
      (a, b) => nameOf(a).localeCompare(nameOf(b)) || compareTexts(JSON.stringify(a), JSON.stringify(b)),
    ),
  );
}

function nameOf(item: unknown): string {
  if (typeof item !== "object" || item === null) return String(item);
  const { metadata, name } = item as JsonObject;
  const objectName = isObject(metadata) ? metadata["name"] : undefined;
  return String(objectName ?? name ?? JSON.stringify(item));
}

function withOwnersSorted(value: unknown): unknown {
  const word = (entry: unknown): string => {
    const { operation, manager, apiVersion, subresource } = (entry ?? {}) as JsonObject;
    return JSON.stringify([operation, manager, apiVersion, subresource]);
  };
  return mapLists(value, (list, key) =>
    key === "managedFields" ? list.toSorted((a, b) => compareTexts(word(a), word(b))) : list,
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function* differing(upstream: unknown, ours: unknown, where: string): Generator<string> {
  if (isBranch(upstream) && isBranch(ours) && Array.isArray(upstream) === Array.isArray(ours)) {
    const [theirKeys, ourKeys] = [keysOf(upstream), keysOf(ours)];
    for (const key of new Set([...theirKeys, ...ourKeys])) {
      const at = `${where}/${key}`;
      if (!ourKeys.has(key)) yield `${at}: missing, upstream ${shown(upstream[key])}`;
      else if (!theirKeys.has(key)) yield `${at}: not at upstream: ${shown(ours[key])}`;
      else yield* differing(upstream[key], ours[key], at);
    }
  } else if (upstream !== ours) yield `${where}: ${shown(ours)}, upstream ${shown(upstream)}`;
}

function isBranch(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

function keysOf(value: JsonObject): ReadonlySet<string> {
  return new Set(Object.keys(value).filter((key) => value[key] !== leftOut));
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, shownCharactersMax);
}
