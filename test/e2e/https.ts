/**
 * A client of the API that sends any request, right or wrong: no retries, no checks, no decoding beyond JSON.
 * For tests under test/e2e only; programs use src/client.
 */
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { Agent, request } from "node:https";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { parse } from "yaml";

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly {
    readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string };
  }[];
}

export interface Sent {
  readonly headers?: OutgoingHttpHeaders;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, or undefined when it is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: replies to wrong requests have no type.
  readonly json: any;
}

/** Longest that a reply may take, in ms. */
const patienceMs = 60_000;

export class Api {
  readonly url: URL;
  readonly #tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
  readonly #agent: Agent;

  /** Reads address and certificates. After a restart the server may have another port, and then needs another Api. */
  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
    const { cluster } = clusters[0]!;
    const { user } = users[0]!;
    this.url = new URL(cluster.server);
    this.#tls = {
      ca: Buffer.from(cluster["certificate-authority-data"], "base64"),
      cert: Buffer.from(user["client-certificate-data"], "base64"),
      key: Buffer.from(user["client-key-data"], "base64"),
    };
    this.#agent = new Agent({ ...this.#tls, keepAlive: true, maxSockets: 50 });
  }

  /** Sends one HTTP/1.1 request with `path` unchanged. @throws when the connection breaks before the end of the reply. */
  ask(method: string, path: string, sent: Sent = {}): Promise<Reply> {
    const body = bytesOf(sent.body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: this.url.hostname,
          port: this.url.port,
          agent: this.#agent,
          method,
          path,
          timeout: patienceMs,
          headers: {
            ...(body === undefined
              ? {}
              : { "content-type": "application/json", "content-length": body.length }),
            ...sent.headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => void chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: incoming.statusCode!, headers: incoming.headers, text, json: jsonOf(text) });
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
      outgoing.end(body);
    });
  }

  /** As `ask`. @throws when the status is 300 or above. */
  async must(method: string, path: string, sent: Sent = {}): Promise<Reply["json"]> {
    const reply = await this.ask(method, path, sent);
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.json;
  }

  /**
   * One watch, until it ends; `onEvent` gets each event in order.
   * @throws when the connection breaks.
   */
  watch(path: string, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: this.url.hostname, port: this.url.port, ...this.#tls, agent: false, path, signal },
        (incoming) => {
          let rest = "";
          incoming.setEncoding("utf8");
          incoming.on("data", (chunk: string) => {
            const lines = (rest + chunk).split("\n");
            rest = lines.pop()!;
            for (const line of lines) if (line !== "") onEvent(JSON.parse(line) as WatchEvent);
          });
          incoming.on("error", reject);
          incoming.on("end", () => (incoming.complete ? resolve() : reject(new Error("the watch was cut"))));
        },
      );
      outgoing.on("error", reject);
      outgoing.end();
    });
  }

  http2(): ClientHttp2Session {
    return connectHttp2(this.url.origin, this.#tls);
  }

  /** A bare connection after the TLS handshake, for requests that no library sends. */
  socket(protocol: "h2" | "http/1.1"): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const options = { host: this.url.hostname, port: Number(this.url.port), ALPNProtocols: [protocol] };
      const socket = connectTls({ ...options, ...this.#tls }, () => resolve(socket));
      socket.once("error", reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  // oxlint-disable-next-line typescript/no-explicit-any -- issue 2: objects of any kind, and failures.
  readonly object: any;
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
