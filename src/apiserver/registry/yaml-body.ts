/**
 * Request bodies in YAML, read as upstream's server reads them: the first document, version 1.1 (`yes` is true), no custom tags;
 * of a doubled key the last one counts.
 * Not here: manifests of many documents (cli/).
 */
import { type Document, isScalar, Lexer, LineCounter, parseDocument, visit, YAMLError } from "yaml";
import { JsonError, parseJson } from "../../machinery/index.ts";

/** Expansions of aliases in one body; more is a bomb. */
const aliasesMax = 100;

/** Tokens of one body; each costs some two microseconds and a hundred bytes, and the largest manifests have a tenth of this. */
const tokensMax = 200_000;

export interface ParsedYaml {
  /** A plain tree, bounded in depth like any JSON body. */
  readonly value: unknown;
  /** Keys that occur twice in one map, in upstream's words. */
  readonly doubled: readonly string[];
}

/** @throws JsonError when it is no YAML, or too deep. */
export function parseYaml(bytes: Uint8Array): ParsedYaml {
  const { json, doubled } = jsonOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  return { value: parseJson(json), doubled };
}

function jsonOf(text: string): { readonly json: string; readonly doubled: readonly string[] } {
  try {
    checkSize(text);
    const lineCounter = new LineCounter();
    // The library's own search for duplicate keys takes a time that grows with the square of their number.
    const document = parseDocument(text, {
      version: "1.1",
      uniqueKeys: false,
      customTags: [],
      lineCounter,
    });
    // Warnings are of tags that nobody knows. Of a second document nothing is read.
    const faults = [...document.errors, ...document.warnings];
    const fault = faults.find(({ code }) => code !== "MULTIPLE_DOCS");
    if (fault !== undefined) throw fault;
    const json = JSON.stringify(sorted(document.toJS({ maxAliasCount: aliasesMax }))) ?? "null";
    return { json, doubled: doubledKeys(document, lineCounter) };
  } catch (error) {
    throw new JsonError(`yaml: ${wordsOf(error)}`, error instanceof YAMLError ? error.pos[0] : 0);
  }
}

/** With the keys of each map in order, as upstream turns YAML into JSON: the first fault of a body is the first in that order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

/** Upstream's parser has words of its own. */
const upstreamWords: Partial<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: "mapping values are not allowed in this context",
  TAB_AS_INDENT: "found character that cannot start any token",
};

/** Without the place and the lines that the library shows. */
function wordsOf(error: unknown): string {
  const known = error instanceof YAMLError ? upstreamWords[error.code] : undefined;
  if (known !== undefined) return known;
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;
}

function checkSize(text: string): void {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) {
    if (++tokens > tokensMax) throw new Error(`more than ${tokensMax} tokens`);
  }
}

function doubledKeys(document: Document.Parsed, lines: LineCounter): string[] {
  const doubled: string[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        const { line } = lines.linePos(key.range?.[0] ?? 0);
        if (seen.has(name)) doubled.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
        seen.add(name);
      }
    },
  });
  return doubled;
}
