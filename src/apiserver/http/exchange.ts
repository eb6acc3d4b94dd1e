/**
 * One HTTP request with its response. It looks the same for HTTP/1.1 and HTTP/2; only this file knows how they differ.
 * Not here: what requests mean (http/request.ts) and what replies look like (http/reply.ts).
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { Clock } from "../../base/index.ts";

/** The part of both response classes that the shell uses. */
interface ResponseStream extends NodeJS.EventEmitter {
  readonly headersSent: boolean;
  readonly writableLength: number;
  statusCode: number;
  setHeader(name: string, value: string | readonly string[]): unknown;
  flushHeaders(): void;
  /** @returns false when the reader is behind; "drain" follows. */
  write(bytes: Uint8Array): boolean;
  end(bytes?: Uint8Array): unknown;
}

export interface Exchange {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: ResponseStream;
  readonly isHttp2: boolean;
  /** The peer's address without its port. */
  readonly address: string;
  /** The connection, which all its requests share. It knows the peer's certificate. */
  readonly socket: TLSSocket;
  /** True once nothing can be written any more. */
  readonly isClosed: boolean;
  /** The protocol that the client wants to speak in place of HTTP; undefined of an ordinary request. */
  readonly upgradeTo: string | undefined;
  /**
   * Sends status and headers, which must have been set, and leaves HTTP. Only with `upgradeTo`.
   * @returns both directions of the connection, and how to close it once everything has been sent.
   */
  leaveHttp(): { readonly stream: Duplex; close(): void };
  /** Calls back when the operating system has the whole reply. The request may still be arriving. */
  onSent(callback: () => void): void;
  /** Breaks the exchange off, in the next turn. The client then knows that the reply is not whole. */
  cut(): void;
  /** Tells a client that still sends its body to stop. Only after the reply is complete. */
  stopUpload(clock: Clock): void;
}

/** Milliseconds that a client may go on sending after it has its reply: cut off earlier, it might not read the reply. */
export const afterReplyMs: number = 1_000;

export function http2Exchange(request: Http2ServerRequest, response: Http2ServerResponse): Exchange {
  const { stream } = response;
  const protocol = request.headers[":protocol"];
  return {
    request,
    response: response as unknown as ResponseStream,
    isHttp2: true,
    address: stream.session?.socket.remoteAddress ?? "",
    socket: stream.session?.socket as TLSSocket,
    get isClosed() {
      return stream.closed || stream.destroyed;
    },
    upgradeTo: request.method === "CONNECT" && protocol !== undefined ? String(protocol) : undefined,
    leaveHttp: () => {
      (response as unknown as ResponseStream).flushHeaders();
      const close = (): void => {
        const closeNow = (): void => void setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
        if (stream.writableFinished) closeNow();
        else stream.end(closeNow);
      };
      return { stream, close };
    },
    onSent: (callback) => void stream.once("finish", callback),
    // Never at once: Node 20 uses freed memory when a stream is reset inside a callback that reads from its session.
    cut: () => void setImmediate(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR)),
    // Not at once: a reset would overtake the end of the reply, and Go would take the whole reply for broken.
    stopUpload: (clock) => {
      const timer = clock.after(afterReplyMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
      stream.once("close", () => timer.cancel());
    },
  };
}

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const socket = request.socket as TLSSocket;
  return {
    request,
    response: response as unknown as ResponseStream,
    isHttp2: false,
    address: socket.remoteAddress ?? "",
    socket,
    get isClosed() {
      return response.destroyed || socket.destroyed;
    },
    upgradeTo: undefined,
    leaveHttp: () => {
      throw new Error("defect: an ordinary request does not leave HTTP");
    },
    onSent: (callback) => void response.once("finish", callback),
    cut: () => socket.destroy(),
    stopUpload: (clock) => {
      const timer = clock.after(afterReplyMs, () => socket.destroy());
      socket.once("close", () => timer.cancel());
    },
  };
}

/**
 * A request with an `Upgrade` header. Node has let go of its connection, so this is the last request on it, upgraded or not.
 * `head` is what the client has sent after the request.
 */
export function http1UpgradeExchange(request: IncomingMessage, socket: TLSSocket, head: Buffer): Exchange {
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  const close = (): void => void response.emit("close");
  const closeAfterReply = (): void => {
    response.detachSocket(socket);
    socket.destroySoon();
    close();
  };
  socket.on("error", () => {});
  response.once("finish", closeAfterReply);
  response.shouldKeepAlive = false;
  return {
    ...http1Exchange(request, response),
    get isClosed() {
      return socket.destroyed;
    },
    upgradeTo: String(request.headers.upgrade),
    leaveHttp: () => {
      response.off("finish", closeAfterReply);
      response.flushHeaders();
      response.detachSocket(socket);
      socket.once("close", close);
      socket.allowHalfOpen = true;
      if (head.length > 0) socket.unshift(head);
      return { stream: socket, close: () => socket.destroySoon() };
    },
  };
}

type Peer = PeerCertificate | "refused" | undefined;

/** Read once: it takes 0.1 ms, and a connection is whose it was at its handshake. */
const peers = new WeakMap<TLSSocket, { readonly certificate: Peer }>();

/** The peer's certificate. Undefined when it sent none, "refused" when the client CA has not signed it. */
export function peerCertificate(socket: TLSSocket): Peer {
  let peer = peers.get(socket);
  if (peer === undefined) peers.set(socket, (peer = { certificate: readCertificate(socket) }));
  return peer.certificate;
}

function readCertificate(socket: TLSSocket): Peer {
  const certificate = socket.getPeerCertificate() as PeerCertificate | undefined;
  if (certificate === undefined || certificate.subject === undefined) return undefined;
  return socket.authorized ? certificate : "refused";
}

/** Answers a request that Node could not parse with Status JSON, and ends the connection. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const isTooLong = error.code === "HPE_HEADER_OVERFLOW";
  const isSlow = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const code = isTooLong ? 431 : isSlow ? 408 : 400;
  const message = isTooLong
    ? "the header block of the request is too large"
    : isSlow
      ? "the request did not arrive in time"
      : "the request is not well-formed HTTP";
  const reason = code === 400 ? "BadRequest" : "";
  const body = JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  });
  const line = isTooLong
    ? "431 Request Header Fields Too Large"
    : isSlow
      ? "408 Request Timeout"
      : "400 Bad Request";
  socket.end(
    `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
