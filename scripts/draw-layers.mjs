/**
 * Draws the pictures of the rooms in docs/ARCHITECTURE.md, each between its two markers: the rooms from layers.json, the
 * inner rooms from inner-layers.json. `npm run draw` writes them; the house test compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, "docs", "ARCHITECTURE.md");

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

function picture(layers) {
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

function innerPictures(innerLayers) {
  const pictures = Object.entries(innerLayers).map(([room, layers]) => `src/${room}\n${picture(layers)}`);
  return pictures.join("\n\n");
}

/** The page with `drawing` between the markers of `file`. */
function withDrawing(text, file, drawing) {
  const start = `<!-- drawn from ${file} by npm run draw -->`;
  const from = text.indexOf(start);
  const to = text.indexOf("<!-- /drawn -->", from);
  if (from < 0 || to < 0) throw new Error(`docs/ARCHITECTURE.md lacks the markers of the picture of ${file}`);
  return `${text.slice(0, from + start.length)}\n\n\`\`\`\n${drawing}\n\`\`\`\n\n${text.slice(to)}`;
}

/** The page with both pictures drawn anew. */
export function redrawn(text, layers, innerLayers) {
  const withRooms = withDrawing(text, "layers.json", picture(layers));
  return withDrawing(withRooms, "inner-layers.json", innerPictures(innerLayers));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (file) => JSON.parse(readFileSync(join(root, file), "utf8"));
  writeFileSync(page, redrawn(readFileSync(page, "utf8"), read("layers.json"), read("inner-layers.json")));
}
