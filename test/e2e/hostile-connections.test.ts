/**
 * Attacks below HTTP: half requests, slow ones, floods of headers, garbage instead of TLS, HTTP/2 frames that no library
 * sends. The server answers where it can, drops the rest, and serves all others as before.
 * Limits: docs/spec/invariants.md#2.
 */
import { constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Cluster } from "./cluster.ts";
import { daemonSet, daemonsetsPath } from "./hostile/rows.ts";
import {
  endHeaders,
  endStream,
  frame,
  frameTypes,
  getHeaders,
  preface,
  typesOf,
  uint32,
} from "./hostile/http2-frames.ts";
import { Api } from "./https.ts";
import { expectUnharmed, residentKb } from "./hostile/unharmed.ts";

let cluster: Cluster;
let api: Api;
let startKb: number;
let slow: Promise<string>;

beforeAll(async () => {
  cluster = await Cluster.up();
  api = new Api(cluster.kubeconfig);
  startKb = residentKb(cluster.pid);
  // The server's time limit for it is half a minute: the other tests run meanwhile.
  slow = slowBody();
});

afterAll(async () => {
  api?.close();
  await cluster?.stop();
});

afterEach(async () => {
  expect((await api.ask("GET", "/livez")).text).toBe("ok");
});

/** All bytes until the connection ends in any way. */
function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
    socket.on("error", () => {});
    socket.once("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

async function sendsHttp1(text: string | Buffer): Promise<string> {
  const socket = await api.socket("http/1.1");
  const answer = untilClosed(socket);
  socket.write(text);
  return await answer;
}

/** Sends one byte each second of a body whose Content-Length is a thousand. */
async function slowBody(): Promise<string> {
  const socket = await api.socket("http/1.1");
  const answer = untilClosed(socket);
  socket.write(
    `POST ${daemonsetsPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
  );
  const timer = setInterval(() => void socket.write(" "), 1_000);
  return await answer.finally(() => clearInterval(timer));
}

const post = (headers: string): string =>
  `POST ${daemonsetsPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}\r\n`;

describe("HTTP/1.1", () => {
  test.each([
    ["no HTTP", "hello\r\n\r\n", 400],
    ["an unknown version", "GET / HTTP/9.9\r\n\r\n", 400],
    ["a space before the colon", "GET /livez HTTP/1.1\r\nHost : x\r\n\r\n", 400],
    ["a NUL byte in the path", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["a NUL byte in a header", "GET /livez HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400],
    ["two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n"), 400],
    ["a length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400],
    ["a negative length", post("Content-Length: -1\r\n"), 400],
    ["a chunk of no size", `${post("Transfer-Encoding: chunked\r\n")}zz\r\n`, 400],
    ["a header of 64 KiB", `GET /livez HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(65_536)}\r\n\r\n`, 431],
    ["a path of 64 KiB", `GET /${"a".repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ] as const)("%s", async (_, request, code) => {
    const answer = await sendsHttp1(request);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${code} `));
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toMatchObject({ kind: "Status", code });
  });

  test("two hundred headers", async () => {
    const headers = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, "a"]));
    expect((await api.ask("GET", "/livez", { headers })).status).toBe(431);
  });

  test("a connection that ends in the middle of a body leaves nothing behind", async () => {
    const body = JSON.stringify(daemonSet("half"));
    for (let count = 0; count < 50; count++) {
      const socket = await api.socket("http/1.1");
      const closed = untilClosed(socket);
      socket.write(`${post(`Content-Length: ${body.length}\r\n`)}${body.slice(0, -1)}`);
      if (count % 2 === 0) socket.destroy();
      else socket.end();
      await closed;
    }
    expect((await api.ask("GET", `${daemonsetsPath}/half`)).status).toBe(404);
  });

  test("an upload above the bound is refused before it has been sent, and then cut off", async () => {
    const socket = await api.socket("http/1.1");
    const answer = untilClosed(socket);
    socket.write(post("Content-Length: 1000000000\r\n"));
    expect(await answer).toMatch(/^HTTP\/1\.1 413 [^]*"reason":"RequestEntityTooLarge"/);
  });

  test("a second request hidden in the body of the first is not carried out", async () => {
    const hidden = `DELETE ${daemonsetsPath} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answer = await sendsHttp1(
      `${post(`Content-Length: ${hidden.length}\r\nConnection: close\r\n`)}${hidden}`,
    );
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("a client that disconnects before its answer", async () => {
    for (let count = 0; count < 50; count++) {
      const socket = await api.socket("http/1.1");
      const closed = untilClosed(socket);
      socket.write("GET /api/v1/pods?resourceVersion=9007199254740000 HTTP/1.1\r\nHost: x\r\n\r\n", () =>
        socket.destroy(),
      );
      await closed;
    }
  });
});

describe("TLS", () => {
  test.each([
    ["plain HTTP", Buffer.from("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["noise", Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 131 + 17) % 256))],
    ["half a hello", Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01])],
    ["nothing", Buffer.alloc(0)],
  ])("%s", async (_, bytes) => {
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(Number(api.url.port), api.url.hostname);
        const closed = untilClosed(socket);
        await new Promise<void>((resolve) => socket.once("connect", resolve));
        socket.end(bytes);
        return closed;
      }),
    );
    for (const answer of sockets) expect(answer).not.toContain("ok");
  });

  test("a client without a certificate reads and changes nothing", async () => {
    const socket = connectTls({
      host: api.url.hostname,
      port: Number(api.url.port),
      rejectUnauthorized: false,
    });
    const answer = untilClosed(socket);
    socket.write("GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await answer).toMatch(/^HTTP\/1\.1 401 [^]*"reason":"Unauthorized"/);
  });
});

describe("HTTP/2", () => {
  /** What the server does with the connection: sends GOAWAY, closes it, or still serves it after `waitMs`. */
  async function sendsHttp2(frames: Buffer, waitMs = 10_000): Promise<"goaway" | "closed" | "goes on"> {
    const socket = await api.socket("h2");
    const outcome = new Promise<"goaway" | "closed" | "goes on">((resolve) => {
      let bytes: Buffer = Buffer.alloc(0);
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (typesOf(bytes).includes(frameTypes.goAway)) resolve("goaway");
      });
      socket.once("close", () => resolve("closed"));
      setTimeout(() => resolve("goes on"), waitMs);
    });
    socket.write(Buffer.concat([preface, frame({ type: frameTypes.settings }), frames]));
    return await outcome.finally(() => socket.destroy());
  }

  const headersOf = (stream: number, flags: number = endHeaders | endStream): Buffer =>
    frame({ type: frameTypes.headers, flags, stream, payload: getHeaders("/livez", "x") });

  test("20,000 streams opened and reset at once", async () => {
    const pairs = Array.from({ length: 20_000 }, (_, index) => {
      const stream = 2 * index + 1;
      const payload = uint32(constants.NGHTTP2_CANCEL);
      return Buffer.concat([headersOf(stream), frame({ type: frameTypes.resetStream, stream, payload })]);
    });
    expect(await sendsHttp2(Buffer.concat(pairs))).not.toBe("goes on");
  });

  test("2,000 streams that never end", async () => {
    const streams = Array.from({ length: 2_000 }, (_, index) => headersOf(2 * index + 1, endHeaders));
    expect(await sendsHttp2(Buffer.concat(streams))).not.toBe("goes on");
  });

  const promise = { type: frameTypes.pushPromise, flags: endHeaders, stream: 1, payload: uint32(2) };
  const noHpack = { type: frameTypes.headers, flags: endHeaders, stream: 3, payload: Buffer.alloc(50, 0xff) };

  test.each([
    ["a flood of settings", 20_000, { type: frameTypes.settings }],
    ["a flood of pings", 20_000, { type: frameTypes.ping, payload: Buffer.alloc(8) }],
    ["data for no stream", 1, { type: frameTypes.data, stream: 7, payload: Buffer.alloc(10) }],
    [
      "a frame of an impossible size",
      1,
      { type: frameTypes.data, stream: 1, payload: Buffer.alloc(100_000) },
    ],
    ["a window beyond its end", 2, { type: frameTypes.windowUpdate, payload: uint32(2 ** 31 - 1) }],
    ["a promise from the client", 1, promise],
    ["headers that are no HPACK", 1, noHpack],
  ] as const)("%s ends the connection", async (_, count, wrong) => {
    const flood = Array.from({ length: count }, () => frame(wrong));
    expect(await sendsHttp2(Buffer.concat([headersOf(1), ...flood]))).not.toBe("goes on");
  });

  test("headers that never end close the connection", async () => {
    const more = frame({ type: frameTypes.continuation, stream: 1, payload: Buffer.alloc(100, 0x82) });
    const flood = Array.from({ length: 20_000 }, () => more);
    expect(await sendsHttp2(Buffer.concat([headersOf(1, endStream), ...flood]))).not.toBe("goes on");
  });

  test("frames of an unknown type are ignored", async () => {
    const unknown = Array.from({ length: 100 }, () => frame({ type: 0xfe, payload: Buffer.alloc(10) }));
    expect(await sendsHttp2(Buffer.concat([...unknown, headersOf(1)]), 1_000)).toBe("goes on");
  });

  test("no preface", async () => {
    const socket = await api.socket("h2");
    const answer = untilClosed(socket);
    socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await answer).not.toContain("HTTP/1.1 200");
  });

  test("1,000 requests on one connection, every second one cancelled", async () => {
    const session = api.http2();
    const answers = Array.from({ length: 1_000 }, (_, index) => {
      const stream = session.request({ ":path": "/api/v1/nodes" });
      if (index % 2 === 1) stream.close(constants.NGHTTP2_CANCEL);
      return new Promise<number | undefined>((resolve) => {
        let status: number | undefined;
        stream.on("response", (headers) => (status = headers[":status"]));
        stream.on("error", () => {});
        stream.on("close", () => resolve(status));
        stream.resume();
      });
    });
    const statuses = await Promise.all(answers);
    session.close();
    expect(statuses.filter((_, index) => index % 2 === 0)).toEqual(Array.from({ length: 500 }, () => 200));
  });

  test("a hundred watches whose reader reads nothing", async () => {
    const session = api.http2();
    const opened = Array.from({ length: 100 }, () => {
      const stream = session.request({ ":path": "/api/v1/pods?watch=1" });
      stream.on("error", () => {});
      return new Promise<unknown>((resolve) =>
        stream.once("response", (headers) => resolve(headers[":status"])),
      );
    });
    expect(new Set(await Promise.all(opened))).toEqual(new Set([200]));
    session.destroy();
  });
});

test("a body that comes byte by byte is refused after half a minute", async () => {
  // Node's own limit for a whole request, a minute, has another message.
  expect(await slow).toMatch(/^HTTP\/1\.1 408 [^]*"the request body did not arrive in time"/);
  expect((await api.must("GET", daemonsetsPath)).items).toEqual([]);
});

test("the server is unharmed", async () => {
  await expectUnharmed(cluster, api, startKb);
});
