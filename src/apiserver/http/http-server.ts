/**
 * The HTTP shell: HTTPS with HTTP/2 and HTTP/1.1 around an ApiHandler. It knows connections and bytes, and neither users nor objects.
 *
 *   connection ─▶ request ─▶ ApiCall ─▶ handler ─▶ ApiReply ─▶ bytes, a watch, or another protocol
 *                   └───── any failure of its own ─▶ Status JSON
 *
 * Not here: parsing (http/request.ts), bytes (http/reply.ts), watches (http/watch.ts), other protocols (http/upgrade.ts), bounds (limits.ts), who may do what (filters/).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  silentLog,
  silentMetrics,
  type Clock,
  type Log,
  type Metrics,
  type Random,
} from "../../base/index.ts";
import { type ApiHandler, type ApiReply, internalError, statusOf } from "../../machinery/index.ts";
import { statusReply } from "../registry/replies.ts";
import {
  http1Exchange,
  http1UpgradeExchange,
  http2Exchange,
  refuseMalformed,
  type Exchange,
} from "./exchange.ts";
import { isPrettyWanted, sendReply, setHead, type ReplyContext } from "./reply.ts";
import {
  allowedMethods,
  BodyReader,
  checkHeaders,
  credentialsOf,
  isRead,
  methodOf,
  queryValue,
  targetOf,
} from "./request.ts";
import { sendUpgrade, upgradeOf } from "./upgrade.ts";
import { TurnFlusher, WatchWriter } from "./watch.ts";
import { connectionsMax, headerBytesMax, headersMax, streamsPerSessionMax } from "./limits.ts";
import { shellMetrics, type ShellMetrics } from "./shell-metrics.ts";

export interface ServeHttpOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly handler: ApiHandler;
  /** PEM texts; users are those with a certificate from `clientCa`. */
  readonly tls: { readonly key: string; readonly cert: string; readonly clientCa: string };
  readonly clock: Clock;
  /** For audit ids. */
  readonly random: Random;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /**
   * Ends watches, lets requests finish for a few seconds, then closes every connection. Resolves when the port is free.
   * Safe to call twice.
   */
  close(): Promise<void>;
}

/** Milliseconds that an idle connection stays. Go clients keep it for 90,000: a server that closes earlier resets their next request. */
const keepAliveMs = 120_000;
/** Milliseconds until a request's headers must be there (HTTP/1.1). */
const headersTimeoutMs = 30_000;
/** Milliseconds until an HTTP/1.1 request must be there whole. Our own bound on bodies is shorter. */
const requestArrivalMs = 60_000;
/** Milliseconds that running requests get at a stop. */
const stopMsMax = 5_000;
/** Milliseconds of silence before TCP asks whether the peer is still there. */
const tcpKeepAliveMs = 30_000;
/** Megabytes of memory of one HTTP/2 session. A hundred blocked watches with a piece each need 25; Node's default of 10 would refuse streams. */
const sessionMemoryMb = 64;
/** Bytes that a client may send on one stream before somebody reads them. Bodies are at most 3 MiB. */
const streamWindowBytes = 1024 * 1024;

/** Bytes of an unwanted body that are worth reading for the sake of its connection. */
const droppedBytesMax = 64 * 1024;

/**
 * Starts to listen. The handler may be called before this resolves.
 * @throws the system's error with its `code` (`EADDRINUSE`, `EACCES`) when the port cannot be had.
 */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpServer> {
  const shell = new Shell(options);
  await shell.listen();
  const address = shell.server.address() as AddressInfo;
  return { host: options.host, port: address.port, close: () => shell.close() };
}

class Shell {
  readonly server: Http2SecureServer;
  readonly #options: ServeHttpOptions;
  readonly #log: Log;
  readonly #metrics: ShellMetrics;
  readonly #bodies: BodyReader;
  readonly #flusher = new TurnFlusher();
  readonly #compressed: ReplyContext["compressed"] = new WeakMap();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Ends of open watches and upgraded connections, for a clean stop. */
  readonly #openWatches = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(options: ServeHttpOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#metrics = shellMetrics(options.metrics ?? silentMetrics);
    this.#bodies = new BodyReader(options.clock);
    this.server = makeServer(options.tls);
    this.#follow();
  }

  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.off("error", reject);
        this.server.on("error", (error) => this.#log.error("HTTP server failed", { error }));
        resolve();
      });
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    // Outside of any callback that reads from a session: see `cut` in http/exchange.ts.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const end of this.#openWatches) end();
    for (const session of this.#sessions) session.close();
    const timer = this.#options.clock.after(stopMsMax, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    timer.cancel();
  }

  #follow(): void {
    const { server } = this;
    const keep = (socket: Socket): void => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    };
    // Sockets before their TLS handshake too: a client may never finish it.
    server.on("connection", keep);
    server.on("secureConnection", (socket) => {
      keep(socket);
      socket.setKeepAlive(true, tcpKeepAliveMs);
      socket.setNoDelay(true);
    });
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      session.on("error", (error) => this.#log.debug("HTTP/2 session failed", { error: String(error) }));
    });
    server.on("tlsClientError", (error) => this.#log.debug("TLS handshake failed", { error: String(error) }));
    server.on("clientError", refuseMalformed);
    server.on("request", (request, response) => void this.#serve(exchangeOf(request, response)));
    server.on("upgrade", (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
      void this.#serve(http1UpgradeExchange(request, socket, head));
    });
    server.on("connect", (request: Http2ServerRequest, response: Http2ServerResponse | Socket) => {
      // This server is no proxy: CONNECT of HTTP/1.1 ends the connection, that of HTTP/2 without a protocol gets 405.
      if ("stream" in response) void this.#serve(http2Exchange(request, response));
      else response.destroy();
    });
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const startMs = this.#options.clock.monotonicMs();
    const gone = new AbortController();
    request.on("error", () => gone.abort());
    response.on("error", () => gone.abort());
    response.once("close", () => {
      gone.abort(closedByClient);
      // At a stop Node closes connections that are idle. One that becomes idle later would hold up the stop.
      if (this.#closing !== undefined && !exchange.isHttp2) exchange.socket.destroySoon();
      this.#metrics.finished(
        request.method ?? "",
        exchange.response.statusCode,
        this.#options.clock.monotonicMs() - startMs,
      );
    });
    const auditId = this.#options.random.uuid();
    try {
      await this.#answer(exchange, { auditId, gone });
    } catch (error) {
      this.#fail(exchange, { error, auditId, signal: gone.signal });
    }
  }

  async #answer(
    exchange: Exchange,
    { auditId, gone }: { readonly auditId: string; readonly gone: AbortController },
  ): Promise<void> {
    const { request } = exchange;
    checkHeaders(exchange);
    const method = methodOf(exchange);
    const target = targetOf(request.url ?? "/");
    const upgrade = upgradeOf(exchange);
    const isReading = isRead(method);
    if (isReading && upgrade === undefined) request.resume();
    const body = this.#bodies.open(exchange, gone.signal);
    const userAgent = request.headers["user-agent"];
    const context: ReplyContext = {
      clock: this.#options.clock,
      auditId,
      isPretty: isPrettyWanted(queryValue(target, "pretty"), userAgent),
      signal: gone.signal,
      compressed: this.#compressed,
    };
    try {
      const reply = await this.#options.handler({
        method,
        ...target,
        accept: request.headers.accept,
        contentType: request.headers["content-type"],
        userAgent,
        ifNoneMatch: request.headers["if-none-match"],
        upgrade,
        signal: gone.signal,
        credentials: credentialsOf(exchange),
        readBody: isReading || upgrade !== undefined ? undefined : body.read,
      });
      await this.#send(exchange, reply, context);
    } finally {
      body.release();
    }
  }

  async #send(exchange: Exchange, reply: ApiReply, context: ReplyContext): Promise<void> {
    if (reply.body.as === "watch" && !exchange.isClosed) {
      this.#startWatch(exchange, reply, context);
      return;
    }
    try {
      if (exchange.isClosed) return;
      if (reply.body.as === "upgrade") return await this.#upgrade(exchange, reply, context);
      this.#stopUpload(exchange);
      await sendReply(exchange, reply, context);
    } finally {
      reply.finished?.();
    }
  }

  /** A stop of the server cuts the connection: nobody knows how long it would last. */
  async #upgrade(exchange: Exchange, reply: ApiReply, { auditId }: ReplyContext): Promise<void> {
    const end = (): void => exchange.cut();
    this.#openWatches.add(end);
    try {
      await sendUpgrade(exchange, reply, auditId);
    } finally {
      this.#openWatches.delete(end);
    }
  }

  #startWatch(exchange: Exchange, reply: ApiReply, context: ReplyContext): void {
    const { body } = reply;
    if (body.as !== "watch") return;
    setHead(exchange, reply, context.auditId);
    if (exchange.request.method === "HEAD" || this.#closing !== undefined) {
      exchange.response.end();
      reply.finished?.();
      return;
    }
    const { address, request } = exchange;
    const writer = new WatchWriter(exchange, {
      flusher: this.#flusher,
      clock: this.#options.clock,
      onEvents: (count) => this.#metrics.watchEvents(count),
      onCutOff: () => {
        this.#metrics.cutOff();
        const { url: path, headers } = request;
        this.#log.warn("watcher cut off: it reads too slowly", {
          path,
          address,
          userAgent: headers["user-agent"],
        });
      },
    });
    const stop = body.start(writer);
    const end = (): void => {
      stop();
      writer.end();
    };
    this.#openWatches.add(end);
    exchange.response.once("close", () => {
      this.#openWatches.delete(end);
      stop();
      reply.finished?.();
    });
  }

  /** A client that still sends a body which nobody reads is told to stop, once it has its reply. */
  #stopUpload(exchange: Exchange): void {
    const { request } = exchange;
    if (request.complete) return;
    // A small body is on its way when nobody has begun to read it: it is dropped, and the connection stays.
    const isSmall = Number(request.headers["content-length"] ?? Infinity) <= droppedBytesMax;
    if (!exchange.isHttp2 && !(isSmall && request.readableFlowing === null))
      exchange.response.setHeader("connection", "close");
    request.resume();
    exchange.onSent(() => {
      if (!request.readableEnded) exchange.stopUpload(this.#options.clock);
    });
  }

  /** Answers with Status JSON. If a part of the reply has been sent, the connection is cut: the client sees a broken reply. */
  #fail(
    exchange: Exchange,
    {
      error,
      auditId,
      signal,
    }: { readonly error: unknown; readonly auditId: string; readonly signal: AbortSignal },
  ): void {
    if (exchange.isClosed || signal.reason === closedByClient) return;
    const isOurs = statusOf(error).code === 500;
    if (isOurs) this.#log.error("request failed", { error, path: exchange.request.url });
    if (exchange.response.headersSent) {
      exchange.cut();
      return;
    }
    const reply = statusReply(isOurs ? internalError(error) : error);
    setHead(exchange, reply, auditId);
    if (reply.status === 405) exchange.response.setHeader("allow", allowedMethods);
    const bytes = reply.body.as === "object" ? reply.body.bytes() : undefined;
    this.#stopUpload(exchange);
    exchange.response.setHeader("content-length", String(bytes?.length ?? 0));
    exchange.response.end(exchange.request.method === "HEAD" ? undefined : bytes);
  }
}

function exchangeOf(
  request: Http2ServerRequest | IncomingMessage,
  response: Http2ServerResponse | ServerResponse,
): Exchange {
  return "stream" in response
    ? http2Exchange(request as Http2ServerRequest, response)
    : http1Exchange(request as IncomingMessage, response as ServerResponse);
}

const closedByClient = new Error("the client has gone");

function makeServer(tls: ServeHttpOptions["tls"]): Http2SecureServer {
  const server = createSecureServer({
    allowHTTP1: true,
    key: tls.key,
    cert: tls.cert,
    ca: tls.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    maxSessionMemory: sessionMemoryMb,
    maxHeaderListPairs: headersMax + 5,
    settings: {
      maxConcurrentStreams: streamsPerSessionMax,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: headerBytesMax,
      enableConnectProtocol: true,
    },
  });
  server.maxConnections = connectionsMax;
  // The HTTP/1.1 side of this server has no typed options of its own; Node reads these members.
  Object.assign(server, {
    keepAliveTimeout: keepAliveMs,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestArrivalMs,
    timeout: 0,
    maxHeadersCount: headersMax + 10,
    maxHeaderSize: headerBytesMax,
  });
  return server;
}
