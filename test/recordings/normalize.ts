/**
 * From an answer as it came to what is compared: values that differ from run to run become words. Pure.
 *
 *   body ─▶ pick, lines, discard ─▶ volatile values ─▶ only ─▶ replace
 *
 * Not here: the comparison itself, and what it leaves out (compare.ts).
 */
import type { Answer, Replacement, Scenario, Step } from "./scenario.ts";
import { fill, isObject, type JsonObject, type Kept, mapTexts, pathOf, valueAt } from "./words.ts";

/** A reply of either transport. Names of headers are in lower case. */
export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Context {
  readonly scenario: Scenario;
  readonly step: Step;
  readonly kept: Kept;
}

/** The body as JSON, or as the text that it is. */
export function bodyOf({ text }: RawReply): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export function answerOf(reply: RawReply, context: Context): Answer {
  const { scenario, step, kept } = context;
  const rules = [...(scenario.replace ?? []), ...(step.replace ?? [])];
  const warnings = reply.headers["warning"]?.split(/, (?=299 )/) ?? [];
  const shown = shownBody(chosen(bodyOf(reply), step, kept), context);
  const headers = (step.headersToo ?? []).map((name) => [
    name,
    normalized(reply.headers[name.toLowerCase()] ?? null, context),
  ]);
  return {
    status: reply.status,
    type: (reply.headers["content-type"] ?? "").replace(/;\s*charset=utf-8/i, ""),
    warnings: replaced(
      warnings.map((warning) => normalized(warning, context)),
      rules,
    ) as readonly string[],
    body: replaced(shown, rules),
    ...(step.headersToo === undefined ? {} : { headers: Object.fromEntries(headers) as JsonObject }),
  };
}

/** Applies the rules, in order, to all texts and keys. */
export function replaced(value: unknown, rules: readonly Replacement[]): unknown {
  if (rules.length === 0) return value;
  const patterns = rules.map(([pattern, by]) => [new RegExp(pattern, "g"), by] as const);
  return mapTexts(value, (text) =>
    patterns.reduce((before, [pattern, by]) => before.replace(pattern, by), text),
  );
}

function chosen(body: unknown, step: Step, kept: Kept): unknown {
  if (step.discard === true) return "<discarded>";
  const picked = step.pick === undefined ? body : withPicked(body, step.pick, kept);
  if (step.lines === undefined || typeof picked !== "string") return picked;
  const pattern = new RegExp(step.lines);
  return picked
    .split("\n")
    .filter((line) => pattern.test(line))
    .join("\n");
}

function withPicked(body: unknown, pick: NonNullable<Step["pick"]>, kept: Kept): unknown {
  const isWanted = (text: string): boolean => new RegExp(fill(pick.matches, kept)).test(text);
  const only = (found: unknown): unknown => {
    if (Array.isArray(found)) {
      const nameOf = (item: unknown): unknown => (pick.key === undefined ? item : valueAt(item, pick.key));
      return found.filter((item) => isWanted(String(nameOf(item))));
    }
    if (!isObject(found)) return found;
    return Object.fromEntries(Object.entries(found).filter(([key]) => isWanted(key)));
  };
  return changedAt(body, pathOf(pick.pointer), only);
}

function changedAt(
  value: unknown,
  [key, ...rest]: readonly string[],
  change: (found: unknown) => unknown,
): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item, at) => (String(at) === key ? changedAt(item, rest, change) : (item as unknown)));
  if (!isObject(value) || !(key in value)) return value;
  return { ...value, [key]: changedAt(value[key], rest, change) };
}

function shownBody(body: unknown, context: Context): unknown {
  const shown = normalized(body, context);
  const { only } = context.step;
  if (only === undefined || (isObject(shown) && shown["kind"] === "Status")) return shown;
  return onlyAt(shown, only.map(pathOf)) ?? {};
}

/** What lies on one of the paths. Items of lists keep their places. */
function onlyAt(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.some((path) => path.length === 0)) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const below = new Map<string, (readonly string[])[]>();
  for (const [key, ...rest] of paths) {
    for (const name of key === "*" ? Object.keys(value) : [key!])
      if (name in value) below.set(name, [...(below.get(name) ?? []), rest]);
  }
  const at = (name: string): unknown =>
    below.has(name) ? onlyAt((value as JsonObject)[name], below.get(name)!) : undefined;
  if (Array.isArray(value)) return value.map((_, index) => at(String(index)));
  const kept = [...below.keys()].sort().map((name) => [name, at(name)] as const);
  return Object.fromEntries(kept.filter(([, found]) => found !== undefined));
}

const uids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const times = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g;
/** Kept values of at most so many characters may be part of other words; they are not looked for in texts. */
const shortWordLength = 3;
const addressKeys = new Set(["clusterIP", "podIP", "hostIP"]);
const versionKeys: Readonly<Record<string, string>> = {
  resourceVersion: "<rv>",
  selfLink: "<selfLink>",
  continue: "<continue>",
};
const numberKeys = new Set(["nodePort", "healthCheckNodePort", "remainingItemCount"]);

/** @param key the member of the object in which the value stands; empty for an item of a list */
function normalized(value: unknown, context: Context, key = ""): unknown {
  if (typeof value === "string") return normalizedText(value, context, key);
  if (typeof value === "number") return numberKeys.has(key) ? `<${key}>` : value;
  if (Array.isArray(value)) return normalizedList(value, context, key);
  return isObject(value) ? normalizedObject(value, context) : value;
}

function normalizedText(text: string, { scenario, kept }: Context, key: string): string {
  const versions = scenario.versions === true;
  if (versions && key === "resourceVersion") {
    const known = [...kept].find(([name, word]) => name.startsWith("rv") && word === text);
    if (known !== undefined) return `$${known[0]}`;
  }
  const plain = scenario.plainTimes === true ? text.replace(times, "<time>") : text;
  const named = withNames(plain, kept, (word) => !versions || !/^\d+$/.test(word));
  const shown = named.replace(uids, "<uid>").replace(times, "<time>");
  const version = versionKeys[key];
  if (version !== undefined) return shown === "" ? "" : version;
  if (addressKeys.has(key)) return /\d/.test(shown) ? "<ip>" : shown;
  return key === "token" ? "<token>" : shown;
}

function withNames(text: string, kept: Kept, isShown: (word: string) => boolean): string {
  let named = text;
  for (const [name, word] of kept)
    if (word.length > shortWordLength && isShown(word)) named = named.replaceAll(word, () => `$${name}`);
  return named;
}

function normalizedList(list: readonly unknown[], context: Context, key: string): readonly unknown[] {
  if (key === "clusterIPs") return list.map(() => "<ip>");
  const left = key === "managedFields" ? (context.scenario.leaveOut ?? []) : [];
  const isLeft = (entry: unknown): boolean => isObject(entry) && left.includes(entry["manager"] as string);
  return list.filter((item) => !isLeft(item)).map((item) => normalized(item, context));
}

function normalizedObject(object: JsonObject, context: Context): JsonObject {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(object).sort()) {
    if (key === "managedFields" && context.scenario.managedFields !== true) continue;
    result[withNames(key, context.kept, () => true)] = normalized(object[key], context, key);
  }
  const { generateName: prefix, name } = result;
  if (typeof prefix === "string" && typeof name === "string" && name.startsWith(prefix))
    result["name"] = `${prefix}<word>`;
  return result;
}
