/**
 * Which form a client wants its answer in, by Accept; which kinds of bodies are understood.
 * Not here: making the forms (tables.ts), discovery's own forms (discovery.ts).
 */
import {
  noRepresentation,
  notAcceptable,
  typeNotServed,
  unsupportedMediaType,
} from "../../machinery/index.ts";
import { type AcceptClause, allows, parseAccept } from "./accept.ts";

export type ReplyForm =
  | { readonly as: "object" }
  | { readonly as: "Table"; readonly version: "v1" | "v1beta1" }
  | {
      readonly as: "PartialObjectMetadata";
      readonly version: "v1" | "v1beta1";
      /** The list of them was asked for. */
      readonly isList: boolean;
    };

export const plainForm: ReplyForm = { as: "object" };

/** Upstream's: of requests and of answers. */
export const mediaTypes: readonly string[] = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
];
const watchTypes = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/**
 * What upstream's router looks at before anybody reads the request: a type by its very name, or all.
 * @throws StatusError 406 when the client accepts none of them.
 */
export function checkAccept(accept: string | undefined, isList: boolean): void {
  if (accept === undefined || accept === "" || accept === "application/json") return;
  const types = accept.split(",").map((clause) => clause.split(";", 1)[0]!.trim());
  if (!types.some((type) => type === "*/*" || mediaTypes.includes(type)))
    throw noRepresentation(isList ? [...mediaTypes, ...watchTypes] : mediaTypes);
}

/**
 * The first clause that can be served, by quality and then order; clauses with a conversion that does not exist are skipped.
 * @throws StatusError 406 when nothing fits.
 */
export function replyForm(accept: string | undefined): ReplyForm {
  if (accept === undefined || accept === "application/json") return plainForm;
  for (const clause of parseAccept(accept)) {
    const form = allows(clause, "application/json") ? formOf(clause) : undefined;
    if (form !== undefined) return form;
  }
  throw notAcceptable(mediaTypes);
}

function formOf(clause: AcceptClause): ReplyForm | undefined {
  const { as, g, v, stream } = clause.parameters;
  if (as === undefined) return stream === undefined || stream === "watch" ? plainForm : undefined;
  if (g !== "meta.k8s.io" || (v !== "v1" && v !== "v1beta1")) return undefined;
  if (as === "Table") return { as, version: v };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
    return { as: "PartialObjectMetadata", version: v, isList: as === "PartialObjectMetadataList" };
  return undefined;
}

/** The media type of a body without parameters; absent means JSON. */
function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined || contentType === "") return "application/json";
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/** @throws StatusError 415. */
export function bodyForm(contentType: string | undefined): "json" | "yaml" | "protobuf" {
  const type = mediaTypeOf(contentType);
  if (type === "application/json") return "json";
  if (type === "application/yaml") return "yaml";
  if (type === "application/vnd.kubernetes.protobuf") return "protobuf";
  throw unsupportedMediaType(mediaTypes);
}

export type PatchForm = "merge" | "strategic" | "json";

const patchForms: ReadonlyMap<string, PatchForm> = new Map([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
]);

/** What upstream's router lets through. @throws StatusError 415. */
export function checkPatchType(contentType: string | undefined): void {
  if (!contentType?.startsWith("application/apply-patch+yaml")) patchForm(contentType);
}

/** By its very name, as upstream's router looks at it. @throws StatusError 415. */
export function patchForm(contentType: string | undefined): PatchForm {
  const form = patchForms.get((contentType ?? "").split(";", 1)[0]!.trim());
  if (form === undefined) throw typeNotServed();
  return form;
}
