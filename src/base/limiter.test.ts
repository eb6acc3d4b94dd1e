/** Limiter: never more than the bound at once, in order, and a failed task frees its place. */
import { expect, test } from "vitest";
import { createLimiter } from "./limiter.ts";

test("runs at most `runningMax` tasks at once, in order, and goes on after failures", async () => {
  const limiter = createLimiter(2);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const task = (id: number) => async (): Promise<void> => {
    started.push(id);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    if (id % 3 === 0) throw new Error(`task ${id}`);
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map((id) => limiter.run(task(id))));
  expect(most).toBe(2);
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(results.map((result) => result.status === "rejected")).toEqual([
    true,
    false,
    false,
    true,
    false,
    false,
    true,
  ]);
  expect(limiter.pending).toBe(0);
});
