/** Informers against a model server: what is delivered, when, and how they come through faults. */
import { expect, test } from "vitest";
import { nodes, type Node, pods } from "../../api/index.ts";
import { seededRandom, settleMicrotasks, silentLog, SimulatedClock } from "../../base/index.ts";
import { type KubeObject, serviceUnavailable, tooManyRequests } from "../../machinery/index.ts";
import { ModelServer } from "../../testing/model-server.ts";
import { createClient } from "../transport/api-client.ts";
import type { InformerFactory, InformerHandler } from "./informer.ts";
import { loopbackTransport } from "../transport/loopback-transport.ts";
import { createInformerFactory } from "./shared-informer.ts";

interface Rig {
  readonly server: ModelServer;
  readonly clock: SimulatedClock;
  readonly factory: InformerFactory;
  readonly stop: AbortController;
  readonly seen: string[];
  readonly handler: InformerHandler<Node>;
}

function rig(): Rig {
  const server = new ModelServer();
  const clock = new SimulatedClock();
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
  const { server, factory, stop, seen, handler, clock } = rig();
  server.put(nodes, node("a"));
  const informer = factory.for(nodes);
  informer.addHandler(handler);
  expect([informer.hasSynced, informer.lastResourceVersion]).toEqual([false, ""]);
  factory.start(stop.signal);
  await factory.waitForSync(stop.signal);
  await clock.advance(0);
  server.put(nodes, node("b"));
  server.put(nodes, node("a", { x: "1" }));
  server.remove(nodes, "b");
  await settleMicrotasks();
  expect(seen).toEqual(["+a!", "+b", "~a", "-b"]);
  expect(informer.lastResourceVersion).toBe(String(server.revision));
  informer.addHandler(handler);
  expect(seen.at(-1)).toBe("+a!");
  expect(informer.lister.get("a")).toBe(server.objects("nodes")[0]);
});

test("one informer per resource and selection; those asked for later start by themselves", async () => {
  const { server, factory, stop, clock } = rig();
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
  const { factory } = rig();
  factory.for(nodes);
  const impatient = new AbortController();
  const waiting = factory.waitForSync(impatient.signal);
  impatient.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("after 410 a new list finds deletions as tombstones and leaves unchanged objects alone", async () => {
  const { server, factory, stop, seen, handler, clock } = rig();
  for (const name of ["a", "b", "c"]) server.put(nodes, node(name));
  factory.for(nodes).addHandler(handler);
  factory.start(stop.signal);
  await clock.advance(0);
  seen.length = 0;
  server.deafenWatches();
  server.remove(nodes, "b");
  server.put(nodes, node("c", { x: "1" }));
  server.remove(nodes, "a");
  server.put(nodes, node("a"));
  server.compact();
  await clock.advance(200_000);
  expect(seen).toEqual(["-b?", "-a?", "+a", "~c"]);
});

test("a watch that ends is taken up where it was, without a list", async () => {
  const { server, factory, stop, seen, handler, clock } = rig();
  factory.for(nodes).addHandler(handler);
  factory.start(stop.signal);
  await clock.advance(2000);
  server.endWatches();
  server.put(nodes, node("a"));
  await clock.advance(0);
  expect(seen).toEqual(["+a"]);
  expect(server.calls.filter((call) => !call.query.includes("watch=true"))).toHaveLength(1);
});

test("bookmarks move the resourceVersion from which the next watch starts", async () => {
  const { server, factory, stop, clock } = rig();
  const informer = factory.for(nodes);
  factory.start(stop.signal);
  await clock.advance(2000);
  server.put(pods, { metadata: { namespace: "x", name: "other" } });
  server.bookmark();
  await settleMicrotasks();
  expect(informer.lastResourceVersion).toBe(String(server.revision));
  server.compact();
  server.endWatches();
  await clock.advance(0);
  expect(server.calls.filter((call) => !call.query.includes("watch=true"))).toHaveLength(1);
});

test("failures back off from 0.8 s, and longer when the server asks for it", async () => {
  const { server, factory, stop, clock } = rig();
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

test("a server that closes every watch at once is not hammered", async () => {
  const { server, factory, stop, clock } = rig();
  factory.for(nodes);
  factory.start(stop.signal);
  for (let i = 0; i < 600; i++) {
    await clock.advance(100);
    server.endWatches();
  }
  expect(server.calls.length).toBeLessThan(12);
});

test("a restarted server with older data is taken as it is", async () => {
  const { server, factory, stop, clock } = rig();
  server.put(nodes, node("a"));
  server.put(nodes, node("b"));
  const informer = factory.for(nodes);
  factory.start(stop.signal);
  await clock.advance(0);
  server.remove(nodes, "b");
  await settleMicrotasks();
  server.revision = 101;
  server.compacted = 1000;
  server.endWatches();
  await clock.advance(60_000);
  expect(server.calls.some((call) => call.query === "limit=500")).toBe(true);
  expect(informer.lastResourceVersion).toBe("101");
});

test("handlers that throw disturb nobody, and cached objects cannot be changed", async () => {
  const { server, factory, stop, seen, handler, clock } = rig();
  const informer = factory.for(nodes);
  informer.addHandler({
    added: () => {
      throw new Error("bad handler");
    },
  });
  informer.addHandler(handler);
  server.put(nodes, node("a", { x: "1" }));
  factory.start(stop.signal);
  await clock.advance(0);
  expect(seen).toEqual(["+a!"]);
  expect(() => Object.assign(informer.lister.get("a")!.metadata.labels!, { x: "2" })).toThrow(TypeError);
});
