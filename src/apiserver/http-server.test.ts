/** The HTTP shell over real TLS on the loopback interface, both protocols, with small handlers behind it. */
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { connect as tlsConnect } from "node:tls";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { seededRandom, SimulatedClock } from "../base/index.ts";
import type { ApiCall, ApiHandler, ApiReply, WatchSink } from "../machinery/index.ts";
import { testTls, type TestTls } from "../testing/tls.ts";
import { serveHttp, type HttpServer, type ServeHttpOptions } from "./http-server.ts";
import { bodyBytesMax, bodyTimeoutMs, requestTimeoutMs, writeTimeoutMs } from "./limits.ts";

let tls: TestTls;
beforeAll(async () => {
  tls = await testTls();
});

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Served {
  readonly server: HttpServer;
  readonly clock: SimulatedClock;
  readonly calls: ApiCall[];
}

async function serve(handler: ApiHandler, more: Partial<ServeHttpOptions> = {}): Promise<Served> {
  const clock = new SimulatedClock();
  const calls: ApiCall[] = [];
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handler: (call) => {
      calls.push(call);
      return handler(call);
    },
    tls: { key: tls.server.key, cert: tls.server.cert, clientCa: tls.ca.cert },
    clock,
    random: seededRandom(1),
    ...more,
  });
  closers.push(() => server.close());
  return { server, clock, calls };
}

function objectReply(object: object, more: Partial<ApiReply> = {}): ApiReply {
  return {
    status: 200,
    contentType: "application/json",
    body: { as: "object", object, bytes: () => Buffer.from(JSON.stringify(object)) },
    ...more,
  };
}

const echo: ApiHandler = async (call) => objectReply({ path: call.path, query: call.query, user: call.user });

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.bytes.toString("utf8")) as Record<string, unknown>;
}

function session(server: HttpServer, credentials: { cert?: string; key?: string } = {}): ClientHttp2Session {
  const client = connect(`https://127.0.0.1:${server.port}`, { ca: tls.ca.cert, ...credentials });
  client.on("error", () => {});
  closers.push(() => client.destroy());
  return client;
}

function h2(
  client: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: Uint8Array,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ":path": "/", ...headers }, { endStream: body === undefined });
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

function h1(server: HttpServer, options: RequestOptions, body?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { host: "127.0.0.1", port: server.port, ca: tls.ca.cert, agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, bytes: Buffer.concat(chunks) }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("calls", () => {
  it("come with path, decoded query and headers, over both protocols alike", async () => {
    const { server, calls } = await serve(echo);
    const path = "/api/v1/pods/a%2Fb?labelSelector=a%3Db%2Cc&x=1+2&x=%C3%A9&flag";
    await h2(session(server), { ":path": path, accept: "application/json", "user-agent": "kubectl/v1" });
    await h1(server, { path, headers: { accept: "application/json", "user-agent": "kubectl/v1" } });
    for (const call of calls) {
      expect(call.path).toBe("/api/v1/pods/a%2Fb");
      expect(call.query).toEqual([
        ["labelSelector", "a=b,c"],
        ["x", "1 2"],
        ["x", "é"],
        ["flag", ""],
      ]);
      expect(call).toMatchObject({ method: "GET", accept: "application/json", userAgent: "kubectl/v1" });
    }
    expect(calls).toHaveLength(2);
  });

  it("carry the body of writes and none for reads", async () => {
    const { server, calls } = await serve(echo);
    const client = session(server);
    await h2(client, { ":method": "POST", "content-type": "application/json" }, Buffer.from('{"a":1}'));
    await h2(client, { ":method": "DELETE" });
    await h1(server, { method: "PUT", headers: { "transfer-encoding": "chunked" } }, Buffer.from("{}"));
    expect(calls.map((call) => call.body && Buffer.from(call.body as Uint8Array).toString())).toEqual([
      '{"a":1}',
      undefined,
      "{}",
    ]);
  });

  it("end their signal when the client goes away", async () => {
    let seen: AbortSignal | undefined;
    const started = deferred<void>();
    const { server } = await serve((call) => {
      seen = call.signal;
      started.resolve();
      return new Promise(() => {});
    });
    const stream = session(server).request({ ":path": "/api" });
    stream.on("error", () => {});
    await started.promise;
    const aborted = new Promise((resolve) => seen!.addEventListener("abort", () => resolve(undefined)));
    stream.close(constants.NGHTTP2_CANCEL);
    await aborted;
    expect(seen!.aborted).toBe(true);
  });
});

describe("users", () => {
  it("are those of client certificates, on every request of a connection", async () => {
    const { server } = await serve(echo);
    const client = session(server, await tls.client("alice", ["dev", "ops"]));
    for (let i = 0; i < 2; i++) {
      expect(json(await h2(client, {}))["user"]).toEqual({
        username: "alice",
        groups: ["dev", "ops", "system:authenticated"],
      });
    }
    const bob = await tls.client("bob", ["dev"]);
    expect(json(await h1(server, { cert: bob.cert, key: bob.key }))["user"]).toEqual({
      username: "bob",
      groups: ["dev", "system:authenticated"],
    });
  });

  it("are anonymous without credentials", async () => {
    const { server } = await serve(echo);
    expect(json(await h2(session(server), {}))["user"]).toEqual({
      username: "system:anonymous",
      groups: ["system:unauthenticated"],
    });
  });

  it("are those of tokens; unknown tokens and strange certificates get 401", async () => {
    const { server } = await serve(echo, {
      authenticateToken: async (token) =>
        token === "secret" ? { username: "robot", groups: ["bots"] } : undefined,
    });
    const client = session(server);
    const robot = await h2(client, { authorization: "Bearer secret" });
    expect(json(robot)["user"]).toEqual({ username: "robot", groups: ["bots", "system:authenticated"] });
    const unknown = await h2(client, { authorization: "Bearer other" });
    expect(unknown.status).toBe(401);
    expect(json(unknown)).toMatchObject({
      kind: "Status",
      reason: "Unauthorized",
      message: "Unauthorized",
      code: 401,
    });
    const stranger = await (await testTls()).client("alice", ["system:masters"]);
    expect((await h2(session(server, stranger), {})).status).toBe(401);
  });

  it("may be impersonated by system:masters only", async () => {
    const { server } = await serve(echo);
    const headers = { "impersonate-user": "eve", "impersonate-group": ["a,b", "c"] };
    const admin = session(server, await tls.client("root", ["system:masters"]));
    expect(json(await h2(admin, { "impersonate-user": "eve", "impersonate-group": "a" }))["user"]).toEqual({
      username: "eve",
      groups: ["a", "system:authenticated"],
    });
    const other = await h2(session(server, await tls.client("mallory")), headers);
    expect(other.status).toBe(403);
    expect(json(other)["message"]).toContain('User "mallory" cannot impersonate resource "users"');
  });
});

describe("replies", () => {
  it("carry the headers that clients expect, and none that HTTP/2 forbids", async () => {
    const warnings = ['unknown field "spec.x"', "naïve", 'unknown field "spec.x"'];
    const { server } = await serve(async () =>
      objectReply({ a: 1 }, { status: 201, warnings, headers: { vary: "Accept" } }),
    );
    const answer = await h2(session(server), { ":method": "POST" }, Buffer.from("{}"));
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-cache, private",
      "content-length": "7",
      vary: "Accept",
    });
    expect(answer.headers["audit-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers["connection"]).toBeUndefined();
    expect(answer.headers["transfer-encoding"]).toBeUndefined();
    const utf8 = Buffer.from(String(answer.headers["warning"]), "latin1").toString("utf8");
    expect(utf8).toBe('299 - "unknown field \\"spec.x\\"", 299 - "naïve"');
  });

  it("are indented for ?pretty, curl and browsers, without touching numbers", async () => {
    const bytes = Buffer.from('{"n":12345678901234567890,"e":{},"l":[],"s":"a{\\"[","o":{"2":1,"1":[1,2]}}');
    const reply: ApiReply = {
      status: 200,
      contentType: "application/json",
      body: { as: "bytes", bytes: () => bytes },
    };
    const { server } = await serve(async () => reply);
    const client = session(server);
    const indented =
      '{\n  "n": 12345678901234567890,\n  "e": {},\n  "l": [],\n  "s": "a{\\"[",\n  "o": {\n    "2": 1,\n    "1": [\n      1,\n      2\n    ]\n  }\n}';
    expect((await h2(client, { ":path": "/?pretty=true" })).bytes.toString()).toBe(indented);
    expect((await h2(client, { "user-agent": "curl/8" })).bytes.toString()).toBe(indented);
    expect((await h2(client, { ":path": "/?pretty=false", "user-agent": "curl/8" })).bytes).toEqual(bytes);
    expect((await h2(client, {})).bytes).toEqual(bytes);
  });

  it("of lists come in pieces, whole and in order, zipped only when long and wanted", async () => {
    const items = Array.from({ length: 3000 }, (_, i) =>
      JSON.stringify({ name: `pod-${i}`, text: "x".repeat(300) }),
    );
    const whole = `{"items":[${items.join(",")}]}`;
    const { server } = await serve(async () => ({
      status: 200,
      contentType: "application/json",
      body: {
        as: "list",
        list: { metadata: {}, items: [] },
        *pieces() {
          yield Buffer.from('{"items":[');
          for (const [i, item] of items.entries()) yield Buffer.from((i > 0 ? "," : "") + item);
          yield Buffer.from("]}");
        },
      },
    }));
    const client = session(server);
    const plain = await h2(client, {});
    expect(plain.bytes.toString()).toBe(whole);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    const zipped = await h2(client, { "accept-encoding": "gzip" });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    expect(zipped.headers["vary"]).toBe("Accept-Encoding");
    expect(zipped.bytes.length).toBeLessThan(whole.length / 5);
    expect(gunzipSync(zipped.bytes).toString()).toBe(whole);
    expect(JSON.parse((await h2(client, { ":path": "/?pretty=1" })).bytes.toString())).toEqual(
      JSON.parse(whole),
    );
    const overH1 = await h1(server, { headers: { "accept-encoding": "gzip" } });
    expect(gunzipSync(overH1.bytes).toString()).toBe(whole);
  });

  it("of short objects are not zipped; documents are zipped once", async () => {
    const long = Buffer.from(JSON.stringify({ text: "y".repeat(200_000) }));
    let asked = 0;
    const { server } = await serve(async (call) => {
      if (call.path === "/short") return objectReply({ a: 1 });
      const body = { as: "bytes", bytes: () => (asked++, long) } as const;
      return { status: 200, contentType: "application/json", body, headers: { etag: '"E"', vary: "Accept" } };
    });
    const client = session(server);
    const headers = { "accept-encoding": "gzip" };
    expect((await h2(client, { ":path": "/short", ...headers })).headers["content-encoding"]).toBeUndefined();
    const first = await h2(client, { ":path": "/long", ...headers });
    const second = await h2(client, { ":path": "/long", ...headers });
    expect(gunzipSync(first.bytes)).toEqual(long);
    expect(first.headers["content-length"]).toBe(String(first.bytes.length));
    expect(first.headers["vary"]).toBe("Accept, Accept-Encoding");
    expect(second.bytes).toEqual(first.bytes);
    expect(asked).toBe(2);
  });

  it("to HEAD have no body; 304 has neither body nor type; OPTIONS is 405 with Allow", async () => {
    const { server } = await serve(async (call) =>
      objectReply({ a: 1 }, call.ifNoneMatch === '"E"' ? { status: 304 } : {}),
    );
    const client = session(server);
    const head = await h2(client, { ":method": "HEAD" });
    expect([head.status, head.bytes.length, head.headers["content-length"]]).toEqual([200, 0, "7"]);
    const unchanged = await h2(client, { "if-none-match": '"E"' });
    expect([unchanged.status, unchanged.bytes.length, unchanged.headers["content-type"]]).toEqual([
      304,
      0,
      undefined,
    ]);
    const options = await h2(client, { ":method": "OPTIONS" });
    expect([options.status, options.headers["allow"]]).toEqual([405, "GET, HEAD, POST, PUT, PATCH, DELETE"]);
  });

  it("that stream arrive piece by piece, and stop when the reader leaves", async () => {
    const stopped = deferred<void>();
    const { server } = await serve(async () => ({
      status: 200,
      contentType: "text/plain",
      body: {
        as: "stream",
        async *chunks() {
          try {
            yield Buffer.from("one\n");
            await new Promise((resolve) => setImmediate(resolve));
            yield Buffer.from("two\n");
            for (;;) {
              await new Promise((resolve) => setImmediate(resolve));
              yield Buffer.from(".");
            }
          } finally {
            stopped.resolve();
          }
        },
      },
    }));
    const stream = session(server).request({ ":path": "/api/v1/namespaces/a/pods/b/log?follow=true" });
    stream.on("error", () => {});
    let text = "";
    await new Promise<void>((resolve) => {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.startsWith("one\ntwo\n.")) resolve();
      });
    });
    stream.close(constants.NGHTTP2_CANCEL);
    await stopped.promise;
  });
});

describe("failures", () => {
  it("of a handler are 500 as Status and leave the server running", async () => {
    let isBroken = true;
    const { server } = await serve(async () => {
      if (isBroken) throw new Error("boom");
      return objectReply({ ok: true });
    });
    const client = session(server);
    const answer = await h2(client, {});
    expect(answer.status).toBe(500);
    expect(json(answer)).toMatchObject({
      kind: "Status",
      reason: "InternalError",
      message: "Internal error occurred: boom",
    });
    isBroken = false;
    expect((await h2(client, {})).status).toBe(200);
  });

  it("of broken URLs are 400", async () => {
    const { server, calls } = await serve(echo);
    const client = session(server);
    for (const path of ["/api/%zz", "/api?x=%4", "/a?b=%ff"]) {
      const answer = await h2(client, { ":path": path });
      expect([path, answer.status, json(answer)["reason"]]).toEqual([path, 400, "BadRequest"]);
    }
    expect(calls).toHaveLength(0);
  });

  it("of malformed HTTP/1.1 are Status JSON too", async () => {
    const { server } = await serve(echo);
    const send = (text: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = tlsConnect({
          host: "127.0.0.1",
          port: server.port,
          ca: tls.ca.cert,
          ALPNProtocols: ["http/1.1"],
        });
        let got = "";
        socket.on("data", (chunk) => (got += chunk.toString()));
        socket.on("close", () => resolve(got));
        socket.on("error", () => {});
        socket.write(text);
      });
    expect(await send("GARBAGE\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [^]*"kind":"Status"[^]*"code":400/);
    expect(await send(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 [^]*"code":431/,
    );
    const many = Array.from({ length: 120 }, (_, i) => `X-${i}: 1\r\n`).join("");
    expect(await send(`GET / HTTP/1.1\r\nHost: a\r\n${many}Connection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  it("of too large bodies are 413 and readable by both protocols", async () => {
    const { server, calls } = await serve(echo);
    const body = Buffer.alloc(bodyBytesMax + 1, 32);
    const answers = [
      await h2(session(server), { ":method": "POST" }, body),
      await h1(server, { method: "POST" }, body),
      await h1(server, { method: "POST", headers: { "transfer-encoding": "chunked" } }, body),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(413);
      expect(json(answer)).toMatchObject({
        reason: "RequestEntityTooLarge",
        message: `Request entity too large: limit is ${bodyBytesMax}`,
      });
    }
    expect(calls).toHaveLength(0);
    expect((await h2(session(server), { ":method": "POST" }, body.subarray(1))).status).toBe(200);
  });

  it("of huge uploads stop the upload after the answer", async () => {
    const { server } = await serve(echo);
    const client = session(server);
    const stream = client.request({ ":method": "POST", ":path": "/", "content-length": String(1 << 30) });
    stream.on("error", () => {});
    let status: number | undefined;
    let text = "";
    stream.on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    // Node's client does not close a stream whose body is still waiting, but tells that it was stopped.
    const stopped = new Promise<void>((resolve) => stream.on("aborted", () => resolve()));
    stream.write(Buffer.alloc(100_000));
    await stopped;
    await until(() => text !== "");
    expect(status).toBe(413);
    expect(text).toContain("RequestEntityTooLarge");
    expect((await h2(client, {})).status).toBe(200);
  });

  it("of slow bodies are 408", async () => {
    const { server, clock } = await serve(echo);
    const stream = session(server).request({ ":method": "POST", ":path": "/" });
    stream.write("{");
    const status = new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
    await until(() => clock.untilNextMs() !== undefined);
    await clock.advance(bodyTimeoutMs);
    expect(await status).toBe(408);
  });

  it("of slow handlers are 504 after a minute, writes sooner, ?timeout= sooner still", async () => {
    const signals: AbortSignal[] = [];
    const { server, clock } = await serve((call) => {
      signals.push(call.signal);
      return new Promise(() => {});
    });
    const client = session(server);
    const cases = [
      [{ ":path": "/api" }, requestTimeoutMs],
      [{ ":path": "/api", ":method": "DELETE" }, writeTimeoutMs],
      [{ ":path": "/api?timeout=1m30s" }, requestTimeoutMs],
      [{ ":path": "/api?timeout=1.5s" }, 1500],
    ] as const;
    for (const [headers, limitMs] of cases) {
      let isAnswered = false;
      const before = signals.length;
      const answer = h2(client, headers).then((got) => ((isAnswered = true), got));
      await until(() => signals.length > before);
      await clock.advance(limitMs - 1);
      await turns();
      expect(isAnswered).toBe(false);
      await clock.advance(1);
      expect(json(await answer)).toMatchObject({ code: 504, reason: "Timeout" });
      expect(signals.at(-1)!.aborted).toBe(true);
    }
    expect((await h2(client, { ":path": "/api?timeout=soon" })).status).toBe(400);
  });
});

describe("watches", () => {
  interface Watched extends Served {
    readonly sinks: WatchSink[];
    stops: number;
  }

  async function serveWatch(): Promise<Watched> {
    const sinks: WatchSink[] = [];
    const state = { stops: 0 };
    const served = await serve(async () => ({
      status: 200,
      contentType: "application/json",
      body: {
        as: "watch",
        start(sink) {
          sinks.push(sink);
          return () => void state.stops++;
        },
      },
    }));
    return {
      ...served,
      sinks,
      get stops() {
        return state.stops;
      },
    };
  }

  const frame = (text: string): { type: "ADDED"; object: object; bytes(): Uint8Array } => ({
    type: "ADDED",
    object: {},
    bytes: () => Buffer.from(`${text}\n`),
  });

  it("answer at once, then bring events, joined by turn, then end", async () => {
    const { server, sinks } = await serveWatch();
    const stream = session(server).request({ ":path": "/api/v1/pods?watch=1", "accept-encoding": "gzip" });
    const head = await new Promise<IncomingHttpHeaders>((resolve) => stream.on("response", resolve));
    expect(head).toMatchObject({ ":status": 200, "content-type": "application/json" });
    expect(head["content-encoding"]).toBeUndefined();
    const chunks: string[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    expect(sinks[0]!.events([frame("1"), frame("2")])).toBe(true);
    expect(sinks[0]!.events([frame("3")])).toBe(true);
    await until(() => chunks.join("").length === 6);
    expect(chunks).toEqual(["1\n2\n3\n"]);
    sinks[0]!.events([frame("4")]);
    sinks[0]!.end();
    await new Promise<void>((resolve) => stream.on("end", resolve));
    expect(chunks.join("")).toBe("1\n2\n3\n4\n");
  });

  it("outlive the time limit of requests", async () => {
    const { server, sinks, clock } = await serveWatch();
    const stream = session(server).request({ ":path": "/api/v1/pods?watch=true&timeout=5s" });
    await new Promise<void>((resolve) => stream.on("response", () => resolve()));
    await clock.advance(3_600_000);
    const data = new Promise<string>((resolve) =>
      stream.on("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    sinks[0]!.events([frame("late")]);
    expect(await data).toBe("late\n");
  });

  it("stop when the client leaves", async () => {
    const watched = await serveWatch();
    const stream = session(watched.server).request({ ":path": "/api/v1/pods?watch=1" });
    stream.on("error", () => {});
    await new Promise<void>((resolve) => stream.on("response", () => resolve()));
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => watched.stops > 0);
    expect(watched.sinks[0]!.events([frame("x")])).toBe(false);
  });

  for (const protocol of ["HTTP/2", "HTTP/1.1"] as const) {
    it(`cut off a reader that falls too far behind, and no other (${protocol})`, async () => {
      const { server, sinks } = await serveWatch();
      const lost = deferred<void>();
      let readOn = (): void => {};
      if (protocol === "HTTP/2") {
        const stream = session(server).request({ ":path": "/api/v1/pods?watch=1" });
        stream.pause();
        stream.on("error", () => lost.resolve());
        await new Promise<void>((resolve) => stream.on("response", () => resolve()));
      } else {
        const request = httpsRequest({
          host: "127.0.0.1",
          port: server.port,
          ca: tls.ca.cert,
          agent: false,
          path: "/api?watch=1",
        });
        request.end();
        await new Promise<void>((resolve) =>
          request.on("response", (response) => {
            response.pause();
            readOn = () => void response.resume();
            response.on("error", () => lost.resolve());
            resolve();
          }),
        );
        request.on("error", () => lost.resolve());
      }
      const good = session(server).request({ ":path": "/api/v1/pods?watch=1" });
      let goodBytes = 0;
      good.on("data", (chunk: Buffer) => (goodBytes += chunk.length));
      await until(() => sinks.length === 2);
      const line = "z".repeat(1024 * 1024 - 1);
      let sent = 0;
      const isTaken: boolean[] = [];
      while (sinks[0]!.events([frame(line)]) && sent < 400) {
        isTaken.push(sinks[1]!.events([frame(line)]));
        sent++;
        await until(() => goodBytes === sent * 1024 * 1024);
      }
      expect(sent).toBeLessThan(400);
      expect(isTaken).not.toContain(false);
      readOn();
      await lost.promise;
    });
  }

  it("are bounded by user with 429", async () => {
    const { server } = await serveWatch();
    const { WatchGate } = await import("./limits.ts");
    const gate = new WatchGate({ perUserMax: 2, perAddressMax: 3 });
    const leave = gate.enter("a", "x");
    gate.enter("a", "x");
    expect(() => gate.enter("a", "y")).toThrow("Too many watches");
    gate.enter("b", "x");
    expect(() => gate.enter("c", "x")).toThrow("Too many watches");
    leave();
    leave();
    expect(gate.open).toBe(2);
    gate.enter("a", "x");
    expect(() => gate.enter("a", "z")).toThrow("Too many watches");
    expect(server.port).toBeGreaterThan(0);
  });
});

describe("a stop", () => {
  it("ends watches, finishes requests, frees the port", async () => {
    const started = deferred<void>();
    const finish = deferred<void>();
    const { server } = await serve(async (call) => {
      if (call.query.length > 0) {
        return {
          status: 200,
          contentType: "application/json",
          body: {
            as: "watch",
            start: (sink) => {
              sink.events([{ type: "ADDED", object: {}, bytes: () => Buffer.from("first\n") }]);
              return () => {};
            },
          },
        };
      }
      started.resolve();
      await finish.promise;
      return objectReply({ done: true });
    });
    const idle = await h1KeepAlive(server);
    const watch = h2(session(server), { ":path": "/api?watch=1" });
    const busy = [h2(session(server), {}), h1(server, { path: "/x" })];
    await started.promise;
    const closed = server.close();
    expect((await watch).bytes.toString()).toBe("first\n");
    finish.resolve();
    for (const answer of busy) expect(json(await answer)).toEqual({ done: true });
    await closed;
    await idle.closed;
    await expect(h1(server, {})).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("does not wait for ever", async () => {
    const started = deferred<void>();
    const { server, clock } = await serve(() => {
      started.resolve();
      return new Promise(() => {});
    });
    const answer = h2(session(server), {}).catch(() => "cut");
    await started.promise;
    const closed = server.close();
    await clock.advance(10_000);
    await closed;
    await answer;
  });

  it("tells of a port in use by code", async () => {
    const { server } = await serve(echo);
    await expect(serve(echo, { port: server.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

it("a session carries a hundred streams at once", async () => {
  const { server } = await serve(echo);
  const client = session(server);
  const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    client.on("remoteSettings", resolve),
  );
  expect(settings.maxConcurrentStreams).toBe(100);
});

/** An idle keep-alive connection, after one request. */
async function h1KeepAlive(server: HttpServer): Promise<{ closed: Promise<void> }> {
  const socket = tlsConnect({
    host: "127.0.0.1",
    port: server.port,
    ca: tls.ca.cert,
    ALPNProtocols: ["http/1.1"],
  });
  socket.write("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n");
  await new Promise<void>((resolve) => socket.once("data", () => resolve()));
  socket.resume();
  return { closed: new Promise((resolve) => socket.once("close", () => resolve())) };
}

/** Node 22 has this as Promise.withResolvers. */
function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
