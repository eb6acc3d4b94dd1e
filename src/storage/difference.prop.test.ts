/** Any value comes back from its difference to any other. Seeds are printed on failure. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Differences, restored } from "./difference.ts";

test("what is restored is what was there", () => {
  const differences = new Differences();
  const part = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(part, part, part, part, (head, tail, before, after) => {
      const older = Buffer.concat([head, before, tail]);
      const newer = Buffer.concat([head, after, tail]);
      const difference = differences.take(older, newer);
      expect(Buffer.compare(restored(difference, newer), older)).toBe(0);
      expect(difference.end - difference.start).toBeLessThanOrEqual(before.byteLength);
    }),
  );
});

test("differences larger than a slab, and those that fill one to the last byte, do not disturb each other", () => {
  const differences = new Differences();
  const newer = Buffer.from("{}");
  const sizes = [65_536, 0, 100_000, 65_535, 1, 1, 40_000, 40_000];
  const values = sizes.map((size, at) => Buffer.alloc(size, at + 1));
  const taken = values.map((value) => differences.take(value, newer));
  values.forEach((value, at) =>
    expect(Buffer.compare(restored(taken[at]!, newer), value), `value ${at}`).toBe(0),
  );
});
