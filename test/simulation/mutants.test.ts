/** Every mutant is found within a few seeds, so each rule of the simulation can fail. */
import { expect, test } from "vitest";
import { mutants } from "./mutants.ts";
import { run } from "./run.ts";
import { scriptOf } from "./script.ts";

/** Seeds that may be tried for one bug. */
const seedsMax = 40;

test.each(mutants.map((mutant) => ({ name: mutant.name, mutant })))(
  "$name",
  { timeout: 60_000 },
  async ({ mutant }) => {
    const others: string[] = [];
    for (let seed = 1; seed <= seedsMax; seed++) {
      const { violations } = await run(
        scriptOf(seed, mutant.profile ?? "slow", mutant.favours),
        mutant.options,
      );
      const found = violations.find(({ invariant }) => mutant.breaks.includes(invariant));
      if (found !== undefined) return;
      others.push(...violations.map(({ invariant, message }) => `seed ${seed}: ${invariant}: ${message}`));
    }
    expect.fail(`not found in ${seedsMax} seeds; instead: ${others.slice(0, 5).join("; ") || "nothing"}`);
  },
);
