/** A state's bytes are its object with the resourceVersion, however it came about, and its value is what was stored. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { copyJson, type KubeObject } from "../../machinery/index.ts";
import type { KeptValue } from "../../storage/index.ts";
import { replay } from "../../testing/replay.ts";
import { frameOf, WrittenObjects } from "./encode.ts";

const text = fc.string({ unit: "binary", maxLength: 8 });
const object = fc.record({
  apiVersion: fc.constantFrom("v1", "apps/v1"),
  kind: fc.constantFrom("Pod", "DaemonSet"),
  metadata: fc.record({
    name: text,
    annotations: fc.dictionary(text, fc.constantFrom('"metadata":{', "ä", "x")),
  }),
  spec: fc.jsonValue(),
});
const revision = fc.integer({ min: 1, max: 2 ** 53 - 1 });
const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
const parse = (bytes: Uint8Array): KubeObject => json(bytes) as KubeObject;
const withVersion = (plain: KubeObject, version: number): unknown =>
  JSON.parse(JSON.stringify({ ...plain, metadata: { ...plain.metadata, resourceVersion: String(version) } }));

test("written and parsed states show the same", () => {
  fc.assert(
    fc.property(object, revision, revision, (plain, first, second) => {
      const written = new WrittenObjects({ freeze: true });
      const { state, value } = written.encode("/k", copyJson(plain) as KubeObject, { parse });
      const kept = Buffer.from(value);
      const same = written.open({ key: "/k", value, createRevision: 1, modRevision: first }, parse);
      const other = written.open({ key: "/k", value: kept, createRevision: 1, modRevision: first }, parse);
      // A store that keeps the value itself, and makes the bytes anew each time.
      const inStore: KeptValue = {
        byteLength: kept.length,
        bytes: () => Uint8Array.from(kept),
        holds: (bytes) => Buffer.compare(bytes, kept) === 0,
      };
      const stored = { key: "/k", value: Buffer.from(kept), createRevision: 1, modRevision: first };
      const left = written.open({ ...stored, kept: inStore }, parse);
      stored.value.fill(0);
      expect(same).toBe(state);
      for (const one of [same, other, left]) {
        expect(one.holds(kept)).toBe(true);
        expect(one.valueLength).toBe(kept.length);
        expect(json(one.bytes())).toEqual(withVersion(plain, first));
        const { apiVersion: _, kind: _kind, ...untyped } = withVersion(plain, first) as KubeObject;
        expect(json(one.untypedBytes())).toEqual(untyped);
        expect(JSON.parse(JSON.stringify(one.object))).toEqual(withVersion(plain, first));
        expect(Buffer.compare(one.value(), kept)).toBe(0);
        expect(one.holds(Buffer.concat([kept, Buffer.from(" ")]))).toBe(false);
        one.forgetObject();
        expect(JSON.parse(JSON.stringify(one.object))).toEqual(withVersion(plain, first));
        expect(one.isParsed).toBe(false);
        const later = one.at(second);
        expect(json(later.bytes())).toEqual(withVersion(plain, second));
        expect(JSON.parse(JSON.stringify(later.object))).toEqual(withVersion(plain, second));
        expect(json(frameOf("DELETED", later).bytes())).toEqual({
          type: "DELETED",
          object: withVersion(plain, second),
        });
      }
    }),
    { numRuns: 200, ...replay() },
  );
});

test("a state never gets a second revision", () => {
  const { state } = new WrittenObjects({ freeze: false }).encode(
    "/k",
    { metadata: { name: "a" } },
    { parse },
  );
  state.stamp(3);
  state.stamp(3);
  expect(() => state.stamp(4)).toThrow(/two revisions/);
  expect(state.resourceVersion).toBe("3");
});
