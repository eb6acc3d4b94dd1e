/**
 * JSON texts: values kept verbatim (RawJson), ordinary encoding, and the byte form that Go's encoder would give.
 * Not here: parsing (json.ts).
 */

/** A JSON value as text, kept byte for byte; compact, as Go's json.Compact leaves it. */
export class RawJson {
  readonly text: string;

  /** `text` must be valid JSON; white space outside strings is removed, nothing else changes. */
  constructor(text: string) {
    this.text = compactJson(text);
    Object.freeze(this);
  }

  /** The value behind the text: a fresh object graph each time. */
  value(): unknown {
    return JSON.parse(this.text) as unknown;
  }
}

/** How JSON.stringify begins a RawJson. Any other object that begins so only takes the slower path. */
const rawMark = '{"text":"';

/**
 * JSON.stringify, but a RawJson is written as its text. Keys stand in insertion order.
 * @throws TypeError on cycles and on BigInt, as JSON.stringify does.
 */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return "null";
  return text.includes(rawMark) ? encodeWithRaw(value) : text;
}

function encodeWithRaw(value: unknown): string {
  if (typeof value !== "object" || value === null)
    return (JSON.stringify(value) as string | undefined) ?? "null";
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(encodeWithRaw).join(",")}]`;
  const parts: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (isAbsent(member)) continue;
    parts.push(`${JSON.stringify(key)}:${encodeWithRaw(member)}`);
  }
  return `{${parts.join(",")}}`;
}

/**
 * The bytes that Go's json.Marshal gives for a map: keys sorted by UTF-8 bytes at every level, no white space,
 * `<`, `>`, `&`, U+2028 and U+2029 escaped, `\b` and `\f` short as since Go 1.22. Members that are undefined are left
 * out, null is written. A RawJson is parsed and written canonically as well.
 */
export function canonicalJson(value: unknown): string {
  if (value instanceof RawJson) return canonicalJson(value.value());
  if (typeof value === "string") return goString(value);
  if (typeof value !== "object" || value === null)
    return (JSON.stringify(value) as string | undefined) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const parts: string[] = [];
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members).sort(compareUtf8)) {
    const member = members[key];
    if (!isAbsent(member)) parts.push(`${goString(key)}:${canonicalJson(member)}`);
  }
  return `{${parts.join(",")}}`;
}

/** As canonicalJson, for texts in messages: same bytes. */
export function goJson(value: unknown): string {
  return canonicalJson(value);
}

/** A JSON string as Go writes it; lone surrogates become U+FFFD. */
function goString(text: string): string {
  const quoted = JSON.stringify(text);
  if (!/[<>&\u2028\u2029]|\\ud[89a-f]/.test(quoted)) return quoted;
  return quoted
    .replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (match) => (match === "\\\\" ? match : "\ufffd"));
}

/** Order of the UTF-8 bytes of two texts: what Go's sort.Strings gives. JavaScript's `<` differs beyond U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rankUnit(x) - rankUnit(y);
  }
  return a.length - b.length;
}

/** Surrogates stand above all other units, as their code points do. */
function rankUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Removes white space outside strings; the text must be valid JSON. */
export function compactJson(text: string): string {
  if (!/[ \t\r\n]/.test(text)) return text;
  let compact = "";
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('"', at);
    const outside = open < 0 ? text.slice(at) : text.slice(at, open);
    compact += outside.replace(/[ \t\r\n]+/g, "");
    if (open < 0) break;
    const close = endOfString(text, open);
    at = close < 0 ? text.length : close + 1;
    compact += text.slice(open, at);
  }
  return compact;
}

/** Index of the quote that closes the string opened at `start`; -1 when there is none. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}
