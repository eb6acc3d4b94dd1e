/**
 * Ways to send a request of a recording: over HTTPS, and straight to the handler in this process.
 * Not here: what is sent when (player.ts).
 */
import type { OutgoingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import type { ApiCall, ApiHandler, ApiReply, ConnectionCredentials } from "../../src/machinery/index.ts";
import type { RawReply } from "./normalize.ts";

export interface Request {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly identity: Identity;
}

export interface Identity {
  /** Absent: no credentials. */
  readonly token?: string;
  readonly as?: string;
  readonly groups?: readonly string[];
}

export interface Sender {
  readonly over: "HTTPS" | "loopback";
  send(request: Request): Promise<RawReply>;
  close(): void;
}

/** Milliseconds for one answer. The longest watch of the recordings takes a few seconds. */
const patienceMs = 30_000;

export function httpsSender(url: string): Sender {
  const { hostname, port } = new URL(url);
  // The certificate is that of a server which this process has started on its own loopback interface.
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const send = ({ method, path, headers, body, identity }: Request): Promise<RawReply> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { host: hostname, port, agent, method, path, headers: { ...headers, ...headersOf(identity) } },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => void chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve({
              status: incoming.statusCode!,
              headers: incoming.headers as Record<string, string>,
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      outgoing.setTimeout(patienceMs, () => outgoing.destroy(new Error(`no answer in ${patienceMs} ms`)));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  return { over: "HTTPS", send, close: () => agent.destroy() };
}

function headersOf({ token, as, groups }: Identity): OutgoingHttpHeaders {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(as === undefined ? {} : { "impersonate-user": as }),
    ...(groups === undefined ? {} : { "impersonate-group": [...groups] }),
  };
}

/** Straight to the handler, which is told of the connection what the HTTP shell would tell it. */
export function loopbackSender(handler: ApiHandler): Sender {
  const send = async ({ method, path, headers, body, identity }: Request): Promise<RawReply> => {
    const [target = "", search = ""] = splitOnce(path, "?");
    const reply = await handler({
      method: method as ApiCall["method"],
      path: target,
      query: [...new URLSearchParams(search)],
      credentials: credentialsOf(identity),
      signal: AbortSignal.timeout(patienceMs),
      accept: headers["accept"],
      contentType: headers["content-type"],
      userAgent: headers["user-agent"],
      ifNoneMatch: headers["if-none-match"],
      body: body?.length === 0 ? undefined : body,
    });
    const hasBody = method !== "HEAD" && reply.status !== 304;
    const text = hasBody ? await textOf(reply) : "";
    reply.finished?.();
    return { status: reply.status, headers: replyHeaders(reply), text };
  };
  return { over: "loopback", send, close: () => {} };
}

function credentialsOf({ token, as, groups = [] }: Identity): ConnectionCredentials {
  return {
    from: "connection",
    address: "127.0.0.1",
    authorization: token === undefined ? undefined : `Bearer ${token}`,
    impersonate: as === undefined && groups.length === 0 ? undefined : { user: as, groups },
  };
}

function splitOnce(text: string, by: string): readonly string[] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}

/** As the HTTP shell writes them, and as Node reads them. */
function replyHeaders(reply: ApiReply): Readonly<Record<string, string>> {
  const { status, contentType, warnings = [], headers = {} } = reply;
  const texts = [...new Set(warnings)].map((text) => `299 - "${text.replace(/[\\"]/g, "\\$&")}"`);
  const warning = Buffer.from(texts.join(", "), "utf8").toString("latin1");
  return {
    "cache-control": "no-cache, private",
    ...(status === 304 ? {} : { "content-type": contentType }),
    ...headers,
    ...(texts.length === 0 ? {} : { warning }),
  };
}

async function textOf({ body }: ApiReply): Promise<string> {
  switch (body.as) {
    case "object":
    case "bytes":
      return Buffer.from(body.bytes()).toString("utf8");
    case "list":
      return Buffer.concat([...body.pieces()]).toString("utf8");
    case "stream":
      return Buffer.concat(await collected(body.chunks())).toString("utf8");
    case "watch":
      return await new Promise((resolve) => {
        const chunks: Uint8Array[] = [];
        body.start({
          events: (batch) => {
            chunks.push(...batch.map((frame) => frame.bytes()));
            return true;
          },
          end: () => resolve(Buffer.concat(chunks).toString("utf8")),
        });
      });
    case "upgrade":
      throw new Error("no session on record leaves HTTP");
  }
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}
