/** Sharing never changes what an object says, and objects that say the same have the same parts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RawJson } from "./go-json.ts";
import { SharedParts } from "./shared-parts.ts";

/** JSON as clients send it: few names and values, so that parts are often equal, and a member `__proto__` now and then. */
const names = fc.constantFrom("a", "b", "c", "type", "__proto__");
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>(null, true, false, 0, 1, -1.5, "", "x", "yes", "no"),
    fc.array(tie("any"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.array(fc.tuple(names, tie("any")), { maxLength: 4 }).map((members) => {
    const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    return JSON.parse(`{${texts.join(",")}}`) as object;
  }),
})).object as fc.Arbitrary<object>;

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

test("the result says the same, member by member, and the argument is not touched", () => {
  const parts = new SharedParts();
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 8 }), (objects) => {
      let before: object | undefined;
      for (const object of objects) {
        const text = JSON.stringify(object);
        const shared = parts.share(frozen(object), before);
        expect(JSON.stringify(shared)).toBe(text);
        expect(shared).toEqual(object);
        expect(Object.getPrototypeOf(shared)).toBe(Object.prototype);
        before = shared;
      }
    }),
    { numRuns: 1_000 },
  );
});

test("equal parts of different objects are one part, and so are those deeper down", () => {
  const parts = new SharedParts();
  const pod = (node: string) => ({
    metadata: { name: `agent-${node}`, labels: { app: "agent" } },
    spec: {
      containers: [{ name: "agent", image: "agent:1", resources: { requests: { cpu: "10m" } } }],
      affinity: { node, terms: [{ key: "metadata.name", values: [node] }] },
      tolerations: [{ key: "a" }, { key: "b" }],
    },
  });
  const [one, other] = [parts.share(pod("n1")), parts.share(pod("n2"))];
  expect(other).toEqual(pod("n2"));
  expect(other.metadata.labels).toBe(one.metadata.labels);
  expect(other.spec.containers).toBe(one.spec.containers);
  expect(other.spec.tolerations).toBe(one.spec.tolerations);
  expect(other.spec.affinity).not.toBe(one.spec.affinity);
  const third = parts.share({ spec: { tolerations: [{ key: "b" }, { key: "c" }] } });
  expect(third.spec.tolerations[0]).toBe(one.spec.tolerations[1]);
  const fourth = parts.share({ spec: { other: { own: "n4", resources: { requests: { cpu: "10m" } } } } });
  expect(fourth.spec.other.resources).toBe(one.spec.containers[0]!.resources);
});

test("the object and what stands directly below it stay its own: a resourceVersion is written there", () => {
  const parts = new SharedParts();
  const one = parts.share({ metadata: { name: "a" }, spec: { x: 1 } });
  const other = parts.share({ metadata: { name: "a" }, spec: { x: 1 } });
  expect(other).not.toBe(one);
  expect(other.metadata).not.toBe(one.metadata);
});

test("values of a class are not taken apart", () => {
  const parts = new SharedParts();
  const raw = new RawJson('{"x":{"y":1}}');
  const shared = parts.share({ data: { raw, list: [raw] } });
  expect(shared.data.raw).toBe(raw);
  expect(shared.data.list[0]).toBe(raw);
  class Held {
    readonly inner = { x: 1 };
  }
  parts.share({ data: { list: [{ inner: { x: 1 } }] } });
  expect(parts.share({ data: { list: [new Held()] } }).data.list[0]).toBeInstanceOf(Held);
});

test("a member __proto__ never becomes a prototype", () => {
  const parts = new SharedParts();
  const text = '{"__proto__":{"a":{"b":1}},"x":{"__proto__":{"a":{"b":1}},"y":{"__proto__":{"a":{"b":1}}}}}';
  for (let round = 0; round < 3; round++) {
    const shared = parts.share(JSON.parse(text) as { readonly x: { readonly y: object } });
    expect(JSON.stringify(shared)).toBe(text);
    for (const object of [shared, shared.x, shared.x.y])
      expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  }
});

test("parts that reach further down than twelve levels are not shared", () => {
  const nested = (levels: number): object => (levels === 0 ? { end: 1 } : { in: nested(levels - 1) });
  const parts = new SharedParts();
  const share = (levels: number): object => parts.share({ spec: { top: nested(levels) } }).spec.top;
  expect(share(10)).toBe(share(10));
  expect(share(40)).not.toBe(share(40));
});

test("objects that are large, deep or made to clash cost no more than they are long", () => {
  const parts = new SharedParts();
  let deep: object = { end: true };
  for (let level = 0; level < 5_000; level++) deep = { deep };
  const wide = { spec: { items: Array.from({ length: 100_000 }, () => ({})) } };
  const clashing = (last: number) => ({
    spec: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, items: [...Array.from({ length: 50_000 }, () => 0), last] },
  });
  for (let round = 0; round < 20; round++) {
    expect(parts.share({ spec: deep }).spec).toBe(deep);
    expect(parts.share(wide).spec.items).toHaveLength(100_000);
    expect(parts.share(clashing(round)).spec.items.at(-1)).toBe(round);
  }
});
