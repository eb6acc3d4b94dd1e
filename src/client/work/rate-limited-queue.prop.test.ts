/**
 * For any keys added at any times, with any results: no key is reconciled twice at once, at most `workers` keys are
 * reconciled at once, and after the last add of a key a reconcile of it begins and ends.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { silentLog, SimulatedClock, sleep } from "../../base/index.ts";
import { createWorkqueue } from "./rate-limited-queue.ts";

const key = fc.constantFrom("a", "b", "c", "s1", "s2");
const step = fc.record({
  do: fc.constantFrom("add", "addAfter", "addRateLimited", "wait"),
  key,
  ms: fc.integer({ min: 0, max: 50 }),
});

test("no key is reconciled twice at once, and none is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.record({ workMs: fc.nat(20), fails: fc.boolean(), again: fc.nat(4) })),
      async (steps, workers, outcomes) => {
        const clock = new SimulatedClock();
        const classOf = (k: string): "system" | "normal" => (k.startsWith("s") ? "system" : "normal");
        const queue = createWorkqueue({ name: "q", clock, log: silentLog, classOf });
        const active = new Set<string>();
        const owed = new Set<string>();
        const reconcile = async (k: string): Promise<{ requeueAfterMs: number } | undefined> => {
          expect(active.has(k)).toBe(false);
          active.add(k);
          expect(active.size).toBeLessThanOrEqual(workers);
          owed.delete(k);
          const { workMs, fails, again } = outcomes.next().value!;
          if (workMs > 0) await sleep(clock, workMs);
          active.delete(k);
          if (fails && queue.retries(k) < 5) throw new Error("planned");
          return again === 0 ? { requeueAfterMs: 5 } : undefined;
        };
        const stop = new AbortController();
        const running = queue.run({ workers, reconcile, signal: stop.signal });
        for (const { do: what, key: k, ms } of steps) {
          if (what !== "wait") owed.add(k);
          if (what === "add") queue.add(k);
          else if (what === "addAfter") queue.addAfter(k, ms);
          else if (what === "addRateLimited") queue.addRateLimited(k);
          else await clock.advance(ms);
        }
        await clock.advance(60_000);
        expect([...owed]).toEqual([]);
        stop.abort();
        await clock.advance(1000);
        await running;
      },
    ),
  );
});
