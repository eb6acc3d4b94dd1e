/**
 * Field selectors: exact comparison of single fields. Not here: which fields a kind has (api/parts/kinds.ts).
 * Upstream: kubernetes v1.34, apimachinery/pkg/fields/selector.go.
 */
import { badRequest } from "./status.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[];
  /** `get` gives a field's text, "" when it is missing. */
  matches(get: (field: string) => string): boolean;
}

/**
 * An empty text selects everything. The caller checks whether a kind has the fields.
 * @throws StatusError 400 when the text cannot be understood.
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) if (term !== "") requirements.push(parseTerm(term, text));
  return fieldSelector(requirements);
}

/** Matches everything when there are no requirements. */
function fieldSelector(requirements: readonly FieldRequirement[]): FieldSelector {
  return {
    requirements,
    matches: (get) =>
      requirements.every(({ field, operator, value }) => (get(field) === value) === (operator === "=")),
  };
}

/** Splits at commas that are not escaped. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "\\") {
      i++;
    } else if (char === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function parseTerm(term: string, whole: string): FieldRequirement {
  const match = /!=|==|=/.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${whole}'; can't understand '${term}'`);
  const field = term.slice(0, match.index);
  const value = unescapeValue(term.slice(match.index + match[0].length));
  return { field, operator: match[0] === "!=" ? "!=" : "=", value };
}

function unescapeValue(value: string): string {
  let plain = "";
  for (let i = 0; i < value.length; i++) {
    const char = value.charAt(i);
    if (char === "\\") {
      i++;
      const escaped = value.charAt(i);
      if (escaped !== "\\" && escaped !== "," && escaped !== "=") {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      }
      plain += escaped;
    } else if (char === "," || char === "=") {
      throw badRequest(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else {
      plain += char;
    }
  }
  return plain;
}
