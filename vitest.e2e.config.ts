/**
 * Whole-system tests: the command started like a user would, the unmodified kubectl against it.
 * Each file has clusters of its own, on free ports and in folders of its own, so files run side by side: they wait more than
 * they work. Those that measure time, or have to meet a moment, come afterwards, one by one.
 *
 *   the others, the longest of all among them ┐
 *   sessions, by kubectl and placement        ┴─ side by side ─▶ timed, one by one
 */
import { configDefaults, defineConfig } from "vitest/config";
import { kubectls } from "./test/e2e/cluster.ts";

const sessions = ["sessions", "refusals"];
const timed = ["hostile-input", "kill", "start-and-stop"];

const files = (names: readonly string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`);

/** Files at once. Each is a cluster of about 200 MB, and one alone leaves two cores idle for most of the time. */
const besideMax = 6;

const all = kubectls().map(({ name }) => name);

/** The sessions with every kubectl; with the second placement only with one, since that changes only the server. */
const runs = [
  ...all.map((kubectl) => ({ placement: "affinity" as const, kubectl })),
  ...all.slice(-1).map((kubectl) => ({ placement: "nodename" as const, kubectl })),
];

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 180_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "others",
          include: files(["*"]),
          exclude: [...configDefaults.exclude, ...files([...sessions, ...timed])],
          maxWorkers: besideMax,
          sequence: { groupOrder: 0 },
        },
      },
      ...runs.map(({ placement, kubectl }) => ({
        extends: true as const,
        test: {
          name: `${placement}, ${kubectl}`,
          include: files(sessions),
          provide: { placement, kubectl },
          maxWorkers: besideMax,
          sequence: { groupOrder: 0 },
        },
      })),
      {
        extends: true,
        test: {
          name: "timed",
          include: files(timed),
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
