/**
 * Rules that no linter has: banned calls with their replacement, file headers, sizes, no machine paths, no unfinished work.
 * Each rule is seen to report a planted violation. Not here: imports (walls.test.ts), types and lint (npm run check).
 */
import { expect, test } from "vitest";
import { files, isGenerated } from "./files.ts";
import type { SourceFile } from "./files.ts";

interface Rule {
  readonly name: string;
  applies(path: string): boolean;
  /** Each finding, as text. */
  find(file: SourceFile): readonly string[];
  /** A file that must be reported. */
  readonly planted: SourceFile;
}

const isTest = (path: string): boolean =>
  path.endsWith(".test.ts") || /^(test|bench)\//.test(path) || path.startsWith("src/testing/");
const isCode = (path: string): boolean => /\.(ts|mjs|js|cjs)$/.test(path);
const isShipped = (path: string): boolean => path.startsWith("src/") && isCode(path) && !isTest(path);

function lines(file: SourceFile, pattern: RegExp): readonly string[] {
  return file.text
    .split("\n")
    .map((line, index) => ({ line, at: index + 1 }))
    .filter(({ line }) => pattern.test(line.replace(/^\s*(\*|\/\/|\/\*).*/, "")))
    .map(({ line, at }) => `${file.path}:${at}: ${line.trim()}`);
}

function banned(
  name: string,
  pattern: RegExp,
  planted: string,
  except: (path: string) => boolean = () => false,
): Rule {
  return {
    name,
    applies: (path) => isShipped(path) && !path.startsWith("src/main/") && !except(path),
    find: (file) => lines(file, pattern),
    planted: { path: "src/client/planted.ts", text: `/** Planted. */\n${planted}\n` },
  };
}

const rules: readonly Rule[] = [
  banned(
    "Date.now and new Date() are read through Clock",
    /\bDate\.now\(|\bnew Date\(\)/,
    "const now = Date.now();",
  ),
  banned("timers go through Clock.after", /\b(setTimeout|setInterval)\(/, "setTimeout(() => {}, 5);"),
  // The two rooms at the sockets wait for turns of the event loop as Node's streams do: time has no part in it.
  banned(
    "a turn of the event loop is waited for by Clock.soon",
    /\bsetImmediate\b/,
    "setImmediate(() => {});",
    (path) => path.startsWith("src/apiserver/http/") || path.startsWith("src/client/transport/"),
  ),
  banned(
    "randomness goes through Random",
    /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
    "const x = Math.random();",
  ),
  banned("performance.now is read through Clock", /\bperformance\.now\(/, "const t = performance.now();"),
  banned(
    "structuredClone costs 60 microseconds a pod: build the new object",
    /\bstructuredClone\(/,
    "structuredClone({});",
  ),
  banned(
    "the environment and the arguments are read in main only",
    /\bprocess\.(env|argv)\b/,
    "const a = process.argv;",
  ),
  banned(
    "output goes through Log or the command's own writer",
    /\bconsole\.(log|error|warn|info)\(/,
    'console.log("x");',
  ),
  {
    name: "every file opens with a header comment",
    applies: isCode,
    find: ({ path, text }) => (/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(text) ? [] : [path]),
    planted: { path: "src/api/planted.ts", text: "export const a = 1;\n" },
  },
  {
    name: "a file has at most 600 lines",
    applies: isCode,
    find: ({ path, text }) => (text.split("\n").length > 601 ? [path] : []),
    planted: { path: "src/api/planted.ts", text: "/** Planted. */\n".repeat(700) },
  },
  {
    name: "no TODO without an issue, and no skipped or focused test",
    applies: (path) => isCode(path) && path !== "test/house/tidy.test.ts",
    find: (file) =>
      file.text
        .split("\n")
        .map((line, index) => ({ line, at: index + 1 }))
        .filter(
          ({ line }) =>
            /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(line) ||
            /\b(it|test|describe)\.(skip|only|todo|fails)\b/.test(line),
        )
        .map(({ line, at }) => `${file.path}:${at}: ${line.trim()}`),
    planted: { path: "src/api/planted.ts", text: "/** Planted. */\n// TODO later\n" },
  },
  {
    name: "no path of a machine and no address of a registry",
    applies: (path) => path !== "test/house/tidy.test.ts",
    find: ({ path, text }) => {
      const found = /(?<![\w.])\/(?:work|root)\/|registry\.npmjs|deb\.debian\.org|proxy\.golang/.exec(text);
      return found === null ? [] : [`${path}: ${found[0]}`];
    },
    planted: { path: "README.md", text: "see /root/x\n" },
  },
];

const all = files();

test.each(rules.map((rule) => [rule.name, rule] as const))("%s", (_, rule) => {
  expect(rule.applies(rule.planted.path) ? rule.find(rule.planted) : []).not.toEqual([]);
  const found = all
    .filter(({ path, text }) => rule.applies(path) && !isGenerated(text))
    .flatMap((file) => rule.find(file));
  expect(found).toEqual([]);
});
