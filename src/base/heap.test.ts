/** Heap: comes out in order for any input. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Heap } from "./heap.ts";

test("items come out in order, whatever order they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const number of numbers) heap.push(number);
      const out: number[] = [];
      while (heap.size > 0) out.push(heap.pop()!);
      expect(out).toEqual(numbers.toSorted((a, b) => a - b));
    }),
  );
});
