/**
 * Request bodies in YAML, read as upstream's server reads them: one document, version 1.1 (`yes` is true), no custom tags.
 * Not here: manifests of many documents (cli/).
 */
import { type Document, isScalar, Lexer, parseDocument, visit } from "yaml";
import { badRequest, parseJson } from "../../machinery/index.ts";

/** Expansions of aliases in one body; more is a bomb. */
const aliasesMax = 100;

/** Tokens of one body; each costs some two microseconds and a hundred bytes, and the largest manifests have a tenth of this. */
const tokensMax = 200_000;

/** A plain tree, bounded in depth like any JSON body. @throws StatusError 400, JsonError when it is too deep. */
export function parseYaml(bytes: Uint8Array): unknown {
  const json = jsonOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  return parseJson(json);
}

function jsonOf(text: string): string {
  try {
    checkSize(text);
    // The library's own search for duplicate keys takes a time that grows with the square of their number.
    const document = parseDocument(text, { version: "1.1", uniqueKeys: false, customTags: [] });
    // Warnings are of tags that nobody knows.
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) throw error;
    checkKeys(document);
    return JSON.stringify(document.toJS({ maxAliasCount: aliasesMax })) ?? "null";
  } catch (error) {
    const [message] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
    throw badRequest(`error converting YAML to JSON: yaml: ${message}`);
  }
}

function checkSize(text: string): void {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) {
    if (++tokens > tokensMax) throw new Error(`more than ${tokensMax} tokens`);
  }
}

/** @throws Error for a key that occurs twice in one map. */
function checkKeys(document: Document.Parsed): void {
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) throw new Error(`key ${JSON.stringify(name)} already set in map`);
        seen.add(name);
      }
    },
  });
}
