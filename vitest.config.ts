/** Test runner settings: unit and property tests lie beside the code; whole-system tests under test/. */
import { defineConfig } from "vitest/config";

/** It replaces a module, which it can only where nobody else has loaded it. */
const alone = "test/simulation/inner-mutants.test.ts";
const common = { pool: "threads", testTimeout: 20_000 } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "together",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/crash/**", "node_modules/**", "dist/**", alone],
          isolate: false,
        },
      },
      { test: { ...common, name: "alone", include: [alone] } },
    ],
  },
});
