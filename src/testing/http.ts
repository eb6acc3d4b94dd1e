/**
 * A server behind the HTTP shell on the loopback interface, and bare clients of both protocols, for tests.
 * Not here: the transport that the product uses (client/).
 */
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { connect as tlsConnect } from "node:tls";
import { serveHttp, type HttpServer, type ServeHttpOptions } from "../apiserver/index.ts";
import { type ChainOptions, createChain } from "../apiserver/filters/chain.ts";
import { seededRandom, silentLog, silentMetrics, SimulatedClock } from "../base/index.ts";
import type { ApiReply, ApiRequest } from "../machinery/index.ts";
import { testTls, type TestTls } from "./tls.ts";

export interface Served {
  readonly server: HttpServer;
  readonly clock: SimulatedClock;
  /** The requests that passed the filters. */
  readonly calls: ApiRequest[];
}

/** The default path of a request: bodies are read for resources only. */
const anyPath = "/api/v1/pods";

/** The work behind the filters. */
export type Work = (request: ApiRequest) => Promise<ApiReply>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Servers and clients of one test file; `close` after each test. */
export class HttpBench {
  readonly tls: TestTls;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor(tls: TestTls) {
    this.tls = tls;
  }

  static async make(): Promise<HttpBench> {
    return new HttpBench(await testTls());
  }

  async close(): Promise<void> {
    // Node 20 uses freed memory when a session is destroyed in a promise that a read from it has resolved.
    await new Promise((resolve) => setImmediate(resolve));
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  /** `work` behind the server's own filters, which allow anonymous requests to every path. */
  async serve(
    work: Work,
    { chain = {}, ...more }: Partial<ServeHttpOptions> & { readonly chain?: ChainOptions } = {},
  ): Promise<Served> {
    const clock = new SimulatedClock();
    const calls: ApiRequest[] = [];
    const noted: Work = (request) => {
      calls.push(request);
      return work(request);
    };
    const options = { anonymous: { paths: ["/"] }, ...chain };
    const server = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      handler: createChain(noted, options, { clock, log: silentLog, metrics: silentMetrics }),
      tls: { key: this.tls.server.key, cert: this.tls.server.cert, clientCa: this.tls.ca.cert },
      clock,
      random: seededRandom(1),
      ...more,
    });
    this.#closers.push(() => server.close());
    return { server, clock, calls };
  }

  session(server: HttpServer, credentials: { cert?: string; key?: string } = {}): ClientHttp2Session {
    const client = connect(`https://127.0.0.1:${server.port}`, { ca: this.tls.ca.cert, ...credentials });
    client.on("error", () => {});
    this.#closers.push(() => client.destroy());
    return client;
  }

  /** One request over a connection of its own. */
  h1(server: HttpServer, options: RequestOptions, body?: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(this.h1Options(server, options), (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, bytes: Buffer.concat(chunks) }),
        );
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  h1Options(server: HttpServer, options: RequestOptions): RequestOptions {
    return {
      host: "127.0.0.1",
      port: server.port,
      ca: this.tls.ca.cert,
      agent: false,
      path: anyPath,
      ...options,
    };
  }

  /** Sends bytes as they are; resolves with everything that came back when the server has closed. */
  raw(server: HttpServer, text: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = tlsConnect({
        host: "127.0.0.1",
        port: server.port,
        ca: this.tls.ca.cert,
        ALPNProtocols: ["http/1.1"],
      });
      let got = "";
      socket.on("data", (chunk) => (got += chunk.toString()));
      socket.on("close", () => resolve(got));
      socket.on("error", () => {});
      socket.write(text);
    });
  }

  /** An idle keep-alive connection, after one request. */
  async idle(server: HttpServer): Promise<{ readonly closed: Promise<void> }> {
    const socket = tlsConnect({
      host: "127.0.0.1",
      port: server.port,
      ca: this.tls.ca.cert,
      ALPNProtocols: ["http/1.1"],
    });
    socket.write("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n");
    await new Promise<void>((resolve) => socket.once("data", () => resolve()));
    socket.resume();
    return { closed: new Promise((resolve) => socket.once("close", () => resolve())) };
  }
}

export function objectReply(object: object, more: Partial<ApiReply> = {}): ApiReply {
  const bytes = (): Uint8Array => Buffer.from(JSON.stringify(object));
  return { status: 200, contentType: "application/json", body: { as: "object", object, bytes }, ...more };
}

/** A handler that replies with the call. */
export const echo: Work = async (call) =>
  objectReply({ path: call.path, query: call.query, user: call.user });

export function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.bytes.toString("utf8")) as Record<string, unknown>;
}

/** One request on a session. */
export function h2(
  client: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: Uint8Array,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ":path": anyPath, ...headers }, { endStream: body === undefined });
    const chunks: Buffer[] = [];
    let head: IncomingHttpHeaders & { ":status"?: number | undefined } = {};
    stream.on("response", (received) => (head = received));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () =>
      resolve({ status: head[":status"] ?? 0, headers: head, bytes: Buffer.concat(chunks) }),
    );
    stream.on("error", reject);
    if (body !== undefined) stream.end(body);
  });
}

/** Node 22 has this as Promise.withResolvers. */
export function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Lets the sockets of this process deliver what was written. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when the condition holds; the test's time limit bounds the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
