/**
 * Request bodies in YAML, read as upstream's server reads them: one document, version 1.1 (`yes` is true), no custom tags.
 * Not here: manifests of many documents (cli/).
 */
import { parseDocument } from "yaml";
import { badRequest, parseJson } from "../machinery/index.ts";

/** Expansions of aliases in one body; more is a bomb. */
const aliasesMax = 100;

/** A plain tree, bounded in depth like any JSON body. @throws StatusError 400, JsonError when it is too deep. */
export function parseYaml(bytes: Uint8Array): unknown {
  const json = jsonOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  return parseJson(json);
}

function jsonOf(text: string): string {
  try {
    const document = parseDocument(text, { version: "1.1", uniqueKeys: true, customTags: [] });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return JSON.stringify(document.toJS({ maxAliasCount: aliasesMax })) ?? "null";
  } catch (error) {
    const [message] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
    throw badRequest(`error converting YAML to JSON: yaml: ${message}`);
  }
}
