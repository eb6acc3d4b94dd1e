/**
 * One API request and its reply, independent of the transport: the HTTP shell and the in-process loopback both use them.
 * Not here: HTTP headers and sockets (apiserver/http/), client conveniences (client/), what a path means (request-info.ts).
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

/** A call without its body and credentials. */
export interface CallHead {
  readonly method: Method;
  /** Path without query; percent-encoding still in place. */
  readonly path: string;
  /** Decoded pairs in request order; a name may occur more than once. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Accept header; absent means JSON. */
  readonly accept?: string | undefined;
  /** Content-Type header of the body; absent means JSON. */
  readonly contentType?: string | undefined;
  readonly userAgent?: string | undefined;
  /** If-None-Match, for discovery and OpenAPI documents. */
  readonly ifNoneMatch?: string | undefined;
  /** The caller wants to leave HTTP. A reply that is no upgrade is sent as for any other call. */
  readonly upgrade?: UpgradeWish | undefined;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

export interface UpgradeWish {
  /** As the client writes it: `websocket`, `SPDY/3.1`. */
  readonly protocol: string;
  /** The headers of the negotiation, in lower case: `sec-websocket-*`, `x-stream-protocol-version`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Bytes from the wire, or an object that the caller will not change and the server never changes. */
export type CallBody = Uint8Array | object;

/** A call as a transport receives it: its credentials have not been checked. */
export interface ApiCall extends CallHead {
  readonly credentials: Credentials;
  readonly body?: CallBody | undefined;
  /**
   * Reads the body from the wire, in place of `body`. Undefined when it is empty. Call at most once.
   * @throws StatusError 408, 413, 415, 429; the signal's reason when the caller goes away.
   */
  readonly readBody?: (() => Promise<Uint8Array | undefined>) | undefined;
}

export type Credentials = ConnectionCredentials | ProcessCredentials;

/** Credentials of a client on a connection. None has been checked, except that TLS has verified the certificate. */
export interface ConnectionCredentials {
  readonly from: "connection";
  /** The peer's address without its port. */
  readonly address: string;
  /** "refused" when there is one that the client CA has not signed. */
  readonly certificate?: CertificateSubject | "refused" | undefined;
  /** The Authorization header. */
  readonly authorization?: string | undefined;
  readonly impersonate?: Impersonation | undefined;
}

/** Credentials of a part of this process. It is trusted, because it could change the store anyway. */
export interface ProcessCredentials {
  readonly from: "process";
  readonly user: UserInfo;
}

export interface CertificateSubject {
  /** The user name. */
  readonly commonName: string;
  /** The groups. */
  readonly organizations: readonly string[];
}

/** The user that the caller wants to act as: `--as` and `--as-group`. */
export interface Impersonation {
  readonly user: string | undefined;
  readonly groups: readonly string[];
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

/** Both directions of a connection that has left HTTP. */
export interface DuplexStream {
  /**
   * What the client sends, in order; ends when the client has ended its half. Iterate once: what nobody asks for stays with
   * the client. Throws when the connection breaks.
   */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Resolves when the client has room for more. Wait for it before the next. Rejects when the connection has ended. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends this half; `incoming` goes on. Further calls do nothing. */
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
  | { readonly as: "stream"; chunks(): AsyncIterable<Uint8Array> }
  /**
   * Leaves HTTP, for a call with an upgrade. `run` is called once, when the client has been told. When it resolves the
   * connection is closed, with all that was written; when it rejects the connection is cut.
   */
  | { readonly as: "upgrade"; readonly protocol: string; run(stream: DuplexStream): Promise<void> };

export interface ApiReply {
  /** HTTP status code. */
  readonly status: number;
  readonly contentType: string;
  readonly body: ReplyBody;
  /** Texts for `Warning: 299 - "..."` headers, without quotes. */
  readonly warnings?: readonly string[];
  /** Further headers, names in lower case (etag, cache-control, retry-after, vary). */
  readonly headers?: Readonly<Record<string, string>>;
  /** The transport calls it once: when it has sent the reply or given it up, for a watch or a stream at the end. */
  finished?(): void;
}

/** A server as its callers see it. The promise never rejects: a failure is a reply with a Status. */
export type ApiHandler = (call: ApiCall) => Promise<ApiReply>;
