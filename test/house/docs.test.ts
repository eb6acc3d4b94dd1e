/** Pages that are drawn or counted from other files agree with them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { redrawn } from "../../scripts/draw-layers.mjs";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("the picture of the rooms is the one that layers.json gives (npm run draw)", () => {
  const layers = JSON.parse(read("layers.json")) as Record<string, readonly string[]>;
  const page = read("docs/ARCHITECTURE.md");
  expect(redrawn(page, layers)).toBe(page);
  expect(redrawn(page, { ...layers, attic: ["base"] })).not.toBe(page);
});

test("ARCHITECTURE.md names every room, and files that are there", () => {
  const page = read("docs/ARCHITECTURE.md");
  for (const room of Object.keys(JSON.parse(read("layers.json")) as object).filter(
    (name) => name !== "web",
  )) {
    expect(page, room).toMatch(new RegExp(`^\\| \`${room}(/\\*)?\``, "m"));
  }
  const named = [...page.matchAll(/`(src\/[\w/.-]+\.ts)`/g)].map((match) => match[1]!);
  expect(named.length).toBeGreaterThan(5);
  for (const path of named) expect(read(path).length, path).toBeGreaterThan(0);
});
