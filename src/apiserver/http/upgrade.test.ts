/** Connections that leave HTTP, over real TLS on the loopback interface: echo over HTTP/1.1 and over extended CONNECT. */
import type { ClientHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { forbidden, type ApiReply, type ApiRequest, type DuplexStream } from "../../machinery/index.ts";
import {
  deferred,
  HttpBench,
  json,
  h2,
  objectReply,
  turns,
  until,
  type Served,
  type Work,
} from "../../testing/http.ts";

let bench: HttpBench;
beforeAll(async () => {
  bench = await HttpBench.make();
});
afterEach(() => bench.close());

const path = "/api/v1/namespaces/a/pods/p/exec";

function upgrading(run: (stream: DuplexStream, request: ApiRequest) => Promise<void>) {
  return async (request: ApiRequest): Promise<ApiReply> => ({
    status: 101,
    contentType: "",
    headers: { "sec-websocket-protocol": "v5.channel.k8s.io" },
    body: { as: "upgrade", protocol: request.upgrade?.protocol ?? "", run: (stream) => run(stream, request) },
  });
}

const echo = upgrading(async (stream) => {
  for await (const bytes of stream.incoming) await stream.write(bytes);
  await stream.write(Buffer.from("."));
});

interface Opened {
  readonly stream: Duplex;
  /** Of the reply. */
  readonly head: Readonly<Record<string, unknown>>;
}

async function openHttp1({ server }: Served, more = ""): Promise<Opened> {
  const { ca } = bench.tls;
  const address = { host: "127.0.0.1", port: server.port, ca: ca.cert };
  const options = { ...address, ALPNProtocols: ["http/1.1"], allowHalfOpen: true };
  const stream = tlsConnect(options);
  stream.on("error", () => {});
  stream.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n\r\n${more}`,
  );
  let text = "";
  const head = await new Promise<Record<string, string>>((resolve) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      stream.off("data", onData);
      stream.pause();
      const [first = "", ...lines] = text.slice(0, end).split("\r\n");
      const rest = Buffer.from(text.slice(end + 4), "latin1");
      if (rest.length > 0) stream.unshift(rest);
      const pairs = lines.map((line) => [line.split(": ")[0]!.toLowerCase(), line.split(": ")[1]!]);
      resolve({ ...(Object.fromEntries(pairs) as Record<string, string>), status: first.split(" ")[1]! });
    };
    stream.on("data", onData);
  });
  return { stream, head };
}

async function openHttp2({ server }: Served, more = ""): Promise<Opened> {
  const client = bench.session(server);
  await settled(client);
  const stream = client.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "https",
      ":authority": "a",
      ":path": path,
      "sec-websocket-protocol": "v5.channel.k8s.io, v4.channel.k8s.io",
    },
    { endStream: false },
  );
  stream.on("error", () => {});
  if (more !== "") stream.write(more);
  const head = await new Promise<Record<string, unknown>>((resolve) =>
    stream.on("response", (headers) => resolve({ ...headers, status: String(headers[":status"]) })),
  );
  return { stream, head };
}

function settled(client: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => client.once("remoteSettings", () => resolve()));
}

async function readAll(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

for (const [protocol, open, status] of [
  ["HTTP/1.1", openHttp1, "101"],
  ["HTTP/2", openHttp2, "200"],
] as const) {
  describe(`over ${protocol}`, () => {
    it("both directions are free, and half a close leaves the other half", async () => {
      const served = await bench.serve(echo);
      const { stream, head } = await open(served);
      expect(head).toMatchObject({ status, "sec-websocket-protocol": "v5.channel.k8s.io" });
      expect(head["audit-id"]).toMatch(/^[0-9a-f-]{36}$/);
      stream.write("hello");
      await new Promise<void>((resolve) => stream.once("readable", resolve));
      expect((stream.read() as Buffer).toString()).toBe("hello");
      stream.end(" and bye");
      expect(await readAll(stream)).toBe(" and bye.");
      expect(served.calls[0]).toMatchObject({
        method: "GET",
        path,
        info: { verb: "get", subresource: "exec" },
        upgrade: {
          protocol: "websocket",
          headers: { "sec-websocket-protocol": "v5.channel.k8s.io, v4.channel.k8s.io" },
        },
      });
    });

    it("what was sent with the request is not lost", async () => {
      const late: Work = async (request) => {
        await turns();
        return echo(request);
      };
      const { stream } = await open(await bench.serve(late), "early");
      stream.end(" late");
      expect(await readAll(stream)).toBe("early late.");
    });

    it("a client that does not read is waited for", async () => {
      const most = 64 * 1024 * 1024;
      let written = 0;
      const done = deferred<void>();
      const served = await bench.serve(
        upgrading(async (stream) => {
          const chunk = Buffer.alloc(64 * 1024, 120);
          for (; written < most; written += chunk.length) await stream.write(chunk);
          done.resolve();
        }),
      );
      const { stream } = await open(served);
      for (let last = -1; written !== last; await turns()) last = written;
      expect(written).toBeLessThan(most / 4);
      let read = 0;
      stream.on("data", (chunk: Buffer) => (read += chunk.length)).resume();
      await done.promise;
      await new Promise<void>((resolve) => stream.once("end", resolve));
      expect(read).toBe(most);
      stream.destroy();
    });

    it("a client that goes away ends the work, and its place is free again", async () => {
      const ended = deferred<void>();
      const signals: AbortSignal[] = [];
      const served = await bench.serve(
        upgrading(async (stream, { signal }) => {
          signals.push(signal);
          try {
            for await (const _ of stream.incoming);
          } finally {
            ended.resolve();
          }
        }),
        { chain: { flowControl: { watches: { perUserMax: 1, perAddressMax: 1 } } } },
      );
      const { stream } = await open(served);
      await until(() => signals.length === 1);
      const full = await h2(bench.session(served.server), { ":path": "/api/v1/pods?watch=1" });
      expect(full.status).toBe(429);
      stream.destroy();
      await ended.promise;
      await until(() => signals[0]!.aborted);
      await turns();
      expect((await open(served)).head["status"]).toBe(status);
    });

    it("work that fails cuts the connection", async () => {
      const served = await bench.serve(upgrading(() => Promise.reject(new Error("broken"))));
      const { stream } = await open(served);
      expect(await readAll(stream).catch(() => "")).toBe("");
    });

    it("a refusal is an ordinary Status", async () => {
      const served = await bench.serve(() =>
        Promise.reject(forbidden({ group: "", resource: "pods" }, "p", "no")),
      );
      const { stream, head } = await open(served);
      expect(head).toMatchObject({ status: "403", "content-type": "application/json" });
      stream.end();
      expect(JSON.parse(await readAll(stream))).toMatchObject({ kind: "Status", code: 403 });
      stream.destroy();
    });

    it("a stop of the server ends it", async () => {
      const served = await bench.serve(echo);
      const { stream } = await open(served);
      stream.resume();
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      await served.server.close();
      stream.destroy();
      await closed;
    });
  });
}

it("over HTTP/1.1 the key of a web socket is answered", async () => {
  const { stream, head } = await openHttp1(await bench.serve(echo));
  expect(head).toMatchObject({ connection: "Upgrade", upgrade: "websocket" });
  expect(head["sec-websocket-accept"]).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  stream.destroy();
});

it("an upgrade that nobody wants is answered as if it were not there, and ends the connection", async () => {
  const { server } = await bench.serve(async ({ path, upgrade }) => objectReply({ path, upgrade }));
  const line = (more: string): string =>
    `GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${more}\r\n`;
  const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const answer = await bench.raw(server, line("") + hidden);
  expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*"path":"\/livez"/i);
  expect(await bench.raw(server, `${line("Content-Length: 2\r\n")}{}`)).toMatch(/^HTTP\/1\.1 400 /);
});

it("CONNECT without a protocol is not for us", async () => {
  const { server, calls } = await bench.serve(echo);
  expect(await bench.raw(server, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")).toBe("");
  const client = bench.session(server);
  const stream = client.request({ ":method": "CONNECT", ":authority": "a" });
  stream.on("error", () => {});
  const status = await new Promise((resolve) =>
    stream.on("response", (headers) => resolve(headers[":status"])),
  );
  expect(status).toBe(405);
  expect(calls).toEqual([]);
  expect(json(await h2(client, { ":method": "OPTIONS" }))["code"]).toBe(405);
});
