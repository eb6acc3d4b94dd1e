/**
 * Parses untrusted JSON: bounded depth, duplicate keys reported, chosen parts kept as text, errors with offsets.
 * Ordinary bodies take the built-in parser after a cheap scan of their depth. The parser below runs only to find
 * duplicate keys, to keep raw parts, and to explain an error. Not here: encoding (go-json.ts).
 */
import { goQuote } from "./field-error.ts";
import { endOfString, RawJson } from "./go-json.ts";
import { type JsonObject, setOwn } from "./objects.ts";

/** Levels of nesting accepted by default. No API type needs 50; deeper trees endanger the stack of every walker. */
export const jsonDepthMax = 100;

export class JsonError extends Error {
  /** Where the error is: in UTF-16 units of the text, or in bytes when they are no UTF-8. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = "JsonError";
    this.offset = offset;
  }
}

/** As Go quotes it: what cannot be printed by its number. */
function shownCharacter(code: number): string {
  if (code === 0x27) return "\\'";
  const quoted = goQuote(String.fromCodePoint(code));
  return code === 0x22 ? '"' : quoted.slice(1, -1);
}

export interface ParseJsonOptions {
  readonly depthMax?: number;
  /** Called with the path (`spec.containers[0].name`) of each key that occurs again; the last one wins, as in Go. */
  readonly onDuplicateKey?: (path: string) => void;
  /** Paths of object members (`data`, `spec.data`; no lists) that become RawJson. */
  readonly rawPaths?: readonly string[];
}

/**
 * A fresh tree. `__proto__` is an ordinary own key.
 * @throws JsonError when it is no JSON, no UTF-8, or nested deeper than the bound.
 */
export function parseJson(source: Uint8Array | string, options: ParseJsonOptions = {}): unknown {
  const text = typeof source === "string" ? source : decodeUtf8(source);
  const depthMax = options.depthMax ?? jsonDepthMax;
  if (
    options.onDuplicateKey !== undefined ||
    (options.rawPaths !== undefined && options.rawPaths.length > 0)
  ) {
    return new Parser(text, depthMax, options).document();
  }
  if (isDeeperThan(text, depthMax)) throw depthError(depthMax, 0);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new Parser(text, depthMax, options).document();
  }
}

/** Counts brackets outside strings; right for valid JSON, harmless for other texts. */
function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      i = endOfString(text, i);
      if (i < 0) return false;
    } else if (code === openBrace || code === openBracket) {
      if (++depth > depthMax) return true;
    } else if (code === closeBrace || code === closeBracket) {
      depth--;
    }
  }
  return false;
}

const quote = 0x22;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

function depthError(depthMax: number, offset: number): JsonError {
  return new JsonError(`exceeded max depth: JSON is nested deeper than ${depthMax} levels`, offset);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const offset = invalidUtf8Offset(bytes);
    throw new JsonError(`invalid UTF-8 at byte ${offset}`, offset);
  }
}

/** Start of the first sequence that is no UTF-8; the length when there is none. */
function invalidUtf8Offset(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = utf8Length(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
}

function utf8Length(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] ?? 0;
  if (lead === 0xe0 && second < 0xa0) return 0;
  if (lead === 0xed && second > 0x9f) return 0;
  if (lead === 0xf0 && second < 0x90) return 0;
  if (lead === 0xf4 && second > 0x8f) return 0;
  return length;
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const wordPattern = /true|false|null/y;
const spacePattern = /[ \t\r\n]*/y;

/** A recursive descent parser; its depth is bounded, so the stack is. */
class Parser {
  readonly #text: string;
  readonly #depthMax: number;
  readonly #onDuplicateKey: ((path: string) => void) | undefined;
  readonly #rawPaths: ReadonlySet<string>;
  #at = 0;

  constructor(text: string, depthMax: number, options: ParseJsonOptions) {
    this.#text = text;
    this.#depthMax = depthMax;
    this.#onDuplicateKey = options.onDuplicateKey;
    this.#rawPaths = new Set(options.rawPaths ?? []);
  }

  document(): unknown {
    this.#space();
    const value = this.#value("", 0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected("after top-level value");
    return value;
  }

  #value(path: string, depth: number): unknown {
    const code = this.#text.charCodeAt(this.#at);
    if (code === openBrace) return this.#object(path, depth + 1);
    if (code === openBracket) return this.#array(path, depth + 1);
    if (code === quote) return this.#string();
    const number = this.#match(numberPattern);
    if (number !== undefined) return JSON.parse(number) as unknown;
    const word = this.#match(wordPattern);
    if (word !== undefined) return JSON.parse(word) as unknown;
    throw this.#unexpected("looking for beginning of value");
  }

  #object(path: string, depth: number): JsonObject {
    if (depth > this.#depthMax) throw depthError(this.#depthMax, this.#at);
    const object: JsonObject = {};
    this.#at++;
    this.#space();
    if (this.#skip(closeBrace)) return object;
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== quote)
        throw this.#unexpected("looking for beginning of object key string");
      const key = this.#string();
      const childPath = path === "" ? key : `${path}.${key}`;
      if (Object.hasOwn(object, key)) this.#onDuplicateKey?.(childPath);
      this.#space();
      if (!this.#skip(0x3a)) throw this.#unexpected("after object key");
      this.#space();
      const start = this.#at;
      const value = this.#value(childPath, depth);
      const isRaw = value !== null && this.#rawPaths.has(childPath);
      setOwn(object, key, isRaw ? new RawJson(this.#text.slice(start, this.#at)) : value);
      this.#space();
      if (this.#skip(closeBrace)) return object;
      if (!this.#skip(0x2c)) throw this.#unexpected("after object key:value pair");
      this.#space();
    }
  }

  #array(path: string, depth: number): unknown[] {
    if (depth > this.#depthMax) throw depthError(this.#depthMax, this.#at);
    const array: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#skip(closeBracket)) return array;
    for (;;) {
      array.push(this.#value(`${path}[${array.length}]`, depth));
      this.#space();
      if (this.#skip(closeBracket)) return array;
      if (!this.#skip(0x2c)) throw this.#unexpected("after array element");
      this.#space();
    }
  }

  #string(): string {
    const end = endOfString(this.#text, this.#at);
    if (end < 0) throw new JsonError("unexpected end of JSON input", this.#text.length);
    const literal = this.#text.slice(this.#at, end + 1);
    try {
      const string = JSON.parse(literal) as string;
      this.#at = end + 1;
      return string;
    } catch {
      const offset = this.#at;
      throw new JsonError(`invalid character or escape in string literal at offset ${offset}`, offset);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match === undefined || match === "") return undefined;
    this.#at += match.length;
    return match;
  }

  #space(): void {
    this.#match(spacePattern);
  }

  #skip(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  #unexpected(where: string): JsonError {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return new JsonError("unexpected end of JSON input", this.#at);
    const shown = shownCharacter(code);
    return new JsonError(`invalid character '${shown}' ${where} at offset ${this.#at}`, this.#at);
  }
}
