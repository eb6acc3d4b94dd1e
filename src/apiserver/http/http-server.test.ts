/** The HTTP shell over real TLS on the loopback interface: calls, users, failures, stops; small handlers behind it. */
import { constants } from "node:http2";
import { Agent } from "node:https";
import { connect as tcpConnect } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { deferred, echo, h2, HttpBench, json, objectReply, turns, until } from "../../testing/http.ts";
import { testTls } from "../../testing/tls.ts";
import { afterReplyMs } from "./exchange.ts";
import { bearerTokens, publicPaths } from "../filters/authentication.ts";
import { queueWaitMsMax } from "../filters/fair-queues.ts";
import { requestTimeoutMs, writeTimeoutMs } from "../filters/time-limit.ts";
import { bodyBytesMax, bodyTimeoutMs } from "./limits.ts";

let bench: HttpBench;
beforeAll(async () => {
  bench = await HttpBench.make();
});
afterEach(() => bench.close());

describe("calls", () => {
  it("come with path, decoded query and headers, over both protocols alike", async () => {
    const { server, calls } = await bench.serve(echo);
    const path = "/api/v1/pods/a%2Fb?labelSelector=a%3Db%2Cc&x=1+2&x=%C3%A9&flag";
    await h2(bench.session(server), {
      ":path": path,
      accept: "application/json",
      "user-agent": "kubectl/v1",
    });
    await bench.h1(server, { path, headers: { accept: "application/json", "user-agent": "kubectl/v1" } });
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
    const { server, calls } = await bench.serve(echo);
    const client = bench.session(server);
    await h2(client, { ":method": "POST", "content-type": "application/json" }, Buffer.from('{"a":1}'));
    await h2(client, { ":method": "DELETE" });
    await bench.h1(server, { method: "PUT", headers: { "transfer-encoding": "chunked" } }, Buffer.from("{}"));
    expect(calls.map((call) => call.body && Buffer.from(call.body as Uint8Array).toString())).toEqual([
      '{"a":1}',
      undefined,
      "{}",
    ]);
  });

  it("end their signal when the client goes away", async () => {
    let seen: AbortSignal | undefined;
    const started = deferred<void>();
    const { server } = await bench.serve((call) => {
      seen = call.signal;
      started.resolve();
      return new Promise(() => {});
    });
    const stream = bench.session(server).request({ ":path": "/api" });
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
    const { server } = await bench.serve(echo);
    const client = bench.session(server, await bench.tls.client("alice", ["dev", "ops"]));
    for (let i = 0; i < 2; i++) {
      expect(json(await h2(client, {}))["user"]).toEqual({
        username: "alice",
        groups: ["dev", "ops", "system:authenticated"],
      });
    }
    const bob = await bench.tls.client("bob", ["dev"]);
    expect(json(await bench.h1(server, { cert: bob.cert, key: bob.key }))["user"]).toEqual({
      username: "bob",
      groups: ["dev", "system:authenticated"],
    });
  });

  it("are anonymous without credentials", async () => {
    const { server } = await bench.serve(echo);
    expect(json(await h2(bench.session(server), {}))["user"]).toEqual({
      username: "system:anonymous",
      groups: ["system:unauthenticated"],
    });
  });

  it("are those of tokens; unknown tokens and strange certificates get 401", async () => {
    const { server } = await bench.serve(echo, {
      chain: {
        authenticators: [
          bearerTokens(async (token) =>
            token === "secret" ? { username: "robot", groups: ["bots"] } : undefined,
          ),
        ],
      },
    });
    const client = bench.session(server);
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
    expect((await h2(bench.session(server, stranger), {})).status).toBe(401);
  });

  it("may be impersonated by system:masters only", async () => {
    const { server } = await bench.serve(echo);
    const headers = { "impersonate-user": "eve", "impersonate-group": ["a,b", "c"] };
    const admin = bench.session(server, await bench.tls.client("root", ["system:masters"]));
    expect(json(await h2(admin, { "impersonate-user": "eve", "impersonate-group": "a" }))["user"]).toEqual({
      username: "eve",
      groups: ["a", "system:authenticated"],
    });
    const other = await h2(bench.session(server, await bench.tls.client("mallory")), headers);
    expect(other.status).toBe(403);
    expect(json(other)["message"]).toContain('User "mallory" cannot impersonate resource "users"');
  });
});

describe("failures", () => {
  it("of a handler are 500 as Status and leave the server running", async () => {
    let isBroken = true;
    const { server } = await bench.serve(async () => {
      if (isBroken) throw new Error("boom");
      return objectReply({ ok: true });
    });
    const client = bench.session(server);
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
    const { server, calls } = await bench.serve(echo);
    const client = bench.session(server);
    for (const path of ["/api/%zz", "/api?x=%4", "/a?b=%ff"]) {
      const answer = await h2(client, { ":path": path });
      expect([path, answer.status, json(answer)["reason"]]).toEqual([path, 400, "BadRequest"]);
    }
    expect(calls).toHaveLength(0);
  });

  it("of malformed HTTP/1.1 are Status JSON too", async () => {
    const { server } = await bench.serve(echo);
    const send = (text: string): Promise<string> => bench.raw(server, text);
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
    const { server, calls } = await bench.serve(echo);
    const body = Buffer.alloc(bodyBytesMax + 1, 32);
    const answers = [
      await h2(bench.session(server), { ":method": "POST" }, body),
      await bench.h1(server, { method: "POST" }, body),
      await bench.h1(server, { method: "POST", headers: { "transfer-encoding": "chunked" } }, body),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(413);
      expect(json(answer)).toMatchObject({
        reason: "RequestEntityTooLarge",
        message: `Request entity too large: limit is ${bodyBytesMax}`,
      });
    }
    expect(calls).toHaveLength(0);
    expect((await h2(bench.session(server), { ":method": "POST" }, body.subarray(1))).status).toBe(200);
  });

  it("of huge uploads stop the upload after the answer", async () => {
    const { server, clock } = await bench.serve(echo);
    const client = bench.session(server);
    const stream = client.request({
      ":method": "POST",
      ":path": "/api/v1/pods",
      "content-length": String(1 << 30),
    });
    stream.on("error", () => {});
    let status: number | undefined;
    let text = "";
    stream.on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    // Node's client does not close a stream whose body is still waiting, but tells that it was stopped.
    const stopped = new Promise<void>((resolve) => stream.on("aborted", () => resolve()));
    stream.write(Buffer.alloc(100_000));
    await new Promise<void>((resolve) => stream.on("end", () => resolve()));
    expect(stream.aborted).toBe(false);
    await clock.advance(afterReplyMs);
    await stopped;
    expect(status).toBe(413);
    expect(text).toContain("RequestEntityTooLarge");
    expect((await h2(client, {})).status).toBe(200);
  });

  it("of strangers do not wait for the body that they announce", async () => {
    const { server, calls } = await bench.serve(echo, { chain: { anonymous: publicPaths } });
    const announced = "Host: a\r\nContent-Length: 1000000\r\n\r\n";
    expect(await bench.raw(server, `POST /api/v1/pods HTTP/1.1\r\n${announced}{`)).toMatch(
      /^HTTP\/1\.1 401 [^]*Connection: close[^]*"reason":"Unauthorized"/i,
    );
    expect(await bench.raw(server, `PUT /version HTTP/1.1\r\n${announced}{`)).toMatch(
      /^HTTP\/1\.1 200 [^]*Connection: close/i,
    );
    for (const [path, status] of [
      ["/api/v1/pods", 401],
      ["/version", 200],
    ] as const) {
      const stream = bench.session(server).request({ ":method": "POST", ":path": path });
      stream.write("{");
      const got = new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
      expect(await got).toBe(status);
    }
    expect(calls.map(({ path, body }) => [path, body])).toEqual([
      ["/version", undefined],
      ["/version", undefined],
    ]);
  });

  it("of a small body that nobody has asked for leave the connection open", async () => {
    const { server } = await bench.serve(echo, { chain: { anonymous: publicPaths } });
    const request = (more: string): string =>
      `POST /api/v1/pods HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${more}\r\n{}`;
    const answers = await bench.raw(server, request("") + request("Connection: close\r\n"));
    expect(answers.match(/HTTP\/1\.1 401 /g)).toHaveLength(2);
  });

  it("of slow bodies are 408", async () => {
    const { server, clock } = await bench.serve(echo);
    const stream = bench.session(server).request({ ":method": "POST", ":path": "/api/v1/pods" });
    stream.write("{");
    const status = new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
    await until(() => clock.untilNextMs() !== undefined);
    await clock.advance(bodyTimeoutMs);
    expect(await status).toBe(408);
  });

  it("of slow handlers are 504 after a minute, writes sooner, ?timeout= sooner still", async () => {
    const signals: AbortSignal[] = [];
    const { server, clock } = await bench.serve((call) => {
      signals.push(call.signal);
      return new Promise(() => {});
    });
    const client = bench.session(server);
    const cases = [
      [{ ":path": "/api" }, requestTimeoutMs],
      [{ ":path": "/api", ":method": "DELETE" }, writeTimeoutMs],
      [{ ":path": "/api?timeout=1m30s" }, requestTimeoutMs],
      [{ ":path": "/api?timeout=1.5s" }, 1500],
      [{ ":path": "/api/v1/namespaces/a/pods/log" }, requestTimeoutMs],
      [{ ":path": "/healthz?watch=true" }, requestTimeoutMs],
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

describe("a stop", () => {
  it("ends watches, finishes requests, frees the port", async () => {
    const started = deferred<void>();
    const finish = deferred<void>();
    const { server } = await bench.serve(async (call) => {
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
    const idle = await bench.idle(server);
    const keepAlive = new Agent({ keepAlive: true });
    const watch = h2(bench.session(server), { ":path": "/api/v1/pods?watch=1" });
    const busy = [h2(bench.session(server), {}), bench.h1(server, { path: "/x", agent: keepAlive })];
    await started.promise;
    const closed = server.close();
    expect((await watch).bytes.toString()).toBe("first\n");
    finish.resolve();
    for (const answer of busy) expect(json(await answer)).toEqual({ done: true });
    await closed;
    await idle.closed;
    await expect(bench.h1(server, {})).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("does not wait for ever", async () => {
    const started = deferred<void>();
    const { server, clock } = await bench.serve(() => {
      started.resolve();
      return new Promise(() => {});
    });
    const answer = h2(bench.session(server), {}).then(
      ({ status }) => (status === 0 ? "cut" : status),
      () => "cut",
    );
    await started.promise;
    // This one never even begins its handshake.
    const stranger = tcpConnect(server.port, "127.0.0.1");
    const silent = new Promise((resolve) => stranger.on("close", resolve));
    await new Promise<void>((resolve) => stranger.on("connect", () => resolve()));
    await turns();
    const closed = server.close();
    await turns();
    await clock.advance(10_000);
    await closed;
    await silent;
    expect(await answer).toBe("cut");
  });

  it("tells of a port in use by code", async () => {
    const { server } = await bench.serve(echo);
    await expect(bench.serve(echo, { port: server.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("overload", () => {
  it("makes requests wait for a seat, reads and writes apart, and never watches", async () => {
    const finish = deferred<void>();
    const flowControl = { readsInFlight: 2, writesInFlight: 1 };
    const { server, calls } = await bench.serve(
      async (call) => {
        if (call.query.length > 0)
          return { status: 200, contentType: "a/b", body: { as: "watch", start: () => () => {} } };
        await finish.promise;
        return objectReply({ path: call.path });
      },
      { chain: { flowControl } },
    );
    const client = bench.session(server, await bench.tls.client("alice"));
    const reads = [1, 2, 3].map((n) => h2(client, { ":path": `/api/${n}` }));
    await until(() => calls.length === 2);
    const write = h2(client, { ":path": "/api/write", ":method": "DELETE" });
    await until(() => calls.length === 3);
    const stream = client.request({ ":path": "/api/v1/pods?watch=1" });
    stream.on("error", () => {});
    await new Promise<void>((resolve) => stream.on("response", () => resolve()));
    await turns();
    expect(calls.map(({ path }) => path)).toEqual(["/api/1", "/api/2", "/api/write", "/api/v1/pods"]);
    finish.resolve();
    expect((await Promise.all([...reads, write])).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(calls.map(({ path }) => path)).toContain("/api/3");
  });

  it("that lasts ends in 429 with Retry-After", async () => {
    const { server, calls, clock } = await bench.serve(() => new Promise(() => {}), {
      chain: { flowControl: { readsInFlight: 1 } },
    });
    const client = bench.session(server);
    void h2(client, {}).catch(() => {});
    await until(() => calls.length === 1);
    const refused = h2(client, {});
    await turns();
    await clock.advance(queueWaitMsMax);
    expect(await refused).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  });
});

it("a session carries a hundred streams at once", async () => {
  const { server } = await bench.serve(echo);
  const client = bench.session(server);
  const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    client.on("remoteSettings", resolve),
  );
  expect(settings.maxConcurrentStreams).toBe(100);
});
