/** What the HTTP shell sends, over real TLS on the loopback interface: objects, lists, documents, streams, watches. */
import { constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { request as httpsRequest } from "node:https";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ApiReply, WatchSink } from "../../machinery/index.ts";
import type { FlowControlOptions } from "../filters/flow-control.ts";
import { deferred, h2, HttpBench, objectReply, turns, until, type Served } from "../../testing/http.ts";

let bench: HttpBench;
beforeAll(async () => {
  bench = await HttpBench.make();
});
afterEach(() => bench.close());

describe("replies", () => {
  it("carry the headers that clients expect, and none that HTTP/2 forbids", async () => {
    const warnings = ['unknown field "spec.x"', "naïve", 'unknown field "spec.x"'];
    const { server } = await bench.serve(async () =>
      objectReply({ a: 1 }, { status: 201, warnings, headers: { vary: "Accept" } }),
    );
    const answer = await h2(bench.session(server), { ":method": "POST" }, Buffer.from("{}"));
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

  it("cut long warnings when all together are too long", async () => {
    const warnings = Array.from({ length: 20 }, (_, i) => `${i}\n${"w".repeat(400)}`);
    const { server } = await bench.serve(async () => objectReply({}, { warnings }));
    const sent = String((await h2(bench.session(server), {})).headers["warning"]).split(", ");
    expect(sent).toHaveLength(16);
    expect(sent[0]).toBe(`299 - "0 ${"w".repeat(254)}"`);
  });

  it("are indented for ?pretty, curl and browsers, without touching numbers", async () => {
    const bytes = Buffer.from('{"n":12345678901234567890,"e":{},"l":[],"s":"a{\\"[","o":{"2":1,"1":[1,2]}}');
    const reply: ApiReply = {
      status: 200,
      contentType: "application/json",
      body: { as: "bytes", bytes: () => bytes },
    };
    const { server } = await bench.serve(async () => reply);
    const client = bench.session(server);
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
    const { server } = await bench.serve(async () => ({
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
    const client = bench.session(server);
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
    const overH1 = await bench.h1(server, { headers: { "accept-encoding": "gzip" } });
    expect(gunzipSync(overH1.bytes).toString()).toBe(whole);
  });

  it("of short objects are not zipped; documents are zipped once", async () => {
    const long = Buffer.from(JSON.stringify({ text: "y".repeat(200_000) }));
    let asked = 0;
    const { server } = await bench.serve(async (call) => {
      if (call.path === "/short") return objectReply({ a: 1 });
      const body = { as: "bytes", bytes: () => (asked++, long) } as const;
      return { status: 200, contentType: "application/json", body, headers: { etag: '"E"', vary: "Accept" } };
    });
    const client = bench.session(server);
    const headers = { "accept-encoding": "gzip" };
    expect((await h2(client, { ":path": "/short", ...headers })).headers["content-encoding"]).toBeUndefined();
    const first = await h2(client, { ":path": "/long", ...headers });
    const second = await h2(client, { ":path": "/long", ...headers });
    expect(gunzipSync(first.bytes).equals(long)).toBe(true);
    expect(first.headers["content-length"]).toBe(String(first.bytes.length));
    expect(first.headers["vary"]).toBe("Accept, Accept-Encoding");
    expect(second.bytes.equals(first.bytes)).toBe(true);
    expect(asked).toBe(2);
  });

  it("to HEAD have no body; 304 has neither body nor type; OPTIONS is 405 with Allow", async () => {
    const { server } = await bench.serve(async (call) =>
      objectReply({ a: 1 }, call.ifNoneMatch === '"E"' ? { status: 304 } : {}),
    );
    const client = bench.session(server);
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
    const { server } = await bench.serve(async () => ({
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
    const stream = bench.session(server).request({ ":path": "/api/v1/namespaces/a/pods/b/log?follow=true" });
    stream.on("error", () => {});
    let text = "";
    await new Promise<void>((resolve) => {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.startsWith("one\ntwo\n.")) resolve();
      });
    });
    expect(text.startsWith("one\ntwo\n")).toBe(true);
    stream.close(constants.NGHTTP2_CANCEL);
    await stopped.promise;
  });
});

describe("watches", () => {
  interface Watched extends Served {
    readonly sinks: WatchSink[];
    stops: number;
  }

  async function serveWatch(flowControl: FlowControlOptions = {}): Promise<Watched> {
    const sinks: WatchSink[] = [];
    const state = { stops: 0 };
    const served = await bench.serve(
      async () => ({
        status: 200,
        contentType: "application/json",
        body: {
          as: "watch",
          start(sink) {
            sinks.push(sink);
            return () => void state.stops++;
          },
        },
      }),
      { chain: { flowControl } },
    );
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
    const stream = bench
      .session(server)
      .request({ ":path": "/api/v1/pods?watch=1", "accept-encoding": "gzip" });
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
    const stream = bench.session(server).request({ ":path": "/api/v1/pods?watch=true&timeout=5s" });
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
    const stream = bench.session(watched.server).request({ ":path": "/api/v1/pods?watch=1" });
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
        const stream = bench.session(server).request({ ":path": "/api/v1/pods?watch=1" });
        stream.pause();
        stream.on("error", () => lost.resolve());
        await new Promise<void>((resolve) => stream.on("response", () => resolve()));
      } else {
        const request = httpsRequest(bench.h1Options(server, { path: "/api/v1/pods?watch=1" }));
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
      const good = bench.session(server).request({ ":path": "/api/v1/pods?watch=1" });
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

  it("are bounded by user and by address with 429, and count no longer when they are over", async () => {
    const { server, sinks } = await serveWatch({ watches: { perUserMax: 2, perAddressMax: 3 } });
    const alice = bench.session(server, await bench.tls.client("alice"));
    const bob = bench.session(server, await bench.tls.client("bob"));
    const open = (client: ClientHttp2Session): Promise<number | undefined> =>
      new Promise((resolve) => {
        const stream = client.request({ ":path": "/api/v1/pods?watch=1" });
        stream.on("error", () => {});
        stream.on("response", (headers) => resolve(headers[":status"])).resume();
      });
    expect([await open(alice), await open(alice), await open(alice)]).toEqual([200, 200, 429]);
    expect([await open(bob), await open(bob)]).toEqual([200, 429]);
    sinks[0]!.end();
    await until(() => sinks[0]!.events([]) === false);
    await turns();
    expect(await open(alice)).toBe(200);
  });
});
