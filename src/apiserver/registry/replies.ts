/**
 * Makers of replies. Not here: which form a client wants (negotiate.ts), bytes of stored objects (encode.ts).
 */
import {
  type ApiReply,
  encodeJson,
  type KubeObject,
  type Status,
  statusOf,
  successStatus,
  wrongForm,
} from "../../machinery/index.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import type { ReplyForm } from "./negotiate.ts";
import type { Served } from "./resource-registry.ts";
import { type IncludeObject, partialOf, tableOf } from "./tables.ts";

const json = "application/json";

/** Any object; encoded when the transport asks for bytes. */
export function objectReply(status: number, object: object): ApiReply {
  return {
    status,
    contentType: json,
    body: { as: "object", object, bytes: () => Buffer.from(encodeJson(object)) },
  };
}

/** Upstream's type of an object, or of a list of them. */
export function goTypeOf({ kind, definition, storage }: Served, suffix: "" | "List"): string {
  if (definition.schemas !== undefined) return `*unstructured.Unstructured${suffix}`;
  const { group } = storage.resource;
  return `*${group === "" ? "core" : group.split(".", 1)[0]!}.${kind.resource.kind}${suffix}`;
}

export interface ShownAs {
  readonly form: ReplyForm;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

/** A stored object in the form that the client asked for; plain JSON is sent from its ready bytes. */
export function stateReply(
  served: Served,
  state: StoredObject,
  options: { readonly status: number; readonly shownAs: ShownAs },
): ApiReply {
  const { status, shownAs } = options;
  if (shownAs.form.as !== "object" || served.shape !== undefined) {
    return objectReply(status, shown(served, state.object, shownAs));
  }
  return {
    status,
    contentType: json,
    body: {
      as: "object",
      get object() {
        return state.object;
      },
      bytes: () => state.bytes(),
    },
  };
}

/** The object as clients of this kind see it, in the wanted form. */
function shown(served: Served, stored: KubeObject, shownAs: ShownAs): object {
  const object = served.shape === undefined ? stored : served.shape.shown(stored);
  const { form, includeObject, nowMs } = shownAs;
  switch (form.as) {
    case "object":
      return object;
    case "PartialObjectMetadata":
      if (form.isList) throw wrongForm("PartialObjectMetadataList", goTypeOf(served, ""), false);
      return partialOf(object, form.version);
    case "Table": {
      const { resourceVersion } = object.metadata;
      const meta = resourceVersion === undefined ? {} : { resourceVersion };
      return tableOf(served.kind, [object], {
        version: form.version,
        includeObject,
        nowMs,
        meta,
        columns: true,
      });
    }
  }
}

/** Status Success: 200 with what was done to whom, or 201. */
export function successReply(status: 200 | 201, details?: Status["details"]): ApiReply {
  return objectReply(status, successStatus(details, status === 201 ? status : undefined));
}

/** The reply with warnings; it has none yet. */
export function withWarnings(reply: ApiReply, warnings: readonly string[] | undefined): ApiReply {
  return warnings === undefined ? reply : { ...reply, warnings: trimWarnings(warnings) };
}

/** Upstream's bounds: beyond the first sum of characters every warning is cut to the second. */
const warningCharactersMax = 4096;
const warningCutCharacters = 256;

/** Without duplicates; when all together are too long each is cut, and what still does not fit is dropped. */
function trimWarnings(warnings: readonly string[]): readonly string[] {
  const unique = [...new Set(warnings)];
  const length = unique.reduce((sum, text) => sum + text.length, 0);
  if (length <= warningCharactersMax) return unique;
  const kept: string[] = [];
  let sum = 0;
  for (const text of unique) {
    const cut = text.slice(0, warningCutCharacters);
    sum += cut.length;
    if (sum > warningCharactersMax) break;
    kept.push(cut);
  }
  return kept;
}

/** The failure as the API sends it: Status JSON under its own code, with Retry-After when it suggests one. */
export function statusReply(error: unknown): ApiReply {
  const status = statusOf(error);
  const code = status.code ?? 500;
  const seconds = status.details?.retryAfterSeconds ?? 0;
  const headers =
    seconds > 0 && (code === 429 || code === 503) ? { "retry-after": String(seconds) } : undefined;
  let bytes: Uint8Array | undefined;
  return {
    status: code,
    contentType: "application/json",
    body: { as: "object", object: status, bytes: () => (bytes ??= Buffer.from(JSON.stringify(status))) },
    ...(headers === undefined ? {} : { headers }),
  };
}
