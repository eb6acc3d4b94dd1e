/**
 * OpenAPI documents: `/openapi/v2` as the smallest answer that every kubectl takes, `/openapi/v3` in full.
 * Documents are built when first asked for and kept as bytes; the shell keeps their gzip form.
 * Not here: the contents (api/), compression (http/reply.ts).
 */
import type { DocumentedKind } from "../../api/index.ts";
import type { Clock } from "../../base/index.ts";
import { notAcceptable, type CallHead, type ApiReply } from "../../machinery/index.ts";
import { allows, parseAccept } from "../registry/accept.ts";
import {
  documentOf,
  documentReply,
  isRead,
  madeOf,
  textReply,
  trimmedPath,
  type Document,
  type Endpoint,
  type ServedKinds,
} from "./document.ts";
import { statusReply } from "../registry/replies.ts";
import { kubernetesVersion } from "./health.ts";

export interface OpenApiOptions {
  readonly served: ServedKinds;
  /** Makes the document of a group version from all that is served of it. Without it there are no documents. */
  readonly document: ((own: readonly DocumentedKind[]) => object) | undefined;
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
  const v3 = options.document === undefined ? undefined : lazyDocuments(options.served, options.document);
  return (call) => {
    if (!isRead(call)) return undefined;
    const path = trimmedPath(call.path);
    if (path === "/openapi/v2") return v2Reply(call, v2Binary, v2Json);
    // Without documents kubectl does better with a 404 than with an empty index.
    if (v3 === undefined) return undefined;
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

function lazyDocuments(served: ServedKinds, make: (own: readonly DocumentedKind[]) => object): LazyDocuments {
  /** Kept over changes: a group version of which nothing changed keeps its document. */
  let documents = new Map<string, LazyDocument>();
  const current = madeOf(served, (all) => {
    const before = documents;
    documents = new Map();
    for (const [name, own] of byGroupVersion(all)) {
      const known = before.get(name);
      documents.set(name, known?.isOf(own) === true ? known : new LazyDocument(own, make));
    }
    return documents;
  });
  const index = madeOf(served, () => documentOf(json, { paths: indexPaths(current()) }));
  return { at: (name) => current().get(name)?.document, index };
}

class LazyDocument {
  readonly #own: readonly DocumentedKind[];
  readonly #make: (own: readonly DocumentedKind[]) => object;
  #document: Document | undefined;

  constructor(own: readonly DocumentedKind[], make: (own: readonly DocumentedKind[]) => object) {
    this.#own = own;
    this.#make = make;
  }

  isOf(own: readonly DocumentedKind[]): boolean {
    return own.length === this.#own.length && own.every((one, at) => one === this.#own[at]);
  }

  get document(): Document {
    return (this.#document ??= documentOf(json, this.#make(this.#own)));
  }
}

/** In the order of the index. */
function byGroupVersion(all: ServedKinds["all"]): ReadonlyMap<string, readonly DocumentedKind[]> {
  const found = new Map<string, DocumentedKind[]>();
  for (const { kind, definition } of all) {
    const { group, version } = kind.resource;
    const name = group === "" ? `api/${version}` : `apis/${group}/${version}`;
    const own = found.get(name);
    if (own === undefined) found.set(name, [definition]);
    else own.push(definition);
  }
  return found;
}

function indexPaths(documents: ReadonlyMap<string, LazyDocument>): object {
  const paths: Record<string, object> = {};
  for (const [name, { document }] of documents)
    paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hashInEtag(document)}` };
  return paths;
}

function hashInEtag(document: Document): string {
  return document.etag.slice(1, -1);
}

function v2Reply(call: CallHead, binary: Document, plain: Document): ApiReply {
  for (const clause of parseAccept(call.accept)) {
    if (v2Asked.includes(clause.mediaType)) return documentReply(call, binary, { vary: "Accept" });
    if (allows(clause, json)) return documentReply(call, plain, { vary: "Accept" });
  }
  return statusReply(notAcceptable([json, v2Type]));
}

function jsonOnly(call: CallHead): ApiReply | undefined {
  if (parseAccept(call.accept).some((clause) => allows(clause, json))) return undefined;
  return statusReply(notAcceptable([json]));
}

/** With the right hash it may be kept for a year; a stale hash is sent to the new one. */
function v3Reply(call: CallHead, document: Document, clock: Clock): ApiReply {
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
