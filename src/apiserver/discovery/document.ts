/**
 * Replies for documents that change seldom: discovery, OpenAPI, version, health. Bytes are made once, carry an ETag
 * and answer If-None-Match with 304.
 * Not here: objects, lists and failures (registry/replies.ts).
 */
import { createHash } from "node:crypto";
import type { DocumentedKind, Kind } from "../../api/index.ts";
import type { CallHead, ApiReply } from "../../machinery/index.ts";

/** An answer of an endpoint that may not be responsible for the path; undefined lets the next one try. */
export type Endpoint = (call: CallHead) => ApiReply | undefined;

/** Immutable bytes with their type and quoted ETag. */
export interface Document {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export function documentOf(contentType: string, content: Uint8Array | object): Document {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  return { contentType, bytes, etag: `"${hashOf(bytes)}"` };
}

/** Upper-case hex of SHA-256, as upstream's OpenAPI hashes. */
function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").toUpperCase();
}

/** 200 with the document, or 304 when the caller has it. The same bytes object every time, so that the shell can keep its gzip form. */
export function documentReply(
  call: CallHead,
  document: Document,
  headers: Readonly<Record<string, string>> = {},
): ApiReply {
  const all = { etag: document.etag, ...headers };
  const isKnown = call.ifNoneMatch !== undefined && etagMatches(call.ifNoneMatch, document.etag);
  const bytes = isKnown ? nothing : document.bytes;
  return {
    status: isKnown ? 304 : 200,
    contentType: document.contentType,
    body: { as: "bytes", bytes: () => bytes },
    headers: all,
  };
}

export function textReply(status: number, text: string): ApiReply {
  const bytes = Buffer.from(text);
  return { status, contentType: "text/plain; charset=utf-8", body: { as: "bytes", bytes: () => bytes } };
}

const nothing = new Uint8Array(0);

/** If-None-Match may list several tags, weak ones too. */
function etagMatches(header: string, etag: string): boolean {
  return header.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/** Documents are read only; anything but GET and HEAD is for somebody else to refuse. */
export function isRead(call: CallHead): boolean {
  return call.method === "GET" || call.method === "HEAD";
}

/** The path without a slash at its end, so that `/apis/` is `/apis`. */
export function trimmedPath(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** What is served, in the order of discovery; another array after each change. */
export interface ServedKinds {
  readonly all: readonly { readonly kind: Kind; readonly definition: DocumentedKind }[];
}

/** A value that is made of what is served: once, and again after each change, when somebody asks. */
export function madeOf<T>(served: ServedKinds, make: (all: ServedKinds["all"]) => T): () => T {
  let made: { readonly of: ServedKinds["all"]; readonly value: T } | undefined;
  return () => {
    const { all } = served;
    if (made?.of !== all) made = { of: all, value: make(all) };
    return made.value;
  };
}
