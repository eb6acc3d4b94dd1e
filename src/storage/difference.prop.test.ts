/** Any value comes back from its difference to any other; the difference is never longer than the value. Seeds are printed on failure. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { differenceOf, restored } from "./difference.ts";

test("what is restored is what was there", () => {
  const part = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(part, part, part, part, (head, tail, before, after) => {
      const older = Buffer.concat([head, before, tail]);
      const newer = Buffer.concat([head, after, tail]);
      const difference = differenceOf(older, newer);
      expect(Buffer.compare(restored(difference, newer), older)).toBe(0);
      expect(difference.middle.byteLength).toBeLessThanOrEqual(before.byteLength);
    }),
  );
});

test("a difference keeps no memory of the values alive", () => {
  const older = Buffer.from("before and after");
  const { middle } = differenceOf(older, Buffer.from("before or after"));
  older.fill(0);
  expect(Buffer.from(middle).toString()).toBe("and");
});
