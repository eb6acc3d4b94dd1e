/** Crash tests: processes that die by SIGKILL. Slower than the suite, so they have a command of their own. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/crash/**/*.test.ts"], pool: "forks", testTimeout: 300_000 },
});
