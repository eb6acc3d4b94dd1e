/** Every planted bug is found within a few seeds: the rules of the simulation can fail. */
import { expect, test } from "vitest";
import { exhibits } from "./museum.ts";
import { run } from "./run.ts";
import { scriptOf } from "./script.ts";

/** Seeds that may be tried for one bug. */
const seedsMax = 40;

test.each(exhibits.map((exhibit) => ({ name: exhibit.name, exhibit })))(
  "$name",
  { timeout: 60_000 },
  async ({ exhibit }) => {
    const others: string[] = [];
    for (let seed = 1; seed <= seedsMax; seed++) {
      const { violations } = await run(
        scriptOf(seed, exhibit.profile ?? "slow", exhibit.favours),
        exhibit.options,
      );
      const found = violations.find(({ invariant }) => exhibit.breaks.includes(invariant));
      if (found !== undefined) return;
      others.push(...violations.map(({ invariant, message }) => `seed ${seed}: ${invariant}: ${message}`));
    }
    expect.fail(`not found in ${seedsMax} seeds; instead: ${others.slice(0, 5).join("; ") || "nothing"}`);
  },
);
