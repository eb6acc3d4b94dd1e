/**
 * What a node with its pod takes in memory, everything in one process: the growth of the heap between two sizes, after a
 * collection. Resident memory is measured by bench/memory; it depends on the machine's load.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const sizes = [1_000, 2_000] as const;
/** Objects, packed values, indexes, and a simulated node: 23 kB. A quarter more is a mistake of somebody. */
const bytesEachMax = 28_000;

test("a node with its pod takes at most 28 kB of the heap", () => {
  const output = execFileSync(
    process.execPath,
    [join(root, "bench", "run.mjs"), "memory", "--nodes", sizes.join(",")],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 170_000 },
  );
  const row = /collected: in use on the heap +([\d.]+) +([\d.]+)/.exec(output);
  const [few, many] = [Number(row?.[1]), Number(row?.[2])];
  const bytesEach = ((many - few) * 1_048_576) / (sizes[1] - sizes[0]);
  expect(bytesEach).toBeGreaterThan(1_000);
  expect(bytesEach).toBeLessThan(bytesEachMax);
});
