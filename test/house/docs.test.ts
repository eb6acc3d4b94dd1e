/** The pictures, tables and paths of docs/ARCHITECTURE.md agree with the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { page as differencesPage } from "../../scripts/draw-differences.mjs";
import { redrawn } from "../../scripts/draw-layers.mjs";
import { allDifferences } from "../recordings/deliberate.ts";

type Layers = Readonly<Record<string, readonly string[]>>;

const root = join(import.meta.dirname, "..", "..");
const architecture = "docs/ARCHITECTURE.md";
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const page = read(architecture);
const layers = JSON.parse(read("layers.json")) as Layers;
const innerLayers = JSON.parse(read("inner-layers.json")) as Readonly<Record<string, Layers>>;

test("the pictures of the rooms are those that layers.json and inner-layers.json give (npm run draw)", () => {
  expect(redrawn(page, layers, innerLayers)).toBe(page);
  expect(redrawn(page, { ...layers, attic: ["base"] }, innerLayers)).not.toBe(page);
  expect(redrawn(page, layers, { ...innerLayers, base: { attic: [] } })).not.toBe(page);
});

/** `web` is planned and has no folder. */
const rooms = [
  ...Object.keys(layers).filter((name) => name !== "web"),
  ...Object.entries(innerLayers).flatMap(([room, inner]) =>
    Object.keys(inner).map((name) => `${room}/${name}`),
  ),
];

/** Rooms and inner rooms that no first cell of a table names. */
function roomsWithoutRow(text: string): readonly string[] {
  const cells = text.split("\n").map((line) => /^\|([^|]*)\|/.exec(line)?.[1] ?? "");
  return rooms.filter((room) => !cells.some((cell) => cell.includes(`\`src/${room}\``)));
}

test("every room and inner room has a row", () => {
  expect(roomsWithoutRow(page)).toEqual([]);
  expect(roomsWithoutRow(page.replaceAll("`src/client/work`", ""))).toEqual(["client/work"]);
});

/** Paths in backticks and targets of links that lead to no file or folder. */
function deadPaths(text: string): readonly string[] {
  const inBackticks = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+|[\w.-]+\.json)`/g)].map(
    (match) => match[1]!,
  );
  const linked = [...text.matchAll(/\]\(([^)#:]+)[^)]*\)/g)].map((match) =>
    join(dirname(architecture), match[1]!),
  );
  return [...inBackticks, ...linked].filter((path) => !existsSync(join(root, path)));
}

test("every path leads to a file or folder", () => {
  expect(deadPaths(page)).toEqual([]);
  const planted = "`src/base/nowhere.ts`, `nowhere.json`, [0000](designs/0000-nowhere.md#top)";
  expect(deadPaths(planted)).toEqual(["src/base/nowhere.ts", "nowhere.json", "docs/designs/0000-nowhere.md"]);
});

test("the page of differences is the one that differences.json gives (npm run draw)", () => {
  expect(differencesPage(allDifferences)).toBe(read("docs/differences.md"));
  const another = { ...allDifferences[0]!, reason: "Another reason." };
  expect(differencesPage([...allDifferences, another])).toContain("Another reason.");
});

function designsWithoutLink(text: string): readonly string[] {
  return readdirSync(join(root, "docs", "designs")).filter((name) => !text.includes(`(designs/${name})`));
}

test("every design has a link", () => {
  expect(designsWithoutLink(page)).toEqual([]);
  const planted = page.replaceAll("(designs/0002-any-cluster.md)", "");
  expect(designsWithoutLink(planted)).toEqual(["0002-any-cluster.md"]);
});
