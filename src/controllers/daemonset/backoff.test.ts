/** Back-off of failed pods. Rejected pods: rejects.test.ts. */
import { expect, test } from "vitest";
import { FailedPodBackoff } from "./backoff.ts";

test("back-off: 1 s doubling to the maximum, over exactly at its end, anew after twice the maximum and with a new generation", () => {
  const backoff = new FailedPodBackoff({ firstMs: 1_000, maxMs: 3_000 });
  backoff.next("n", 0);
  expect([backoff.untilMs("n", 999), backoff.untilMs("n", 1_000)]).toEqual([1_000, undefined]);
  backoff.next("n", 1_000);
  backoff.next("n", 3_000);
  expect(backoff.untilMs("n", 3_000)).toBe(6_000);
  backoff.next("n", 9_001);
  expect(backoff.untilMs("n", 9_001)).toBe(10_001);
  backoff.next("m", 9_500);
  backoff.sweep(15_002);
  expect(backoff.size).toBe(1);
  expect(backoff.setGeneration(2)).toBe(true);
  expect([backoff.size, backoff.setGeneration(2)]).toEqual([0, false]);
});
