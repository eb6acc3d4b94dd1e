/**
 * Connections to one API server: HTTP/2 sessions where the server supports it, else HTTP/1.1 with keep-alive.
 * Finds dead connections by pings, opens another session when one has no stream left, reconnects at the next request.
 * Not here: calls and replies (http-transport.ts), when to try again (callers).
 *
 *   first request ─▶ TLS ─▶ ALPN "h2" ─▶ session ─▶ streams ──full──▶ next session
 *                             └─ other ─▶ https agent
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import {
  connect as http2Connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
} from "node:http2";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { Readable } from "node:stream";
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Clock, Log, Timer } from "../../base/index.ts";

export interface ConnectionTarget {
  /** `https://host:port`; its path, if any, is a prefix of all paths. `http:` for a local proxy. */
  readonly server: string;
  /** PEM; absent means the system's authorities. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name to expect in the server's certificate instead of the host. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
}

export interface WireRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Milliseconds for TCP and TLS together. */
const connectMsMax = 10_000;
/** Milliseconds between pings of a session in use, and for their answer: a dead connection is found within 30 s. */
const pingEveryMs = 15_000;
const pingAnswerMsMax = 15_000;
/** Flow-control window of one stream and of one session, in bytes; Node's 64 KiB would throttle lists. */
const streamWindowBytes = 4 * 1024 * 1024;
const sessionWindowBytes = 32 * 1024 * 1024;
/** Streams at once on a session when the server sets no lower limit. */
const streamsPerSessionMax = 100;
/** Sessions at once. With this many, requests wait in the one with the fewest streams. */
const sessionsMax = 64;
/** Connections at once over HTTP/1.1, where every watch takes one. */
const http1SocketsMax = 1_024;
/** Milliseconds of silence before TCP probes an HTTP/1.1 connection. */
const tcpKeepAliveMs = 15_000;
/** Tries of a request that the server has certainly not processed (its session was closing). */
const untouchedTriesMax = 3;

/** A request that never reached the server's handler, so that sending it again is safe. */
class UntouchedError extends Error {}

interface Session {
  readonly http2: ClientHttp2Session;
  active: number;
  pingTimer: Timer | undefined;
}

export class HttpConnections {
  readonly #url: URL;
  readonly #tls: ConnectionOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sessions: Session[] = [];
  #connecting: Promise<void> | undefined;
  #http1: HttpAgent | HttpsAgent | undefined;
  #isClosed = false;

  constructor(target: ConnectionTarget, dependencies: { readonly clock: Clock; readonly log: Log }) {
    this.#url = new URL(target.server);
    this.#tls = tlsOptions(target, this.#url);
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
    if (this.#url.protocol === "http:") this.#http1 = new HttpAgent(agentOptions);
  }

  /** Resolves when the response's headers are there. @throws the system's error, or the signal's reason. */
  async request(request: WireRequest): Promise<WireResponse> {
    const path = this.#url.pathname.replace(/\/$/, "") + request.path;
    for (let attempt = 1; ; attempt++) {
      request.signal.throwIfAborted();
      if (this.#isClosed) throw new Error("the transport is closed");
      try {
        if (this.#http1 !== undefined) return await this.#overHttp1({ ...request, path });
        const session = this.#sessionWithRoom();
        if (session !== undefined) return await this.#overSession(session, { ...request, path });
      } catch (error) {
        if (!(error instanceof UntouchedError) || attempt >= untouchedTriesMax) throw error;
        continue;
      }
      await abortable((this.#connecting ??= this.#connect()), request.signal);
      attempt--;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#http1?.destroy();
    await nextTurn();
    for (const session of this.#sessions) session.http2.destroy();
    await this.#connecting?.catch(() => {});
  }

  #sessionWithRoom(): Session | undefined {
    let emptiest: Session | undefined;
    for (const session of this.#sessions) {
      if (session.http2.closed || session.http2.destroyed) continue;
      if (session.active < streamsMax(session.http2)) return session;
      if (emptiest === undefined || session.active < emptiest.active) emptiest = session;
    }
    return this.#sessions.length >= sessionsMax ? emptiest : undefined;
  }

  async #connect(): Promise<void> {
    try {
      const socket = await this.#handshake();
      if (this.#isClosed) socket.destroy();
      else if (socket.alpnProtocol === "h2") await this.#openSession(socket);
      else {
        socket.destroy();
        this.#http1 = new HttpsAgent({ ...agentOptions, ...this.#tls, ALPNProtocols: ["http/1.1"] });
      }
    } finally {
      this.#connecting = undefined;
    }
  }

  #handshake(): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({ ...this.#tls, ALPNProtocols: ["h2", "http/1.1"] });
      const timer = this.#clock.after(connectMsMax, () =>
        socket.destroy(new Error(`no connection to ${this.#url.host} in time`)),
      );
      const onError = (error: Error): void => {
        timer.cancel();
        reject(error);
      };
      socket.once("error", onError);
      socket.once("secureConnect", () => {
        timer.cancel();
        socket.off("error", onError);
        socket.setNoDelay(true);
        resolve(socket);
      });
    });
  }

  #openSession(socket: TLSSocket): Promise<void> {
    return new Promise((resolve, reject) => {
      const http2 = http2Connect(this.#url, {
        createConnection: () => socket,
        settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      });
      const session: Session = { http2, active: 0, pingTimer: undefined };
      http2.once("error", reject);
      // The server's settings come first, so that its limit on streams is known before the first request.
      http2.once("remoteSettings", () => {
        http2.setLocalWindowSize(sessionWindowBytes);
        http2.off("error", reject);
        http2.on("error", (error) =>
          this.#log.debug("connection lost", { server: this.#url.host, error: String(error) }),
        );
        this.#sessions.push(session);
        this.#watchOver(session);
        resolve();
      });
      http2.once("close", () => {
        session.pingTimer?.cancel();
        const at = this.#sessions.indexOf(session);
        if (at >= 0) this.#sessions.splice(at, 1);
        reject(new Error("the connection was closed by the server"));
      });
    });
  }

  /** Pings the session while requests wait on it. Without an answer in time the session is dead. */
  #watchOver(session: Session): void {
    const { http2 } = session;
    const next = (): void => {
      session.pingTimer = this.#clock.after(pingEveryMs, () => {
        if (http2.destroyed) return;
        if (session.active === 0) return next();
        session.pingTimer = this.#clock.after(pingAnswerMsMax, () =>
          http2.destroy(new Error("connection lost: no answer to a ping")),
        );
        http2.ping(() => {
          session.pingTimer?.cancel();
          if (!http2.destroyed) next();
        });
      });
    };
    next();
  }

  #overSession(session: Session, request: WireRequest): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      const stream = this.#openStream(session, request);
      let failure: Error | undefined;
      let hasResponse = false;
      const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
      request.signal.addEventListener("abort", onAbort, { once: true });
      stream.on("error", (error) => (failure = error));
      stream.once("response", (headers) => {
        hasResponse = true;
        resolve({ status: headers[":status"] ?? 0, headers, body: stream });
      });
      // A server may answer before it has read the whole body; Node would keep such a stream open for ever.
      stream.once("end", () => {
        if (!stream.writableFinished) destroySoon(stream);
      });
      stream.once("close", () => {
        session.active--;
        request.signal.removeEventListener("abort", onAbort);
        if (hasResponse) return;
        if (request.signal.aborted) reject(request.signal.reason);
        else reject(closeReason(stream, failure));
      });
      stream.end(request.body);
    });
  }

  /** @throws UntouchedError when the session has just begun to close. */
  #openStream(session: Session, request: WireRequest): ClientHttp2Stream {
    try {
      const stream = session.http2.request(
        { ":method": request.method, ":path": request.path, ...request.headers },
        { endStream: request.body === undefined },
      );
      session.active++;
      return stream;
    } catch (error) {
      throw new UntouchedError("the connection is going away", { cause: error });
    }
  }

  #overHttp1(request: WireRequest): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      const send = this.#url.protocol === "http:" ? httpRequest : httpsRequest;
      const { body } = request;
      const client = send({
        agent: this.#http1!,
        host: hostOf(this.#url),
        port: portOf(this.#url),
        method: request.method,
        path: request.path,
        headers: {
          ...request.headers,
          ...(body === undefined ? {} : { "content-length": String(body.length) }),
        },
        signal: request.signal,
      });
      client.on("error", (error) => {
        const isStale =
          client.reusedSocket &&
          (error as NodeJS.ErrnoException).code === "ECONNRESET" &&
          request.method === "GET";
        if (request.signal.aborted) reject(request.signal.reason);
        else reject(isStale ? new UntouchedError("an idle connection was closed", { cause: error }) : error);
      });
      client.once("response", (response) => {
        response.on("error", () => {});
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
      });
      client.end(body);
    });
  }
}

const agentOptions = {
  keepAlive: true,
  keepAliveMsecs: tcpKeepAliveMs,
  maxSockets: http1SocketsMax,
} as const;

function tlsOptions(target: ConnectionTarget, url: URL): ConnectionOptions {
  const host = hostOf(url);
  const serverName = target.tlsServerName ?? (isIP(host) === 0 ? host : undefined);
  return {
    host,
    port: portOf(url),
    rejectUnauthorized: target.insecureSkipTlsVerify !== true,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(target.ca === undefined ? {} : { ca: target.ca }),
    ...(target.cert === undefined ? {} : { cert: target.cert }),
    ...(target.key === undefined ? {} : { key: target.key }),
  };
}

/** Without the brackets that URLs put around IPv6 addresses. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function portOf(url: URL): number {
  return url.port === "" ? (url.protocol === "http:" ? 80 : 443) : Number(url.port);
}

function streamsMax(session: ClientHttp2Session): number {
  return Math.min(session.remoteSettings?.maxConcurrentStreams ?? streamsPerSessionMax, streamsPerSessionMax);
}

function closeReason(stream: ClientHttp2Stream, failure: Error | undefined): Error {
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) {
    return new UntouchedError("the server refused the stream", { cause: failure });
  }
  return failure ?? new Error("the connection was lost before the answer came");
}

/** Settles as the promise, or rejects with the signal's reason. The work itself goes on for other waiters. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * Destroys a body in the next turn. Node 20 uses freed memory when an HTTP/2 stream is reset, or its session destroyed,
 * inside a callback that reads from the session, and in every promise that such a callback resolves. Closing with the
 * code CANCEL is safe everywhere.
 */
export function destroySoon(body: Readable, error?: Error): void {
  setImmediate(() => body.destroy(error));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
