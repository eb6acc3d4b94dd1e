/**
 * OpenAPI documents: `/openapi/v2` as the smallest answer that every kubectl takes, `/openapi/v3` in full.
 * Documents are built when first asked for and kept as bytes; the shell keeps their gzip form.
 * Not here: the contents (api/), compression (http/reply.ts).
 */
import type { Clock } from "../../base/index.ts";
import { notAcceptable, type ApiCall, type ApiReply } from "../../machinery/index.ts";
import { allows, parseAccept } from "../registry/accept.ts";
import {
  documentOf,
  documentReply,
  isRead,
  textReply,
  trimmedPath,
  type Document,
  type Endpoint,
} from "./document.ts";
import { statusReply } from "../registry/replies.ts";
import { kubernetesVersion } from "./health.ts";

export interface OpenApiOptions {
  /** Group versions that have a document, in the order of the index; the core group's name is empty. */
  readonly groupVersions: readonly { readonly group: string; readonly version: string }[];
  /** Called at most once per group version; undefined when there is none after all. */
  readonly document: (group: string, version: string) => object | undefined;
  readonly clock: Clock;
}

/** Swagger "2.0", a title and a version, no paths, no definitions: enough for strict validation on our side. */
const emptyV2 = Buffer.from("0a03322e30120a0a01781205302e302e3042004a00", "hex");

const v2Asked = [
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
  "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
];
const v2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const json = "application/json";

/** A document under its hash never changes: clients may keep it for a year. */
const hashedDocumentKeptMs = 365 * 24 * 3600 * 1000;

/** Asked in turn by the handler; undefined for paths outside `/openapi`. */
export function createOpenApi(options: OpenApiOptions): Endpoint {
  const v2Binary = documentOf(v2Type, emptyV2);
  const v2Json = documentOf(json, {
    swagger: "2.0",
    info: { title: "Kubernetes", version: kubernetesVersion.gitVersion },
    paths: {},
    definitions: {},
  });
  const v3 = lazyDocuments(options);
  return (call) => {
    if (!isRead(call)) return undefined;
    const path = trimmedPath(call.path);
    if (path === "/openapi/v2") return v2Reply(call, v2Binary, v2Json);
    // Without documents kubectl does better with a 404 than with an empty index.
    if (options.groupVersions.length === 0) return undefined;
    if (path === "/openapi/v3") return jsonOnly(call) ?? documentReply(call, v3.index(), { vary: "Accept" });
    if (!path.startsWith("/openapi/v3/")) return undefined;
    const document = v3.at(path.slice("/openapi/v3/".length));
    return document === undefined ? undefined : (jsonOnly(call) ?? v3Reply(call, document, options.clock));
  };
}

interface LazyDocuments {
  index(): Document;
  at(name: string): Document | undefined;
}

function lazyDocuments(options: OpenApiOptions): LazyDocuments {
  const makers = new Map<string, () => object | undefined>();
  for (const { group, version } of options.groupVersions) {
    const name = group === "" ? `api/${version}` : `apis/${group}/${version}`;
    makers.set(name, () => options.document(group, version));
  }
  const made = new Map<string, Document | undefined>();
  let index: Document | undefined;
  const at = (name: string): Document | undefined => {
    if (!made.has(name)) {
      const content = makers.get(name)?.();
      // Names that do not exist are not remembered: a stranger could ask for any number of them.
      if (content === undefined && !makers.has(name)) return undefined;
      made.set(name, content === undefined ? undefined : documentOf(json, content));
    }
    return made.get(name);
  };
  return { at, index: () => (index ??= documentOf(json, { paths: indexPaths([...makers.keys()], at) })) };
}

function indexPaths(names: readonly string[], at: (name: string) => Document | undefined): object {
  const paths: Record<string, object> = {};
  for (const name of names) {
    const document = at(name);
    if (document === undefined) continue;
    paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hashInEtag(document)}` };
  }
  return paths;
}

function hashInEtag(document: Document): string {
  return document.etag.slice(1, -1);
}

function v2Reply(call: ApiCall, binary: Document, plain: Document): ApiReply {
  for (const clause of parseAccept(call.accept)) {
    if (v2Asked.includes(clause.mediaType)) return documentReply(call, binary, { vary: "Accept" });
    if (allows(clause, json)) return documentReply(call, plain, { vary: "Accept" });
  }
  return statusReply(notAcceptable([json, v2Type]));
}

function jsonOnly(call: ApiCall): ApiReply | undefined {
  if (parseAccept(call.accept).some((clause) => allows(clause, json))) return undefined;
  return statusReply(notAcceptable([json]));
}

/** With the right hash it may be kept for a year; a stale hash is sent to the new one. */
function v3Reply(call: ApiCall, document: Document, clock: Clock): ApiReply {
  const asked = call.query.find(([name]) => name === "hash")?.[1];
  if (asked === undefined || asked === "") return documentReply(call, document, { vary: "Accept" });
  if (asked !== hashInEtag(document)) {
    const location = `${trimmedPath(call.path)}?hash=${hashInEtag(document)}`;
    return { ...textReply(301, ""), headers: { location } };
  }
  return documentReply(call, document, {
    vary: "Accept",
    "cache-control": "public, immutable",
    expires: new Date(clock.nowMs() + hashedDocumentKeptMs).toUTCString(),
  });
}
