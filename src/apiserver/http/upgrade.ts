/**
 * Connections that leave HTTP: HTTP/1.1 with `101 Switching Protocols`, HTTP/2 by extended CONNECT (RFC 8441).
 * Not here: what is spoken then (the resource's connector), what differs between the two versions of HTTP (http/exchange.ts).
 */
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { badRequest, type ApiReply, type DuplexStream, type UpgradeWish } from "../../machinery/index.ts";
import type { Exchange } from "./exchange.ts";
import { setHead } from "./reply.ts";

/** @throws StatusError 400 for a request with a body: what follows it on the connection is the other protocol already. */
export function upgradeOf(exchange: Exchange): UpgradeWish | undefined {
  const { upgradeTo, request } = exchange;
  if (upgradeTo === undefined) return undefined;
  if (
    request.headers["transfer-encoding"] !== undefined ||
    Number(request.headers["content-length"] ?? 0) > 0
  )
    throw badRequest("a request to upgrade the connection has no body");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    const isAsked = name.startsWith("sec-websocket-") || name === "x-stream-protocol-version";
    if (isAsked && value !== undefined) headers[name] = String(value);
  }
  return { protocol: upgradeTo, headers };
}

/** Sends the head of the reply and runs it, then closes the connection. Rejects when `run` fails: the connection is to be cut then. */
export async function sendUpgrade(exchange: Exchange, reply: ApiReply, auditId: string): Promise<void> {
  const { body } = reply;
  if (body.as !== "upgrade" || exchange.upgradeTo === undefined)
    throw new Error("defect: an upgrade that the client has not asked for");
  setHead(exchange, { ...reply, status: exchange.isHttp2 ? 200 : 101 }, auditId);
  if (!exchange.isHttp2) setSwitchingHeaders(exchange, body.protocol);
  const { stream, close } = exchange.leaveHttp();
  await body.run(duplexStream(stream));
  close();
}

/** A constant of RFC 6455: proves that the server has understood the key. */
const webSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function setSwitchingHeaders({ request, response }: Exchange, protocol: string): void {
  response.setHeader("connection", "Upgrade");
  response.setHeader("upgrade", protocol);
  const key = request.headers["sec-websocket-key"];
  if (protocol.toLowerCase() !== "websocket" || key === undefined) return;
  const accept = createHash("sha1")
    .update(String(key) + webSocketGuid)
    .digest("base64");
  response.setHeader("sec-websocket-accept", accept);
}

function duplexStream(stream: Duplex): DuplexStream {
  return {
    incoming: stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    write: (bytes) => write(stream, bytes),
    end: () => {
      if (!stream.writableEnded) stream.end();
    },
  };
}

function write(stream: Duplex, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!stream.writable) return reject(new Error("the connection has ended"));
    if (stream.write(bytes)) return resolve();
    const settle = (): void => void stream.off("drain", onDrain).off("close", onClose);
    const onDrain = (): void => {
      settle();
      resolve();
    };
    const onClose = (): void => {
      settle();
      reject(new Error("the connection has ended"));
    };
    stream.on("drain", onDrain).on("close", onClose);
  });
}
