/**
 * Every file that a SPEC.md names exists, and every test title that it names is in its file.
 * Not here: upstream's unit cases (upstream-tests.test.ts).
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));

/** The file that a page means by `name`: beside the page, below it, or by its path from the root. */
function fileOf(page: string, name: string): string | undefined {
  const folder = dirname(page);
  const beside = join(folder, name);
  if (tracked.includes(beside)) return beside;
  return (
    tracked.find((path) => path.startsWith(`${folder}/`) && path.endsWith(`/${name}`)) ??
    tracked.find((path) => path === name || path.endsWith(`/${name}`))
  );
}

/** Files and titles that `text`, the content of `page`, names and that do not exist. */
function errorsOf(page: string, text: string): readonly string[] {
  const wrong: string[] = [];
  for (const [, name] of text.matchAll(/`([\w./-]+\.(?:ts|mjs|md))`/g))
    if (fileOf(page, name!) === undefined) wrong.push(`${page}: no file ${name}`);
  for (const [, name, title] of text.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)) {
    const file = fileOf(page, name!);
    if (file !== undefined && !readFileSync(join(root, file), "utf8").includes(title!))
      wrong.push(`${page}: no test "${title}" in ${file}`);
  }
  return wrong;
}

const pages = tracked.filter((path) => /^src\/.*\/SPEC\.md$/.test(path));

test.each(pages)("%s names files and tests that exist", (page) => {
  expect(errorsOf(page, readFileSync(join(root, page), "utf8"))).toEqual([]);
});

test("a planted error is reported", () => {
  const page = "src/client/work/SPEC.md";
  expect(pages).toContain(page);
  const planted = 'See `not-there.ts` and `leader-election.test.ts`: "a title that no test bears".';
  expect(errorsOf(page, planted)).toHaveLength(2);
});
