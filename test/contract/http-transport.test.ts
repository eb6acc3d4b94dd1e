/**
 * The HTTP transport against the HTTP shell, over real TLS on the loopback interface; strangers (HTTP/1.1 only, silent
 * networks) are played by small servers and a proxy here.
 */
import { createServer as createHttpsServer } from "node:https";
import {
  connect as tcpConnect,
  createServer as createTcpServer,
  type AddressInfo,
  type Socket,
} from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { serveHttp, type HttpServer } from "../../src/apiserver/index.ts";
import { seededRandom, SimulatedClock } from "../../src/base/index.ts";
import {
  httpTransport,
  type HttpTransportOptions,
  type Transport,
  type TransportCall,
  type WatchEvent,
} from "../../src/client/index.ts";
import {
  isNotFound,
  notFound,
  unauthorized,
  RawJson,
  type ApiCall,
  type ApiHandler,
  type ApiReply,
  type WatchFrame,
  type WatchSink,
} from "../../src/machinery/index.ts";
import { deferred, turns, until } from "../../src/testing/http.ts";
import { testTls, type TestTls } from "../../src/testing/tls.ts";

let tls: TestTls;
beforeAll(async () => {
  tls = await testTls();
});

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function objectReply(object: object, more: Partial<ApiReply> = {}): ApiReply {
  const bytes = (): Uint8Array => Buffer.from(JSON.stringify(object));
  return { status: 200, contentType: "application/json", body: { as: "object", object, bytes }, ...more };
}

async function serve(handler: ApiHandler, port = 0): Promise<HttpServer> {
  const server = await serveHttp({
    host: "127.0.0.1",
    port,
    handler,
    tls: { key: tls.server.key, cert: tls.server.cert, clientCa: tls.ca.cert },
    clock: new SimulatedClock(),
    random: seededRandom(1),
  });
  closers.push(() => server.close());
  return server;
}

function transport(
  port: number,
  more: Partial<HttpTransportOptions> = {},
): { transport: Transport; clock: SimulatedClock } {
  const clock = new SimulatedClock();
  const made = httpTransport({
    server: `https://127.0.0.1:${port}`,
    ca: tls.ca.cert,
    clock,
    userAgent: "test/1",
    ...more,
  });
  closers.push(() => made.close());
  return { transport: made, clock };
}

function get(path: string, more: Partial<TransportCall> = {}): TransportCall {
  return { method: "GET", path, query: [], signal: new AbortController().signal, ...more };
}

const frame = (event: { type: WatchFrame["type"]; object: object }): WatchFrame => ({
  ...event,
  bytes: () => Buffer.from(`${JSON.stringify(event)}\n`),
});

/** A server whose only answer is a watch, and what it was given. */
function watchHandler(): { handler: ApiHandler; sinks: WatchSink[]; stops(): number } {
  const sinks: WatchSink[] = [];
  let stops = 0;
  const start = (sink: WatchSink): (() => void) => {
    sinks.push(sink);
    return () => void stops++;
  };
  return {
    handler: async () => ({ status: 200, contentType: "application/json", body: { as: "watch", start } }),
    sinks,
    stops: () => stops,
  };
}

interface Watched {
  readonly events: WatchEvent[];
  readonly batches: number[];
  readonly ended: Promise<unknown>;
}

async function openWatch(made: Transport, call: TransportCall): Promise<Watched> {
  const events: WatchEvent[] = [];
  const batches: number[] = [];
  let settle!: (error: unknown) => void;
  const ended = new Promise<unknown>((resolve) => (settle = resolve));
  await made.watch(call, {
    events: (batch) => {
      events.push(...batch);
      batches.push(batch.length);
    },
    end: settle,
  });
  return { events, batches, ended };
}

describe("calls", () => {
  it("arrive as they were sent, and answers come back whole", async () => {
    const calls: ApiCall[] = [];
    const server = await serve(async (call) => {
      calls.push({ ...call, body: await call.readBody?.() });
      return objectReply(
        { kind: "Pod", metadata: { name: "ü" } },
        { status: 201, warnings: ['a "b"', "c, d"] },
      );
    });
    const { transport: made } = transport(server.port, await tls.client("alice", ["dev"]));
    const reply = await made.send({
      method: "POST",
      path: "/api/v1/namespaces/a%2Fb/pods",
      query: [
        ["labelSelector", "a=b,c in (d)"],
        ["x", "ü&1"],
      ],
      body: { metadata: { name: "ü" } },
      contentType: "application/json",
      signal: new AbortController().signal,
    });
    expect(reply).toEqual({
      status: 201,
      object: { kind: "Pod", metadata: { name: "ü" } },
      warnings: ['a "b"', "c, d"],
    });
    expect(calls[0]).toMatchObject({
      method: "POST",
      path: "/api/v1/namespaces/a%2Fb/pods",
      query: [
        ["labelSelector", "a=b,c in (d)"],
        ["x", "ü&1"],
      ],
      contentType: "application/json",
      userAgent: "test/1",
      credentials: { from: "connection", certificate: { commonName: "alice", organizations: ["dev"] } },
    });
    expect(JSON.parse(Buffer.from(calls[0]!.body as Uint8Array).toString())).toEqual({
      metadata: { name: "ü" },
    });
  });

  it("that fail come back as a Status, whatever the server said", async () => {
    const status = notFound({ group: "", resource: "pods" }, "x").status;
    const server = await serve(async (call) => {
      if (call.path === "/status") return objectReply(status, { status: 404 });
      return {
        status: 502,
        contentType: "text/html",
        body: { as: "bytes", bytes: () => Buffer.from("<h1>bad</h1>") },
      };
    });
    const { transport: made } = transport(server.port);
    expect(await made.send(get("/status"))).toEqual({ status: 404, object: status, warnings: [] });
    expect(await made.send(get("/proxy"))).toMatchObject({
      status: 502,
      object: { kind: "Status", status: "Failure", message: "<h1>bad</h1>", code: 502 },
    });
  });

  it("carry values that are kept as text: a ControllerRevision's data arrives as it was written", async () => {
    const bodies: string[] = [];
    const server = await serve(async (call) => {
      bodies.push(Buffer.from((await call.readBody!())!).toString());
      return objectReply({});
    });
    const { transport: made } = transport(server.port);
    const data = new RawJson('{"10":1,"9":{"text":"x"},"big":12345678901234567890}');
    await made.send({ ...get("/"), method: "POST", body: { data, revision: 1 } });
    expect(bodies).toEqual(['{"data":{"10":1,"9":{"text":"x"},"big":12345678901234567890},"revision":1}']);
  });

  it("tell how long to wait where only a header says it", async () => {
    const busy: ApiReply = {
      status: 429,
      contentType: "text/plain",
      headers: { "retry-after": "7" },
      body: { as: "bytes", bytes: () => Buffer.from("Too many requests, please try again later.") },
    };
    const server = await serve(async () => busy);
    const { transport: made } = transport(server.port);
    const reply = await made.send(get("/"));
    expect(reply.object).toMatchObject({ reason: "TooManyRequests", details: { retryAfterSeconds: 7 } });
  });

  it("ask for the token each time", async () => {
    const tokens = ["t1", "t2"];
    const tokenOf = ({ credentials }: ApiCall): string | undefined =>
      credentials.from === "connection" ? credentials.authorization : undefined;
    const server = await serve(async (call) =>
      tokenOf(call) === "Bearer t2"
        ? objectReply({ username: "robot" })
        : objectReply(unauthorized().status, { status: 401 }),
    );
    const { transport: made } = transport(server.port, { token: async () => tokens.shift()! });
    expect((await made.send(get("/"))).status).toBe(401);
    expect((await made.send(get("/"))).object).toMatchObject({ username: "robot" });
  });

  it("end by their signal, by the time limit, and with the system's error when nobody listens", async () => {
    const seen: AbortSignal[] = [];
    const server = await serve((call) => {
      seen.push(call.signal);
      return new Promise(() => {});
    });
    const { transport: made, clock } = transport(server.port);
    const gone = new AbortController();
    const first = made.send(get("/", { signal: gone.signal }));
    await until(() => seen.length === 1);
    gone.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    await until(() => seen[0]!.aborted);
    const second = made.send(get("/")).catch((error: unknown) => String(error));
    await until(() => seen.length === 2);
    await clock.advance(65_000);
    expect(await second).toContain("no answer from https://127.0.0.1");
    await server.close();
    const { transport: other } = transport(server.port);
    await expect(other.send(get("/"))).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("are not sent to servers that somebody else has certified", async () => {
    const server = await serve(async () => objectReply({}));
    const stranger = await testTls();
    await expect(transport(server.port, { ca: stranger.ca.cert }).transport.send(get("/"))).rejects.toThrow(
      /certificate|verify/,
    );
    const blind = transport(server.port, { ca: stranger.ca.cert, insecureSkipTlsVerify: true });
    expect((await blind.transport.send(get("/"))).status).toBe(200);
    const named = transport(server.port, { tlsServerName: "elsewhere" });
    await expect(named.transport.send(get("/"))).rejects.toThrow(/elsewhere/);
  });

  it("go on after the server was started anew", async () => {
    const first = await serve(async () => objectReply({ server: 1 }));
    const { transport: made } = transport(first.port);
    expect((await made.send(get("/"))).object).toEqual({ server: 1 });
    await first.close();
    await serve(async () => objectReply({ server: 2 }), first.port);
    expect((await made.send(get("/"))).object).toEqual({ server: 2 });
  });

  it("use further connections when one has no stream left", async () => {
    const { handler, sinks } = watchHandler();
    let calls = 0;
    const server = await serve(async (call) =>
      call.path === "/watch" ? handler(call) : objectReply({ n: ++calls }),
    );
    const { transport: made } = transport(server.port);
    const stop = new AbortController();
    const watches = await Promise.all(
      Array.from({ length: 230 }, () =>
        openWatch(made, get("/watch", { query: [["watch", "1"]], signal: stop.signal })),
      ),
    );
    expect(sinks).toHaveLength(230);
    expect((await made.send(get("/"))).object).toEqual({ n: 1 });
    for (const sink of sinks) sink.events([frame({ type: "ADDED", object: { a: 1 } })]);
    await until(() => watches.every(({ events }) => events.length === 1));
    stop.abort(new Error("done"));
    expect(await Promise.all(watches.map(({ ended }) => ended))).toEqual(Array(230).fill(stop.signal.reason));
  });
});

describe("watches", () => {
  it("bring events in order and in batches, then the end", async () => {
    const { handler, sinks } = watchHandler();
    const server = await serve(handler);
    const watched = await openWatch(
      transport(server.port).transport,
      get("/", { query: [["watch", "true"]] }),
    );
    const many = Array.from({ length: 2_000 }, (_, i) => ({
      type: "MODIFIED" as const,
      object: { i, text: "ü\n".repeat(i % 50) },
    }));
    sinks[0]!.events(many.map(frame));
    sinks[0]!.events([frame({ type: "ERROR", object: { kind: "Status", code: 410 } })]);
    sinks[0]!.end();
    expect(await watched.ended).toBeUndefined();
    expect(watched.events).toEqual([...many, { type: "ERROR", object: { kind: "Status", code: 410 } }]);
    expect(watched.batches.length).toBeLessThan(500);
  });

  it("that are refused reject with the server's Status", async () => {
    const server = await serve(async () =>
      objectReply(notFound({ group: "", resource: "pods" }, "x").status, { status: 404 }),
    );
    const refused = openWatch(transport(server.port).transport, get("/", { query: [["watch", "true"]] }));
    expect(isNotFound(await refused.catch((error: unknown) => error))).toBe(true);
  });

  it("tell the server when the caller stops, and the caller when the server is gone", async () => {
    const { handler, sinks, stops } = watchHandler();
    const server = await serve(handler);
    const stop = new AbortController();
    const { transport: made } = transport(server.port);
    const watched = await openWatch(made, get("/", { query: [["watch", "true"]], signal: stop.signal }));
    stop.abort(new Error("enough"));
    expect(await watched.ended).toBe(stop.signal.reason);
    await until(() => stops() === 1);
    const second = await openWatch(made, get("/", { query: [["watch", "true"]] }));
    expect(sinks).toHaveLength(2);
    await server.close();
    expect(await second.ended).toBeUndefined();
  });

  it("end with an error when the connection dies in silence", async () => {
    const { handler, sinks } = watchHandler();
    const server = await serve(handler);
    const proxy = await freezableProxy(server.port);
    const { transport: made, clock } = transport(proxy.port);
    const watched = await openWatch(made, get("/", { query: [["watch", "true"]] }));
    for (let i = 0; i < 5; i++) {
      await clock.advance(15_000);
      await turns();
    }
    sinks[0]!.events([frame({ type: "ADDED", object: { still: "here" } })]);
    await until(() => watched.events.length === 1);
    proxy.freeze();
    await clock.advance(15_000);
    await turns();
    await clock.advance(15_000);
    expect(String(await watched.ended)).toContain("no answer to a ping");
  });

  it("of strangers: lines cut anywhere, empty lines, rubbish", async () => {
    const lines = '{"type":"ADDED","object":{"t":"ü"}}\n\n{"type":"DELETED","object":{"n":2}}\n';
    const server = await serve(async (call) => ({
      status: 200,
      contentType: "application/json",
      body: {
        as: "stream",
        async *chunks() {
          for (const byte of Buffer.from(call.path === "/bad" ? "what?\n" : lines)) yield Buffer.from([byte]);
        },
      },
    }));
    const { transport: made } = transport(server.port);
    const good = await openWatch(made, get("/namespaces/a/pods/b/log"));
    expect(await good.ended).toBeUndefined();
    expect(good.events).toEqual([
      { type: "ADDED", object: { t: "ü" } },
      { type: "DELETED", object: { n: 2 } },
    ]);
    const bad = await openWatch(made, get("/bad"));
    expect(await bad.ended).toBeInstanceOf(SyntaxError);
  });
});

it("streams are read as they come", async () => {
  const server = await serve(async () => ({
    status: 200,
    contentType: "text/plain",
    body: {
      as: "stream",
      async *chunks() {
        yield Buffer.from("one ");
        yield Buffer.from("two");
      },
    },
  }));
  let text = "";
  for await (const chunk of await transport(server.port).transport.stream(
    get("/api/v1/namespaces/a/pods/b/log"),
  )) {
    text += Buffer.from(chunk).toString();
  }
  expect(text).toBe("one two");
});

it("streams that nobody reads on are closed", async () => {
  const stopped = deferred<void>();
  const server = await serve(async () => ({
    status: 200,
    contentType: "text/plain",
    body: {
      as: "stream",
      async *chunks() {
        try {
          for (;;) {
            yield Buffer.alloc(10_000);
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          stopped.resolve();
        }
      },
    },
  }));
  const path = "/api/v1/namespaces/a/pods/b/log";
  for await (const chunk of await transport(server.port).transport.stream(get(path))) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  await stopped.promise;
});

it("HTTP/1.1 serves where the server speaks nothing else", async () => {
  const server = createHttpsServer({ key: tls.server.key, cert: tls.server.cert }, (request, response) => {
    expect(request.httpVersion).toBe("1.1");
    response.setHeader("content-type", "application/json");
    if (request.url!.startsWith("/watch")) response.write('{"type":"ADDED","object":{}}\n');
    if (request.url === "/watch?end=1" || !request.url!.startsWith("/watch"))
      response.end(request.url === "/x" ? '{"a":1}' : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => void server.close());
  const { transport: made } = transport((server.address() as AddressInfo).port);
  expect((await made.send(get("/x"))).object).toEqual({ a: 1 });
  const whole = await openWatch(made, get("/watch", { query: [["end", "1"]] }));
  expect(await whole.ended).toBeUndefined();
  expect(whole.events).toHaveLength(1);
  const stop = new AbortController();
  const cut = await openWatch(made, get("/watch", { signal: stop.signal }));
  await until(() => cut.events.length === 1);
  stop.abort(new Error("enough"));
  expect(await cut.ended).toBe(stop.signal.reason);
  const lost = await openWatch(made, get("/watch"));
  await until(() => lost.events.length === 1);
  server.closeAllConnections();
  expect(await lost.ended).toBeInstanceOf(Error);
});

/** Passes bytes on until it is frozen; then connections stay open and nothing arrives any more. */
async function freezableProxy(target: number): Promise<{ port: number; freeze(): void }> {
  const sockets: Socket[] = [];
  const proxy = createTcpServer((near) => {
    const far = tcpConnect(target, "127.0.0.1");
    sockets.push(near, far);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return {
    port: (proxy.address() as AddressInfo).port,
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
