/**
 * Many simulations: nothing that must hold is broken, and everything comes to rest. A failing seed prints the command
 * that replays it. More of them: npm run simulate -- --seeds 20000.
 */
import { describe, expect, test } from "vitest";
import { found } from "./found.ts";
import { run } from "./run.ts";
import { explain } from "./report.ts";
import { profiles, type ProfileName, scriptOf } from "./script.ts";

/** Seeds per run of the suite; a seed takes about 80 ms on an idle core. */
const seeds = 203;
const names = Object.keys(profiles) as ProfileName[];

describe.each(names.map((name, index) => ({ name, index })))("$name", ({ index }) => {
  const mine = Array.from({ length: seeds }, (_, i) => i + 1).filter((seed) => seed % names.length === index);

  test(`${mine.length} seeds keep every invariant`, { timeout: 120_000 }, async () => {
    for (const seed of mine) {
      const script = scriptOf(seed);
      const result = await run(script, { freeze: seed % 10 === 0 });
      expect(result.violations, await explain(script, result)).toEqual([]);
    }
  });
});

test.each(found)("$what", { timeout: 60_000 }, async ({ script }) => {
  const result = await run(script);
  expect(result.violations, await explain(script, result)).toEqual([]);
});

test("the same seed gives the same log, another seed another one", { timeout: 120_000 }, async () => {
  for (const name of names) {
    const [once, again, other] = [
      await run(scriptOf(7_001, name)),
      await run(scriptOf(7_001, name)),
      await run(scriptOf(7_002, name)),
    ];
    expect(again).toEqual(once);
    expect(other.digest).not.toBe(once.digest);
  }
});
