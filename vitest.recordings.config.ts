/** Upstream's recorded answers against ours. Slower than the suite, since controllers take their time, so a command of its own. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/recordings/*.replay.ts"],
    pool: "threads",
    maxWorkers: 3,
    // Scenarios that have no plane yet wait for one; the bound on planes is each suite's.
    maxConcurrency: 16,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
