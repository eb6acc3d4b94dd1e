/**
 * Parses manifests: YAML or JSON, several documents in a file, lists unpacked.
 * Not here: reading files (main/), sending (apply.ts). YAML is read as kubectl reads it: version 1.1, so `yes` and `on` are booleans.
 */
import { type Document, isMap, LineCounter, parseAllDocuments } from "yaml";
import type { KubeObject } from "../machinery/index.ts";
import { UsageError } from "./usage-error.ts";

/** A manifest may not be larger than what the server takes. */
const manifestBytesMax: number = 3 * 1024 * 1024;
/** Expansions of YAML aliases in one document. More would be an attack on the memory. */
const aliasesMax = 100;

export interface Manifest {
  readonly object: KubeObject;
  /** `file:line` of the document, for messages. */
  readonly source: string;
}

/** All objects of a file in their order. Empty documents are skipped. @throws UsageError that names file and line. */
export function readManifests(text: string, file: string): readonly Manifest[] {
  if (text.length > manifestBytesMax)
    throw new UsageError(`${file} has more than ${manifestBytesMax} bytes`, "split it");
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: "1.1",
    lineCounter: lines,
    merge: true,
    uniqueKeys: true,
  });
  if ("empty" in documents) return [];
  const found: Manifest[] = [];
  for (const document of documents) {
    // The parser only warns of unknown tags; they are errors here.
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) {
      const { line } = lines.linePos(error.pos[0]);
      throw new UsageError(
        `${file}:${line}: ${error.message.split("\n", 1)[0]!.replace(/ at line \d+, column \d+:?$/, "")}`,
        "correct the YAML and try again",
      );
    }
    if (document.contents === null) continue;
    const source = `${file}:${lines.linePos(document.contents.range?.[0] ?? 0).line}`;
    if (!isMap(document.contents))
      throw new UsageError(
        `${source}: this document is not an object`,
        "a manifest begins with apiVersion and kind",
      );
    found.push(...unpack(plainValue(document, source), source));
  }
  return found;
}

/** @throws UsageError for too many aliases and for unknown ones. */
function plainValue(document: Document.Parsed, source: string): object {
  try {
    return document.toJS({ maxAliasCount: aliasesMax }) as object;
  } catch (error) {
    throw new UsageError(`${source}: ${(error as Error).message}`, "write out what the aliases stand for", {
      cause: error,
    });
  }
}

interface Raw {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly generateName?: unknown } | null;
  readonly items?: unknown;
}

function unpack(value: object, source: string): readonly Manifest[] {
  const raw = value as Raw;
  if (typeof raw.apiVersion !== "string" || raw.apiVersion === "")
    throw new UsageError(`${source}: apiVersion not set`, "add apiVersion, for example apps/v1");
  if (typeof raw.kind !== "string" || raw.kind === "")
    throw new UsageError(`${source}: kind not set`, "add kind, for example DaemonSet");
  if (raw.kind.endsWith("List") && Array.isArray(raw.items)) {
    return raw.items.flatMap((item: unknown, index) => unpack(item as object, `${source} items[${index}]`));
  }
  if (typeof raw.metadata?.name !== "string")
    throw new UsageError(`${source}: metadata.name not set`, `give the ${raw.kind} a name`);
  return [{ object: value as KubeObject, source }];
}
