/** The sorted set of node names against a plain set that is sorted for each question. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedNames } from "./sorted-names.ts";

test("sorted names equal a sorted set after any script, also beyond one chunk", () => {
  const name = fc.nat(2_000).map((number) => `node-${number}`);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("add", "add", "delete"), name), { maxLength: 1_500, size: "max" }),
      (script) => {
        const names = new SortedNames();
        const model = new Set<string>();
        for (const [what, item] of script) {
          if (what === "add") expect(names.add(item)).toBe(!model.has(item));
          else expect(names.delete(item)).toBe(model.has(item));
          if (what === "add") model.add(item);
          else model.delete(item);
          expect(names.has(item)).toBe(model.has(item));
        }
        const sorted = [...model].sort();
        expect(names.size).toBe(sorted.length);
        expect(names.first(Infinity)).toEqual(sorted);
        expect(names.rank("node-3")).toBe(sorted.filter((one) => one < "node-3").length);
        expect(names.first(7)).toEqual(sorted.slice(0, 7));
      },
    ),
    { numRuns: 30 },
  );
});
