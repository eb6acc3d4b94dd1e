/** Whatever is packed comes back, whichever values were packed before it. Seeds are printed on failure. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isPackedValue, type Packed, Packers, unpacked, unpackedLength, withDifference } from "./packing.ts";

/** As objects of one kind are: the same but for names and times. */
function pod(at: number): Uint8Array {
  const status = {
    phase: at % 3 === 0 ? "Pending" : "Running",
    startTime: `2026-11-30T17:26:${10 + (at % 50)}Z`,
  };
  const spec = {
    containers: [{ name: "agent", image: "agent:1", terminationMessagePath: "/dev/termination-log" }],
  };
  const metadata = {
    name: `agent-${at}`,
    namespace: "default",
    uid: `${at * 7919}`,
    labels: { app: "agent" },
  };
  return Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec, status }));
}

/** Compares as bytes: a Buffer equals an array of the same content. */
function expectSame(packed: Packed, value: Uint8Array): void {
  expect(Buffer.compare(unpacked(packed), value)).toBe(0);
  expect(unpackedLength(packed.text)).toBe(value.byteLength);
  expect(isPackedValue(packed, value)).toBe(true);
}

const anyValue = fc.oneof(
  fc.nat(10_000).map(pod),
  fc.uint8Array({ maxLength: 2_000 }),
  // Runs, and pieces that come again: many ways to find the same bytes.
  fc
    .array(fc.constantFrom("aaaaaaaa", "abcabcab", "\u00ff\u0000", "x"), { maxLength: 400 })
    .map((parts) => Buffer.from(parts.join(""), "latin1")),
);

test("what is unpacked is what was packed, long afterwards, and nothing else is taken for it", () => {
  fc.assert(
    fc.property(fc.array(anyValue, { minLength: 1, maxLength: 200 }), (values) => {
      const packers = new Packers();
      for (let at = 0; at < 100; at++) packers.pack("/core/pods/a", pod(at));
      const packed = values.map((value) => packers.pack("/core/pods/a", value));
      values.forEach((value, at) => {
        expectSame(packed[at]!, value);
        for (const place of [0, 0.3, 0.7].map((part) => Math.floor(part * value.length))) {
          const other = Uint8Array.from(value);
          if (other.length > 0) other[place]! ^= 1;
          expect(isPackedValue(packed[at]!, other)).toBe(other.length === 0);
        }
        expect(isPackedValue(packed[at]!, Buffer.concat([value, Buffer.from("x")]))).toBe(false);
      });
    }),
    { numRuns: 50 },
  );
});

test("the older text comes back from its difference to the newer one", () => {
  const packers = new Packers();
  const part = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  fc.assert(
    fc.property(part, part, part, part, (head, tail, before, after) => {
      const [older, newer] = [head + before + tail, head + after + tail];
      const difference = packers.difference(older, newer);
      expect(withDifference(difference, newer)).toBe(older);
      expect(difference.length).toBeLessThanOrEqual(before.length + 2);
    }),
  );
});

test("values larger than the scratch memory are packed as others are", () => {
  const packers = new Packers();
  const sizes = [65_519, 65_520, 65_521, 1_500_000];
  const values = sizes.map((size) => Buffer.alloc(size, pod(size)));
  for (let round = 0; round < 10; round++) {
    for (const value of values) {
      const packed = packers.pack("/core/pods/a", value);
      expectSame(packed, value);
      const difference = packers.difference(packed.text, "");
      expect(withDifference(difference, "")).toBe(packed.text);
    }
  }
});

test("objects of one kind take less than a quarter once a dictionary is there", () => {
  const packers = new Packers();
  for (let at = 0; at < 2_000; at++) packers.pack("/core/pods/a", pod(at));
  const value = pod(2_001);
  expect(packers.pack("/core/pods/a", value).text.length).toBeLessThan(value.byteLength / 4);
});

test("the dictionary follows when objects begin to look otherwise", () => {
  const packers = new Packers();
  for (let at = 0; at < 5_000; at++) packers.pack("/core/pods/a", pod(at));
  const other = (at: number): Uint8Array =>
    Buffer.from(
      `{"kind":"Lease","holder":"node-${at}","seconds":40,"transitions":${at % 7},"owner":"system:nodes"}`,
    );
  for (let at = 0; at < 60_000; at++) packers.pack("/core/pods/a", other(at));
  const value = other(60_001);
  expect(packers.pack("/core/pods/a", value).text.length).toBeLessThan(value.byteLength / 3);
});

test("values of two resources do not spoil each other's dictionary, and dictionaries stay bounded", () => {
  const packers = new Packers();
  const dictionaries = new Set<unknown>();
  for (let at = 0; at < 400; at++) {
    for (let more = 0; more < 20; more++) {
      dictionaries.add(packers.pack(`/group/resource${at}/name`, Buffer.alloc(4_096, at)).dictionary);
    }
  }
  expect(dictionaries.size).toBeLessThan(256 + 20);
});

test("values that have nothing in common change the dictionary seldom", () => {
  const packers = new Packers();
  const dictionaries = new Set<unknown>();
  for (let at = 0; at < 20_000; at++) {
    const value = Buffer.alloc(64);
    for (let i = 0; i < 64; i++) value[i] = Math.imul(at * 64 + i + 1, 0x9e3779b1) >>> 24;
    dictionaries.add(packers.pack("/core/pods/a", value).dictionary);
  }
  expect(dictionaries.size).toBeLessThan(3);
});
