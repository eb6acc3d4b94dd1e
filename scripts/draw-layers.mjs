/**
 * Draws the picture of the rooms in docs/ARCHITECTURE.md from layers.json, between its two markers.
 * `npm run draw` writes it; the house test compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, "docs", "ARCHITECTURE.md");
const [start, end] = ["<!-- layers: drawn from layers.json by npm run draw -->", "<!-- /layers -->"];

/** Height of a room: one above the highest that it may import. */
function heights(layers) {
  const known = new Map();
  const height = (room) => {
    if (!known.has(room)) {
      const below = layers[room].includes("*")
        ? Object.keys(layers).filter((other) => other !== room)
        : layers[room];
      known.set(room, below.length === 0 ? 0 : 1 + Math.max(...below.map(height)));
    }
    return known.get(room);
  };
  for (const room of Object.keys(layers)) height(room);
  return known;
}

export function picture(layers) {
  const known = heights(layers);
  const rows = [];
  for (let level = Math.max(...known.values()); level >= 0; level--) {
    const rooms = Object.keys(layers).filter((room) => known.get(room) === level);
    if (rooms.length > 0) rows.push(rooms.join("   "));
  }
  const width = Math.max(...rows.map((row) => row.length));
  const line = `├${"─".repeat(width + 4)}┤`;
  const body = rows.map((row) => `│  ${row.padEnd(width)}  │`);
  return [`┌${"─".repeat(width + 4)}┐`, body.join(`\n${line}\n`), `└${"─".repeat(width + 4)}┘`].join("\n");
}

/** The page with the picture put in anew. */
export function redrawn(text, layers) {
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error("docs/ARCHITECTURE.md lacks the markers of the picture");
  return `${text.slice(0, from + start.length)}\n\n\`\`\`\n${picture(layers)}\n\`\`\`\n\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const layers = JSON.parse(readFileSync(join(root, "layers.json"), "utf8"));
  writeFileSync(page, redrawn(readFileSync(page, "utf8"), layers));
}
