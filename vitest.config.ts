/** Test runner settings: unit and property tests lie beside the code; whole-system tests under test/. */
import { defineConfig } from "vitest/config";

const common = { pool: "threads", testTimeout: 20_000 } as const;
const mutants = "test/simulation/*mutants.test.ts";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "tests",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/crash/**", "node_modules/**", "dist/**", mutants],
          isolate: false,
        },
      },
      // Some replace a module, which works only where nobody else has loaded it.
      { test: { ...common, name: "mutants", include: [mutants] } },
    ],
  },
});
