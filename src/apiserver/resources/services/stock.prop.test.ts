/** Taking from a range: each number once, all of them in the end, and few questions while there is room. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../base/index.ts";
import { takeAny } from "./stock.ts";

test("every number is given once, those for choice by hand last, then none", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 80 }), fc.nat(80), fc.integer(), async (size, part, seed) => {
      const reserved = Math.min(part, size);
      const random = seededRandom(seed);
      const taken = new Set<number>();
      const tryTake = (index: number): Promise<boolean> => {
        const isFree = !taken.has(index);
        taken.add(index);
        return Promise.resolve(isFree);
      };
      const order: number[] = [];
      for (;;) {
        const index = await takeAny({ first: 0n, size, reserved }, random, {
          mayBeFree: (at) => seed % 2 === 0 || !taken.has(at),
          tryTake,
        });
        if (index === undefined) break;
        order.push(index);
      }
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, at) => at));
      expect(order.slice(0, size - reserved).every((index) => index >= reserved)).toBe(true);
    }),
  );
});

test("of 65,534 with half of them taken, one more costs few questions", async () => {
  const random = seededRandom(7);
  let asked = 0;
  for (let round = 0; round < 1_000; round++) {
    await takeAny({ first: 0n, size: 65_534, reserved: 256 }, random, {
      mayBeFree: (index) => {
        asked++;
        return index % 2 === 0;
      },
      tryTake: () => Promise.resolve(true),
    });
  }
  expect(asked / 1_000).toBeLessThan(3);
});
