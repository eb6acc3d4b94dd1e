/**
 * The Accept header as a list of clauses, in order of preference.
 * Not here: which conversions an object endpoint offers (handler.ts decides that from the clauses).
 */

export interface AcceptClause {
  /** Lower case, `application/json`. */
  readonly mediaType: string;
  /** Without `q`; names in lower case, values as sent. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Clauses looked at; clients send at most four. More would only be work for nothing. */
const clausesMax = 20;

/** An absent or empty header means everything. Clauses with `q=0` are left out; equal weights keep their order. */
export function parseAccept(header: string | undefined): readonly AcceptClause[] {
  if (header === undefined || header.trim() === "") return [{ mediaType: "*/*", parameters: {} }];
  const weighted = header.split(",").slice(0, clausesMax).map(parseClause);
  return weighted
    .filter(({ weight, clause }) => weight > 0 && clause.mediaType !== "")
    .sort((a, b) => b.weight - a.weight)
    .map(({ clause }) => clause);
}

function parseClause(text: string): { readonly weight: number; readonly clause: AcceptClause } {
  const [mediaType = "", ...rest] = text.split(";");
  const parameters: Record<string, string> = {};
  let weight = 1;
  for (const part of rest) {
    const equals = part.indexOf("=");
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim().toLowerCase();
    const value = part.slice(equals + 1).trim();
    if (name === "q") weight = Number(value);
    else if (name !== "__proto__") parameters[name] = value;
  }
  return { weight, clause: { mediaType: mediaType.trim().toLowerCase(), parameters } };
}

/** Whether `clause` allows `mediaType`, by name or by a star. Parameters are not looked at. */
export function allows(clause: AcceptClause, mediaType: string): boolean {
  if (clause.mediaType === "*/*" || clause.mediaType === mediaType) return true;
  return clause.mediaType.endsWith("/*") && mediaType.startsWith(clause.mediaType.slice(0, -1));
}
