/** What a cache keeps of objects that are seldom read, and when a read need not wait. Not here: life (cacher-life.test.ts). */
import { expect, it } from "vitest";
import { silentLog, silentMetrics, SimulatedClock } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import { createMemoryStore } from "../../storage/index.ts";
import { Cacher, ResourceCache } from "./cacher.ts";
import { WrittenObjects } from "./encode.ts";

const parse = (bytes: Uint8Array): KubeObject => JSON.parse(Buffer.from(bytes).toString()) as KubeObject;

/** Puts so many objects into a cache. @returns which of them are still there as objects. */
function kept(isSeldomRead: boolean, count: number): readonly boolean[] {
  const cache = new ResourceCache({ prefix: "/core/events/", namespaced: true, parse, isSeldomRead });
  const written = new WrittenObjects({ freeze: true });
  for (let revision = 1; revision <= count; revision++) {
    const name = `e${revision}`;
    const key = `/core/events/default/${name}`;
    const object = { apiVersion: "v1", kind: "Event", metadata: { name, namespace: "default" } };
    const { state, value } = written.encode(key, object, { parse });
    state.stamp(revision);
    const current = { key, value, createRevision: revision, modRevision: revision };
    cache.apply({ type: "put", key, revision, current }, state);
  }
  return Array.from({ length: count }, (_, at) => cache.get("default", `e${at + 1}`)!.isParsed);
}

it("objects that are seldom read are kept as bytes, but for the newest", () => {
  const events = kept(true, 4_100);
  expect(events.slice(0, -256).some(Boolean)).toBe(false);
  expect(events.slice(-256).every(Boolean)).toBe(true);
  expect(kept(false, 4_100).every(Boolean)).toBe(true);
});

it("a state that was replaced 256 events ago is kept as bytes, and its successor as an object", () => {
  const cache = new ResourceCache({ prefix: "/core/nodes/", namespaced: false, parse });
  const written = new WrittenObjects({ freeze: true });
  for (let revision = 1; revision <= 600; revision++) {
    const key = "/core/nodes/a";
    const object = { apiVersion: "v1", kind: "Node", metadata: { name: "a" }, spec: { at: revision } };
    const { state, value } = written.encode(key, object, { parse });
    state.stamp(revision);
    const current = { key, value, createRevision: 1, modRevision: revision };
    cache.apply({ type: "put", key, revision, current }, state);
  }
  const events = cache.eventsAfter(1)!;
  const isParsed = events.map(({ previous }) => previous!.isParsed);
  expect(isParsed.slice(0, -256).some(Boolean)).toBe(false);
  expect(isParsed.slice(-256).every(Boolean)).toBe(true);
  expect(cache.get(undefined, "a")!.isParsed).toBe(true);
  expect(events[0]!.previous!.object).toMatchObject({ metadata: { resourceVersion: "1" }, spec: { at: 1 } });
});

it("a read need not wait where the store is in this process: whoever was told of a write finds it in the caches", async () => {
  const [store, clock] = [createMemoryStore(), new SimulatedClock()];
  const written = new WrittenObjects({ freeze: true });
  const resources = [{ prefix: "/core/events/", namespaced: true, parse }];
  const cacher = new Cacher(resources, { store, written, clock, log: silentLog, metrics: silentMetrics });
  await cacher.start(() => expect.unreachable());
  for (let revision = 1; revision <= 3; revision++) {
    const object = { apiVersion: "v1", kind: "Event", metadata: { name: "e", namespace: "default" } };
    await store.create(`/core/events/default/e${revision}`, Buffer.from(JSON.stringify(object)));
    expect([cacher.catchUp(), cacher.waitUntil(revision)]).toEqual([undefined, undefined]);
    expect([cacher.revision, cacher.cache("/core/events/").size]).toEqual([revision, revision]);
  }
  cacher.stop();
  await store.close();
});
