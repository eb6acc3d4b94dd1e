/**
 * The list of upstream's unit cases (src/controllers/daemonset/UPSTREAM-TESTS.md) and the tests agree: each listed title
 * is in its file, and each test with an upstream name is listed under that file.
 * Titles are found in the string literals of test files; tables of cases join them to longer ones.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const source = join(import.meta.dirname, "..", "..", "src");
const list = readFileSync(join(source, "controllers", "daemonset", "UPSTREAM-TESTS.md"), "utf8");

interface Row {
  readonly name: string;
  /** Undefined when the case is not applicable. */
  readonly file: string | undefined;
  readonly title: string;
}

function rowsOf(text: string): readonly Row[] {
  return text.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== 5 || cells[1] === "case" || /^-+$/.test(cells[1]!)) return [];
    return [{ name: cells[1]!, file: cells[2] === "—" ? undefined : cells[2]!, title: cells[3]! }];
  });
}

function literalsOf(text: string): readonly string[] {
  const code = text.replace(/^import[^;]*;$/gm, "").replace(/\/\*[\s\S]*?\*\//g, "");
  return code.match(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
}

/** Whether the text contains the title as a whole: `TestDeletePodOrphan` does not contain `TestDeletePod`. */
function containsTitle(text: string, title: string): boolean {
  for (let at = text.indexOf(title); at >= 0; at = text.indexOf(title, at + 1))
    if (!/\w/.test(text[at + title.length] ?? "")) return true;
  return false;
}

/** Disagreements between the rows and the literals of each test file. */
function disagreements(rows: readonly Row[], literals: ReadonlyMap<string, readonly string[]>): string[] {
  const wrong: string[] = [];
  for (const { name, file, title } of rows) {
    if (file === undefined) {
      if (!title.startsWith("not applicable: ")) wrong.push(`${name}: no reason`);
    } else if (literals.get(file)?.some((text) => containsTitle(text, title)) !== true)
      wrong.push(`${name}: no "${title}" in ${file}`);
  }
  const listed = new Set(rows.map(({ title }) => /^Test[A-Z]\w+/.exec(title)?.[0]));
  for (const [file, texts] of literals) {
    for (const name of texts.join(" ").match(/\bTest[A-Z]\w*[a-z]\w+/g) ?? [])
      if (!listed.has(name)) wrong.push(`${file}: ${name} is not listed`);
  }
  return wrong;
}

function allLiterals(): Map<string, readonly string[]> {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".test.ts"),
  );
  return new Map(files.map((path) => [path, literalsOf(readFileSync(join(source, path), "utf8"))]));
}

test("upstream's cases: the list and the tests agree", () => {
  expect(disagreements(rowsOf(list), allLiterals())).toEqual([]);
});

test("no case is listed twice, and every section of the catalogue has its cases", () => {
  const names = rowsOf(list).map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(list.match(/^## (\S+)/gm)).toEqual(
    ["2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "3", "4", "5", "6", "7", "8", "Integration"].map(
      (section) => `## ${section}`,
    ),
  );
});

test("planted: a removed title, a missing reason, an unlisted test", () => {
  const rows = rowsOf("| TestGone | a.test.ts | TestGone |\n| TestNothing | — | because |\n");
  const literals = new Map([["a.test.ts", literalsOf('test("TestUnlisted: x", () => {});')]]);
  expect(disagreements(rows, literals)).toEqual([
    'TestGone: no "TestGone" in a.test.ts',
    "TestNothing: no reason",
    "a.test.ts: TestUnlisted is not listed",
  ]);
});
