/** Informers over the real API server: what is delivered, when, and what happens at faults. */
import { expect, test } from "vitest";
import { nodes, type Node, pods } from "../../api/index.ts";
import { seededRandom, settleMicrotasks, silentLog, type SimulatedClock } from "../../base/index.ts";
import {
  copyJson,
  type KubeObject,
  serviceUnavailable,
  SharedParts,
  tooManyRequests,
} from "../../machinery/index.ts";
import { FaultyServer } from "../../testing/faulty-server.ts";
import { samplePod } from "../../testing/test-api-server.ts";
import { createClient } from "../transport/api-client.ts";
import type { Transport } from "../transport/client.ts";
import type { InformerFactory, InformerHandler } from "./informer.ts";
import { loopbackTransport } from "../transport/loopback-transport.ts";
import { createInformerFactory } from "./shared-informer.ts";

/** How often the server sends bookmarks. */
const bookmarkEveryMs = 60_000;

interface Rig {
  readonly server: FaultyServer;
  readonly clock: SimulatedClock;
  readonly factory: InformerFactory;
  readonly stop: AbortController;
  readonly seen: string[];
  readonly handler: InformerHandler<Node>;
}

async function rig(): Promise<Rig> {
  const server = await FaultyServer.start();
  const { clock } = server;
  const client = createClient(loopbackTransport(server.handler, { user: { username: "u", groups: [] } }));
  const factory = createInformerFactory(client, {
    clock,
    random: seededRandom(1),
    log: silentLog,
    freeze: true,
  });
  const seen: string[] = [];
  const named = (object: KubeObject): string => object.metadata.name!;
  const handler: InformerHandler<Node> = {
    added: (object, isInitial) => seen.push(`+${named(object)}${isInitial ? "!" : ""}`),
    updated: (_, after) => seen.push(`~${named(after)}`),
    deleted: (object, isStale) => seen.push(`-${named(object)}${isStale ? "?" : ""}`),
  };
  return { server, clock, factory, stop: new AbortController(), seen, handler };
}

function node(name: string, labels: Record<string, string> = {}): Node {
  return { metadata: { name, labels }, spec: {}, status: {} } as Node;
}

test("first list, then changes; late handlers get everything cached", async () => {
  const { server, factory, stop, seen, handler, clock } = await rig();
  await server.put(nodes, node("a"));
  const informer = factory.for(nodes);
  informer.addHandler(handler);
  expect([informer.hasSynced, informer.lastResourceVersion]).toEqual([false, ""]);
  factory.start(stop.signal);
  await factory.waitForSync(stop.signal);
  await clock.advance(0);
  await server.put(nodes, node("b"));
  await server.put(nodes, node("a", { x: "1" }));
  await server.remove(nodes, "b");
  await settleMicrotasks();
  expect(seen).toEqual(["+a!", "+b", "~a", "-b"]);
  expect(informer.lastResourceVersion).toBe(await server.resourceVersion(nodes));
  informer.addHandler(handler);
  expect(seen.at(-1)).toBe("+a!");
  expect(informer.lister.get("a")).toBe((await server.objects(nodes))[0]);
});

test("equal parts of objects that come over a network become one, from lists and from watches", async () => {
  const { server, clock, stop } = await rig();
  const near = loopbackTransport(server.handler, { user: { username: "u", groups: [] } });
  const far: Transport = {
    ...near,
    send: async (call) => copyJson(await near.send(call)),
    watch: (call, sink) =>
      near.watch(call, {
        events: (batch) => sink.events(batch.map(({ type, object }) => ({ type, object: copyJson(object) }))),
        end: (error) => sink.end(error),
      }),
  };
  const dependencies = { clock, random: seededRandom(1), log: silentLog, freeze: true };
  const labelsWith = async (parts?: SharedParts): Promise<readonly unknown[]> => {
    const factory = createInformerFactory(
      createClient(far),
      parts === undefined ? dependencies : { ...dependencies, parts },
    );
    const { lister } = factory.for(nodes);
    factory.start(stop.signal);
    await factory.waitForSync(stop.signal);
    await clock.advance(0);
    await server.put(nodes, node("c", { app: "x" }));
    await settleMicrotasks();
    return ["a", "b", "c"].map((name) => lister.get(name)!.metadata.labels);
  };
  for (const name of ["a", "b"]) await server.put(nodes, node(name, { app: "x" }));
  const apart = await labelsWith();
  expect(apart[1]).not.toBe(apart[0]);
  const [a, b, c] = await labelsWith(new SharedParts());
  expect([b === a, c === a]).toEqual([true, true]);
});

test("one informer per resource and selection; those asked for later start by themselves", async () => {
  const { server, factory, stop, clock } = await rig();
  factory.start(stop.signal);
  expect(factory.for(nodes)).toBe(factory.for(nodes, {}));
  expect(factory.for(pods, { fieldSelector: "spec.nodeName=a" })).not.toBe(factory.for(pods));
  await factory.waitForSync(stop.signal);
  await clock.advance(0);
  expect(server.watchers).toBe(3);
  stop.abort();
  await settleMicrotasks();
  expect(server.watchers).toBe(0);
});

test("waitForSync rejects when its signal aborts first", async () => {
  const { factory } = await rig();
  factory.for(nodes);
  const impatient = new AbortController();
  const waiting = factory.waitForSync(impatient.signal);
  impatient.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("after 410 a new list finds deletions as tombstones and leaves unchanged objects alone", async () => {
  const { server, factory, stop, seen, handler, clock } = await rig();
  for (const name of ["a", "b", "c"]) await server.put(nodes, node(name));
  factory.for(nodes).addHandler(handler);
  factory.start(stop.signal);
  await clock.advance(0);
  seen.length = 0;
  server.silenceWatches();
  await server.remove(nodes, "b");
  await server.put(nodes, node("c", { x: "1" }));
  await server.remove(nodes, "a");
  await server.put(nodes, node("a"));
  await server.restart();
  await clock.advance(200_000);
  expect(seen).toEqual(["-b?", "-a?", "+a", "~c"]);
});

test("a watch that ends is resumed where it was, without a list", async () => {
  const { server, factory, stop, seen, handler, clock } = await rig();
  factory.for(nodes).addHandler(handler);
  factory.start(stop.signal);
  await clock.advance(2000);
  server.endWatches();
  await server.put(nodes, node("a"));
  await clock.advance(0);
  expect(seen).toEqual(["+a"]);
  expect(server.calls.filter((call) => !call.query.includes("watch=true"))).toHaveLength(1);
});

test("bookmarks move the resourceVersion from which the next watch starts", async () => {
  const { server, factory, stop, clock } = await rig();
  const informer = factory.for(nodes);
  factory.start(stop.signal);
  await clock.advance(2000);
  await server.put(pods, samplePod("other", { node: "a" }) as KubeObject);
  await clock.advance(bookmarkEveryMs);
  expect(informer.lastResourceVersion).toBe(await server.resourceVersion(nodes));
  await server.restart();
  await clock.advance(2000);
  expect(server.calls.filter((call) => !call.query.includes("watch=true"))).toHaveLength(1);
});

test("failures back off from 0.8 s, and longer when the server asks for it", async () => {
  const { server, factory, stop, clock } = await rig();
  server.failNext(serviceUnavailable("x"), tooManyRequests("x", { retryAfterSeconds: 20 }));
  factory.for(nodes);
  factory.start(stop.signal);
  await clock.advance(799);
  expect(server.calls).toHaveLength(1);
  await clock.advance(801);
  expect(server.calls).toHaveLength(2);
  await clock.advance(19_000);
  expect(server.calls).toHaveLength(2);
  await clock.advance(1000);
  expect(server.calls.length).toBeGreaterThan(2);
});

test("a server that closes every watch at once is not flooded with requests", async () => {
  const { server, factory, stop, clock } = await rig();
  factory.for(nodes);
  factory.start(stop.signal);
  for (let i = 0; i < 600; i++) {
    await clock.advance(100);
    server.endWatches();
  }
  expect(server.calls.length).toBeLessThan(12);
});

test("after a server restarts with older data, the cache equals it", async () => {
  const { server, factory, stop, clock } = await rig();
  await server.put(nodes, node("a"));
  await server.put(nodes, node("b"));
  const informer = factory.for(nodes);
  const told: string[] = [];
  informer.addHandler({
    added: ({ metadata }) => told.push(`+${metadata.name}`),
    deleted: ({ metadata }) => told.push(`-${metadata.name}`),
    rewound: () => told.push("rewound"),
  });
  factory.start(stop.signal);
  await clock.advance(0);
  const before = informer.lastResourceVersion;
  await server.restart();
  await clock.advance(2_000);
  expect(told).toEqual(["+a", "+b"]);
  await server.restartEmpty();
  await server.put(nodes, node("c"));
  await clock.advance(60_000);
  expect(informer.lister.list().map((one) => one.metadata.name)).toEqual(["c"]);
  expect(Number(informer.lastResourceVersion)).toBeLessThan(Number(before));
  expect(told).toEqual(["+a", "+b", "rewound", "-a", "-b", "+c"]);
});

test("a handler that throws does not affect the others, and cached objects cannot be changed", async () => {
  const { server, factory, stop, seen, handler, clock } = await rig();
  const informer = factory.for(nodes);
  informer.addHandler({
    added: () => {
      throw new Error("bad handler");
    },
  });
  informer.addHandler(handler);
  await server.put(nodes, node("a", { x: "1" }));
  factory.start(stop.signal);
  await clock.advance(0);
  expect(seen).toEqual(["+a!"]);
  expect(() => Object.assign(informer.lister.get("a")!.metadata.labels!, { x: "2" })).toThrow(TypeError);
});

test("who asks for a new reading of discovery after the end is refused, and waits for nothing", async () => {
  const { factory, stop, clock } = await rig();
  factory.resources.addHandler({ added: () => {}, removed: () => {} });
  factory.start(stop.signal);
  await clock.advance(1000);
  await factory.resources.readAnew();
  stop.abort(new Error("the end"));
  await clock.advance(1000);
  await expect(factory.resources.readAnew()).rejects.toThrow("the end");
});
