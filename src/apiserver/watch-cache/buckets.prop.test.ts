/** A bucket is a map with an order: whatever is added and removed, a list is the sorted values, each once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareUtf8 } from "../../machinery/index.ts";
import { replay } from "../../testing/replay.ts";
import { Bucket } from "./buckets.ts";
import { StoredObject } from "./encode.ts";

function stateOf(key: string): StoredObject {
  const object = { apiVersion: "v1", kind: "X", metadata: { name: key } };
  return new StoredObject(key, Buffer.from(JSON.stringify(object)), { parse: () => object, freeze: false });
}

const step = fc.record({
  do: fc.constantFrom("set", "set", "delete", "list"),
  key: fc.constantFrom("a", "b", "c", "d", "e", "a/b", "a-b", "f", "g", "h", "i", "j", "\u{1f600}", "\uffff"),
});

test("a bucket lists what a sorted map would", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.option(fc.constantFrom("", "a.", "d", "z"), { nil: undefined }),
      (steps, start) => {
        const bucket = new Bucket();
        const model = new Map<string, StoredObject>();
        const check = (): void => {
          const keys = [...model.keys()]
            .sort(compareUtf8)
            .filter((key) => start === undefined || compareUtf8(key, start) >= 0);
          expect(bucket.sorted(start)).toEqual(keys.map((key) => model.get(key)));
          expect(bucket.size).toBe(model.size);
        };
        for (const one of steps) {
          if (one.do === "set") {
            const state = stateOf(one.key);
            bucket.set(state);
            model.set(one.key, state);
          } else if (one.do === "delete") {
            bucket.delete(one.key);
            model.delete(one.key);
          } else {
            check();
          }
        }
        check();
      },
    ),
    { numRuns: 300, ...replay() },
  );
});
