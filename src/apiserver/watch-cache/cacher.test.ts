/** What a cache keeps of objects that are seldom read. */
import { expect, it } from "vitest";
import type { KubeObject } from "../../machinery/index.ts";
import { ResourceCache } from "./cacher.ts";
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
    const { state, value } = written.encode(key, object, parse);
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
