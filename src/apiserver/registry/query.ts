/**
 * Query parameters of requests, read and checked. Unknown ones are ignored, as upstream does.
 * Not here: bodies (bodies.ts), what the options do (reads.ts, writes.ts).
 */
import {
  type CallHead,
  badRequest,
  type FieldError,
  forbiddenField,
  goQuote,
  invalid,
  invalidValue,
  isFlagSet,
  notSupported,
  type StatusError,
  tooLong,
} from "../../machinery/index.ts";
import type { IncludeObject } from "./tables.ts";

type Query = CallHead["query"];

/** Selectors longer than this are refused: docs/spec/invariants.md#2. */
const selectorCharactersMax = 65_536;

export interface ReadOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** "" when absent. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: "" | "Exact" | "NotOlderThan";
  /** 0 means no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly isWatch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean;
  readonly timeoutSeconds: number | undefined;
  readonly includeObject: IncludeObject;
}

export interface WriteOptions {
  readonly isDryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: "Strict" | "Warn" | "Ignore";
}

export function first(query: Query, name: string): string | undefined {
  for (const [key, value] of query) if (key === name) return value;
  return undefined;
}

/** The largest number that clients may send: Go's int64. */
const int64Max = 2n ** 63n - 1n;

/** Numbers beyond those that a double holds exactly become the largest it does. @throws StatusError 400 when it is no int64. */
export function integer(query: Query, name: string): number | undefined {
  const text = first(query, name);
  if (text === undefined || text === "") return undefined;
  const refused = (why: string): StatusError =>
    badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^[+-]?\d+$/.test(text)) throw refused("invalid syntax");
  const exact = BigInt(text);
  if (exact > int64Max || exact < -int64Max) throw refused("value out of range");
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)));
}

/** @throws StatusError 400 for malformed values, 422 for combinations that are not allowed. */
export function readOptions(query: Query): ReadOptions {
  const match = first(query, "resourceVersionMatch") ?? "";
  const options: ReadOptions = {
    labelSelector: selectorText(query, "labelSelector"),
    fieldSelector: selectorText(query, "fieldSelector"),
    resourceVersion: first(query, "resourceVersion") ?? "",
    resourceVersionMatch: match === "Exact" || match === "NotOlderThan" ? match : "",
    limit: Math.max(0, integer(query, "limit") ?? 0),
    continue: first(query, "continue") ?? "",
    isWatch: isFlagSet(query, "watch"),
    allowWatchBookmarks: isFlagSet(query, "allowWatchBookmarks"),
    sendInitialEvents: isFlagSet(query, "sendInitialEvents"),
    timeoutSeconds: integer(query, "timeoutSeconds"),
    includeObject: includeObjectOf(first(query, "includeObject") ?? ""),
  };
  const hasInitial = first(query, "sendInitialEvents") !== undefined;
  const errors = options.isWatch
    ? watchErrors(options, match, hasInitial)
    : listErrors(options, match, hasInitial);
  if (errors.length > 0) throw optionsInvalid("ListOptions", errors);
  if (
    !options.isWatch &&
    options.continue !== "" &&
    options.resourceVersion !== "" &&
    options.resourceVersion !== "0"
  ) {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  return options;
}

function selectorText(query: Query, name: string): string {
  const text = first(query, name) ?? "";
  if (text.length > selectorCharactersMax)
    throw badRequest(`${name} is too long: at most ${selectorCharactersMax} characters`);
  return text;
}

function includeObjectOf(text: string): IncludeObject {
  if (text === "") return "Metadata";
  if (text === "Metadata" || text === "Object" || text === "None") return text;
  throw optionsInvalid("TableOptions", [
    notSupported("includeObject", text, ["", "Metadata", "None", "Object"]),
  ]);
}

const matchField = "resourceVersionMatch";

function listErrors(options: ReadOptions, match: string, hasInitial: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (hasInitial) errors.push(forbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  if (match === "") return errors;
  if (options.continue !== "") {
    errors.push(forbiddenField(matchField, "resourceVersionMatch is forbidden when continue is provided"));
  }
  if (options.resourceVersion === "") {
    errors.push(
      forbiddenField(matchField, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
    );
  }
  if (options.resourceVersionMatch === "")
    errors.push(notSupported(matchField, match, ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && options.resourceVersion === "0") {
    errors.push(
      forbiddenField(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    );
  }
  return errors;
}

function watchErrors(options: ReadOptions, match: string, hasInitial: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (hasInitial && match !== "NotOlderThan") {
    errors.push(
      forbiddenField(matchField, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
    );
  }
  if (!hasInitial && match !== "") {
    errors.push(
      forbiddenField(
        matchField,
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      ),
    );
  }
  if (options.continue !== "") errors.push(forbiddenField("continue", "continue is forbidden for watch"));
  return errors;
}

/** Undefined for "" (no wish); 0 means any. @throws what `refuse` makes of the fault; StatusError 400 by default. */
export function revisionOf(
  resourceVersion: string,
  refuse: (fault: string) => StatusError = (fault) => badRequest(`invalid resource version: ${fault}`),
): number | undefined {
  if (resourceVersion === "") return undefined;
  const revision = Number(resourceVersion);
  if (/^\d+$/.test(resourceVersion) && Number.isSafeInteger(revision)) return revision;
  const why = /^\d+$/.test(resourceVersion) ? "value out of range" : "invalid syntax";
  const shown = goQuote(resourceVersion);
  throw refuse(`resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: ${why}`);
}

/** Longest manager name; upstream's bound. */
const fieldManagerCharactersMax = 128;

export type WriteOptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";

/** @throws StatusError 422 that names the options' kind. */
export function writeOptions(call: CallHead, kind: WriteOptionsKind): WriteOptions {
  const { query } = call;
  const errors: FieldError[] = [];
  const dryRun = query.filter(([name]) => name === "dryRun").map(([, value]) => value);
  const fieldManager = first(query, "fieldManager") ?? "";
  const validation = first(query, "fieldValidation") ?? "";
  errors.push(...dryRunErrors(dryRun));
  if (fieldManager.length > fieldManagerCharactersMax)
    errors.push(tooLong("fieldManager", fieldManagerCharactersMax));
  const characters = Array.from(fieldManager);
  const odd = characters.findIndex((character) => !/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character));
  if (odd >= 0) {
    const code = characters[odd]!.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    const text = `invalid character U+${code} (at position ${odd})`;
    errors.push(invalidValue("fieldManager", fieldManager, text));
  }
  if (validation !== "" && validation !== "Strict" && validation !== "Warn" && validation !== "Ignore") {
    errors.push(notSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]));
  }
  const isApply = call.contentType?.startsWith("application/apply-patch") === true;
  if (kind === "PatchOptions" && first(query, "force") !== undefined && !isApply) {
    errors.push(forbiddenField("force", "may not be specified for non-apply patch"));
  }
  if (errors.length > 0) throw optionsInvalid(kind, errors);
  return {
    isDryRun: dryRun.length > 0,
    fieldManager: fieldManager === "" ? (call.userAgent ?? "").split("/", 1)[0]! : fieldManager,
    fieldValidation: validation === "Strict" || validation === "Ignore" ? validation : "Warn",
  };
}

export function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.some((value) => value !== "All") ? [notSupported("dryRun", values, ["All"])] : [];
}

export function optionsInvalid(kind: string, errors: readonly FieldError[]): StatusError {
  return invalid({ group: "meta.k8s.io", kind }, "", errors);
}
