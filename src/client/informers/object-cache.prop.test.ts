/** The cache and its indexes answer as a scan of a plain map would, after any sequence of changes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf, type KubeObject } from "../../machinery/index.ts";
import { ObjectCache } from "./object-cache.ts";

const labels = fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2"));
const command = fc.record({
  do: fc.constantFrom("set", "remove"),
  namespace: fc.constantFrom("x", "y"),
  name: fc.constantFrom("p", "q", "r"),
  labels,
});

const byLabel = (object: KubeObject): readonly string[] =>
  Object.entries(object.metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`);

test("indexes, namespaces and keys equal a scan, also for an index that is added late", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), fc.nat(40), (commands, lateAt) => {
      const cache = new ObjectCache<KubeObject>();
      const model = new Map<string, KubeObject>();
      cache.addIndex("early", byLabel);
      commands.forEach((step, at) => {
        if (at === lateAt) cache.addIndex("late", byLabel);
        const { namespace, name } = step;
        const object: KubeObject = { metadata: { namespace, name, labels: step.labels } };
        const key = keyOf(object);
        const before = step.do === "set" ? cache.set(key, object) : cache.remove(key);
        expect(before).toBe(model.get(key));
        if (step.do === "set") model.set(key, object);
        else model.delete(key);
      });
      if (lateAt >= commands.length) cache.addIndex("late", byLabel);
      const all = [...model.values()];
      expect(new Set(cache.list())).toEqual(new Set(all));
      expect(cache.size).toBe(all.length);
      for (const namespace of ["x", "y"])
        expect(new Set(cache.list(namespace))).toEqual(
          new Set(all.filter((o) => o.metadata.namespace === namespace)),
        );
      for (const index of ["early", "late"])
        for (const value of ["a=1", "a=2", "b=1", "b=2"])
          expect(new Set(cache.byIndex(index, value))).toEqual(
            new Set(all.filter((o) => byLabel(o).includes(value))),
          );
    }),
  );
});

test("an unknown index is a defect, and one name means one function", () => {
  const cache = new ObjectCache<KubeObject>();
  expect(() => cache.byIndex("nowhere", "x")).toThrow("unknown index");
  cache.addIndex("i", byLabel);
  cache.addIndex("i", byLabel);
  expect(() => cache.addIndex("i", () => [])).toThrow("two indexes of one name");
});
