/**
 * Label selectors: their text form, their object form, and matching.
 * Not here: validation of selectors inside objects, which names fields (api/).
 * Upstream: kubernetes v1.34, apimachinery/pkg/labels/selector.go, meta/v1/helpers.go.
 */
import { fieldErrorMessage, goQuote, indexPath, invalidValue, keyPath } from "./field-error.ts";
import { compareUtf8 } from "./go-json.ts";
import { labelValueErrors, qualifiedNameErrors } from "./names.ts";
import { badRequest } from "./status.ts";

/** The object form, as in `spec.selector`. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  readonly key: string;
  /** In, NotIn, Exists or DoesNotExist. */
  readonly operator: string;
  readonly values?: readonly string[];
}

export type LabelOperator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without duplicates; none for exists and `!`. */
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

export interface Selector {
  /** Sorted by key; all must hold. */
  readonly requirements: readonly LabelRequirement[];
  /** False when nothing can match, whatever the labels: made from a missing LabelSelector. */
  readonly canMatch: boolean;
  /** Missing labels count as none. */
  matches(labels: Labels | undefined): boolean;
  /** The text that parses to the same selector. */
  toString(): string;
}

/** Keys sorted; an empty list selects everything. */
export function selectorFromRequirements(requirements: readonly LabelRequirement[]): Selector {
  const sorted = [...requirements].sort((a, b) => compareUtf8(a.key, b.key));
  return {
    requirements: sorted,
    canMatch: true,
    matches: (labels) => sorted.every((requirement) => matchesRequirement(requirement, labels ?? {})),
    toString: () => sorted.map(formatRequirement).join(","),
  };
}

/** Matches nothing. */
function nothingSelector(): Selector {
  return { requirements: [], canMatch: false, matches: () => false, toString: () => "" };
}

/**
 * An empty object selects everything, a missing one nothing. Objects that passed validation never fail.
 * @throws StatusError 400 on an unknown operator or values that do not fit it.
 */
export function selectorFromLabelSelector(selector: LabelSelector | null | undefined): Selector {
  if (selector === undefined || selector === null) return nothingSelector();
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push(makeRequirement(key, "=", [value]));
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = operatorsOfObjects.get(operator);
    if (known === undefined) throw badRequest(`${goQuote(operator)} is not a valid label selector operator`);
    requirements.push(makeRequirement(key, known, values));
  }
  return selectorFromRequirements(requirements);
}

const operatorsOfObjects: ReadonlyMap<string, LabelOperator> = new Map([
  ["In", "in"],
  ["NotIn", "notin"],
  ["Exists", "exists"],
  ["DoesNotExist", "!"],
]);

/** As kubectl prints it: `app=x,y in (a,b)`; `<none>` for an empty or missing one, `<error>` for an invalid one. */
export function formatLabelSelector(selector: LabelSelector | null | undefined): string {
  try {
    return selectorFromLabelSelector(selector).toString() || "<none>";
  } catch {
    return "<error>";
  }
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = values.join(",");
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${list})`;
    case "gt":
      return `${key}>${list}`;
    case "lt":
      return `${key}<${list}`;
    default:
      return `${key}${operator}${list}`;
  }
}

function matchesRequirement({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "in":
    case "=":
    case "==":
      return value !== undefined && values.includes(value);
    case "notin":
    case "!=":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt":
      return compareIntegers(value, values[0], operator);
  }
}

function compareIntegers(
  value: string | undefined,
  bound: string | undefined,
  operator: "gt" | "lt",
): boolean {
  if (value === undefined || bound === undefined || !isInt64(value) || !isInt64(bound)) return false;
  return operator === "gt" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

function isInt64(text: string): boolean {
  if (!/^[+-]?[0-9]{1,30}$/.test(text)) return false;
  const value = BigInt(text.replace("+", ""));
  return value >= -(2n ** 63n) && value < 2n ** 63n;
}

/** @throws StatusError 400 with upstream's text when key or values break the rules. */
function makeRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const problem = requirementProblem(key, operator, values);
  if (problem !== undefined) throw badRequest(problem);
  return { key, operator, values: [...new Set(values)].sort(compareUtf8) };
}

function requirementProblem(
  key: string,
  operator: LabelOperator,
  values: readonly string[],
): string | undefined {
  const problems: string[] = [];
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0) problems.push(fieldErrorMessage(invalidValue("key", key, keyErrors.join("; "))));
  const complain = (detail: string): void => {
    problems.push(fieldErrorMessage(invalidValue("values", values, detail)));
  };
  if ((operator === "in" || operator === "notin") && values.length === 0) {
    complain("for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === "exists" || operator === "!") && values.length > 0) {
    complain("values set must be empty for exists and does not exist");
  }
  if (operator === "gt" || operator === "lt") {
    values.forEach((value, index) => {
      if (isInt64(value)) return;
      const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
      problems.push(fieldErrorMessage(invalidValue(indexPath("values", index), value, detail)));
    });
  }
  values.forEach((value, index) => {
    const errors = labelValueErrors(value);
    if (errors.length === 0) return;
    problems.push(
      fieldErrorMessage(invalidValue(keyPath(indexPath("values", index), key), value, errors.join("; "))),
    );
  });
  if (problems.length === 0) return undefined;
  return problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`;
}

/**
 * The text form: `app=x,tier in (a,b),!old,size>5`. An empty text selects everything.
 * @throws StatusError 400 with upstream's text.
 */
export function parseLabelSelector(text: string): Selector {
  const tokens = new Tokens(text);
  const requirements: LabelRequirement[] = [];
  if (tokens.peek() === endToken) return selectorFromRequirements(requirements);
  for (;;) {
    const first = tokens.peek();
    if (first.type !== "word" && first.type !== "!") {
      if (requirements.length > 0) throw badRequest(`found '${first.text}', expected: identifier after ','`);
      throw badRequest(`found '${first.text}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(parseRequirement(tokens));
    const next = tokens.take();
    if (next === endToken) return selectorFromRequirements(requirements);
    if (next.type !== ",") throw badRequest(`found '${next.text}', expected: ',' or 'end of string'`);
  }
}

function parseRequirement(tokens: Tokens): LabelRequirement {
  const fail = (text: string): never => {
    throw badRequest(`unable to parse requirement: ${text}`);
  };
  const negated = tokens.peek().type === "!";
  if (negated) tokens.take();
  const name = tokens.take();
  if (name.type !== "word") return fail(`found '${name.text}', expected: identifier`);
  const keyErrors = qualifiedNameErrors(name.text);
  if (keyErrors.length > 0) fail(fieldErrorMessage(invalidValue("", name.text, keyErrors.join("; "))));
  const after = tokens.peek();
  if (negated || after === endToken || after.type === ",") {
    return { key: name.text, operator: negated ? "!" : "exists", values: [] };
  }
  const operator = operatorsOfTexts.get(tokens.take().text);
  if (operator === undefined) return fail(`found '${after.text}', expected: in, notin, =, ==, !=, gt, lt`);
  const values =
    operator === "in" || operator === "notin" ? parseValues(tokens, fail) : parseExactValue(tokens, fail);
  const problem = requirementProblem(name.text, operator, values);
  if (problem !== undefined) fail(problem);
  return { key: name.text, operator, values: [...new Set(values)].sort(compareUtf8) };
}

const operatorsOfTexts: ReadonlyMap<string, LabelOperator> = new Map([
  ["in", "in"],
  ["notin", "notin"],
  ["=", "="],
  ["==", "=="],
  ["!=", "!="],
  [">", "gt"],
  ["<", "lt"],
]);

function parseExactValue(tokens: Tokens, fail: (text: string) => never): string[] {
  const next = tokens.peek();
  if (next === endToken || next.type === ",") return [""];
  if (next.type !== "word") return fail(`found '${next.text}', expected: identifier`);
  return [tokens.take().text];
}

/** `(a,b)`; a missing element is the empty value. */
function parseValues(tokens: Tokens, fail: (text: string) => never): string[] {
  const open = tokens.take();
  if (open.type !== "(") return fail(`found '${open.text}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    const value = tokens.peek();
    if (value.type === "word") values.push(tokens.take().text);
    else if (value.type === "," || value.type === ")") values.push("");
    else return fail(`found '${value.text}', expected: ',', ')' or identifier`);
    const separator = tokens.take();
    if (separator.type === ")") return values;
    if (separator.type !== ",") return fail(`found '${separator.text}', expected: ',' or ')'`);
  }
}

interface Token {
  readonly type: string;
  readonly text: string;
}

const endToken: Token = { type: "end", text: "" };

/** Words and the symbols `= == != ! ( ) , > <`; white space separates. */
class Tokens {
  readonly #tokens: Token[] = [];
  #next = 0;

  constructor(text: string) {
    for (const [symbol] of text.matchAll(/==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+/g)) {
      this.#tokens.push(
        /^[=!(),<>]/.test(symbol) ? { type: symbol, text: symbol } : { type: "word", text: symbol },
      );
    }
  }

  peek(): Token {
    return this.#tokens[this.#next] ?? endToken;
  }

  take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }
}
