/**
 * One API request and its reply, free of any transport: the HTTP shell and the in-process loopback both speak this.
 * Not here: HTTP headers and sockets (apiserver/http-server.ts), client conveniences (client/).
 *
 *   HTTP ──▶ ApiCall ──▶ apiserver handler ──▶ ApiReply ──▶ bytes on the wire
 *   loopback ──▶ ApiCall ───────┘                  └──────▶ the same frozen objects, no bytes made
 */
import type { KubeList, KubeObject } from "./meta.ts";

export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";

export interface ApiCall {
  readonly method: Method;
  /** Path without query; percent-encoding still in place. */
  readonly path: string;
  /** Decoded pairs in request order; a name may occur more than once. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Accept header; absent means JSON. */
  readonly accept?: string;
  /** Content-Type header of the body; absent means JSON. */
  readonly contentType?: string;
  readonly userAgent?: string;
  /** Bytes from the wire, or an object that the caller will not change and the server never changes. */
  readonly body?: Uint8Array | object;
  readonly user: UserInfo;
  /** If-None-Match, for discovery and OpenAPI documents. */
  readonly ifNoneMatch?: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** One event of a watch; `bytes` is the JSON line with its newline, made at most once for all watchers. */
export interface WatchFrame {
  readonly type: WatchEventType;
  readonly object: object;
  bytes(): Uint8Array;
}

export interface WatchSink {
  /**
   * Takes the events of one turn, in order.
   * @returns false when the reader is too far behind: the server then ends the watch, and the client lists again.
   */
  events(batch: readonly WatchFrame[]): boolean;
  /** Called once, last; the client may watch again from the last revision it saw. */
  end(): void;
}

export type ReplyBody =
  /** A single object (or Status, Table, APIResourceList, ...). */
  | { readonly as: "object"; readonly object: object; bytes(): Uint8Array }
  /** A list: the envelope without items, and items whose bytes exist already. */
  | { readonly as: "list"; readonly list: KubeList<KubeObject>; pieces(): Iterable<Uint8Array> }
  | { readonly as: "bytes"; bytes(): Uint8Array }
  /** Nothing happens until `start`, which returns a function that stops the watch. The call's signal stops it too. */
  | { readonly as: "watch"; start(sink: WatchSink): () => void }
  /** Text that arrives over time (logs). */
  | { readonly as: "stream"; chunks(): AsyncIterable<Uint8Array> };

export interface ApiReply {
  /** HTTP status code. */
  readonly status: number;
  readonly contentType: string;
  readonly body: ReplyBody;
  /** Texts for `Warning: 299 - "..."` headers, without quotes. */
  readonly warnings?: readonly string[];
  /** Further headers, names in lower case (etag, cache-control, retry-after, vary). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a server is to its callers. Never rejects: failures are replies that hold a Status. */
export type ApiHandler = (call: ApiCall) => Promise<ApiReply>;
