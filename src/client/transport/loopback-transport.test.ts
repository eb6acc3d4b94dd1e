/** The hand-over between the server's commits and a reader in the same process. */
import { expect, test } from "vitest";
import { settleMicrotasks } from "../../base/index.ts";
import type { ApiHandler, KubeObject, WatchFrame, WatchSink } from "../../machinery/index.ts";
import type { ClientWatchSink } from "./client.ts";
import { loopbackTransport } from "./loopback-transport.ts";

const user = { username: "u", groups: ["g"] };

function frame(name: string): WatchFrame {
  return {
    type: "ADDED",
    object: { metadata: { name } },
    bytes: () => expect.unreachable("no bytes over loopback"),
  };
}

interface Opened {
  readonly sink: WatchSink;
  readonly abort: AbortController;
  readonly stops: () => number;
}

async function open(reader: ClientWatchSink, pendingEventsMax = 10): Promise<Opened> {
  let sink: WatchSink | undefined;
  let stops = 0;
  const start = (given: WatchSink): (() => void) => {
    sink = given;
    return () => void stops++;
  };
  const handler: ApiHandler = async () => ({ status: 200, contentType: "", body: { as: "watch", start } });
  const abort = new AbortController();
  const call = { method: "GET", path: "/", query: [], signal: abort.signal } as const;
  await loopbackTransport(handler, { user, pendingEventsMax }).watch(call, reader);
  return { sink: sink!, abort, stops: () => stops };
}

test("events arrive in order, as the same objects, after the server's turn", async () => {
  const seen: KubeObject[] = [];
  const { sink } = await open({
    events: (batch) => seen.push(...batch.map((event) => event.object)),
    end() {},
  });
  const frames = ["a", "b", "c"].map(frame);
  expect(sink.events([frames[0]!, frames[1]!])).toBe(true);
  expect(sink.events([frames[2]!])).toBe(true);
  expect(seen).toEqual([]);
  await settleMicrotasks();
  expect(seen.map((object, at) => object === frames[at]!.object)).toEqual([true, true, true]);
});

test("a reader that is too far behind is cut off, after one batch of any size", async () => {
  const seen: string[] = [];
  const { sink, stops } = await open(
    { events: () => seen.push("events"), end: (e) => seen.push(`end ${String(e)}`) },
    2,
  );
  expect(sink.events(["a", "b", "c"].map(frame))).toBe(true);
  expect(sink.events([frame("d")])).toBe(false);
  await settleMicrotasks();
  expect(seen).toEqual(["end undefined"]);
  expect(stops()).toBe(1);
});

test("a reader that throws ends its own watch only", async () => {
  const ends: unknown[] = [];
  const boom = new Error("boom");
  const { sink, stops } = await open({
    events: () => {
      throw boom;
    },
    end: (error) => ends.push(error),
  });
  expect(sink.events([frame("a")])).toBe(true);
  await settleMicrotasks();
  expect(ends).toEqual([boom]);
  expect(stops()).toBe(1);
  expect(sink.events([frame("b")])).toBe(false);
});

test("abort drops what waits, stops the server's side and ends once", async () => {
  const seen: unknown[] = [];
  const { sink, abort, stops } = await open({
    events: () => seen.push("events"),
    end: () => seen.push("end"),
  });
  sink.events([frame("a")]);
  abort.abort();
  sink.end();
  await settleMicrotasks();
  expect(seen).toEqual(["end"]);
  expect(stops()).toBe(1);
});

test("an end comes after the events before it", async () => {
  const seen: string[] = [];
  const { sink } = await open({ events: () => seen.push("events"), end: () => seen.push("end") });
  sink.events([frame("a")]);
  sink.end();
  await settleMicrotasks();
  expect(seen).toEqual(["events", "end"]);
});

test("calls carry the user and the body as it is; bytes are read as JSON", async () => {
  const body = { metadata: { name: "x" } };
  const handler: ApiHandler = async (call) => {
    expect(call.credentials).toEqual({ from: "process", user });
    expect(call.body).toBe(body);
    const bytes = (): Uint8Array => new TextEncoder().encode('{"a":1}');
    return { status: 200, contentType: "application/json", body: { as: "bytes", bytes }, warnings: ["w"] };
  };
  const signal = new AbortController().signal;
  const reply = await loopbackTransport(handler, { user }).send({
    method: "POST",
    path: "/",
    query: [],
    body,
    signal,
  });
  expect(reply).toEqual({ status: 200, object: { a: 1 }, warnings: ["w"] });
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(
    loopbackTransport(handler, { user }).send({ method: "GET", path: "/", query: [], signal: gone }),
  ).rejects.toThrow("gone");
});

test("many calls that wait with one signal print no warning", async () => {
  const warnings: Error[] = [];
  const noted = (warning: Error): void => void warnings.push(warning);
  process.on("warning", noted);
  const { signal } = new AbortController();
  const handler: ApiHandler = async (call) => {
    call.signal.addEventListener("abort", () => {});
    return {
      status: 200,
      contentType: "application/json",
      body: { as: "object", object: {}, bytes: () => new Uint8Array() },
    };
  };
  const transport = loopbackTransport(handler, { user });
  for (let at = 0; at < 20; at++) await transport.send({ method: "GET", path: "/", query: [], signal });
  // Node tells warnings in the next turn.
  await new Promise((resolve) => void setImmediate(resolve));
  process.off("warning", noted);
  expect(warnings).toEqual([]);
});
