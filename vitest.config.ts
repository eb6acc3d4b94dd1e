/** Test runner settings: unit and property tests lie beside the code; whole-system tests under test/. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/e2e/**", "test/crash/**", "node_modules/**", "dist/**"],
    pool: "threads",
    isolate: false,
    testTimeout: 20_000,
  },
});
