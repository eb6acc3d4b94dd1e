/**
 * Writes docs/differences.md from test/recordings/differences.json: one paragraph for each reason, by sort.
 * `npm run draw` writes it; the house test compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const sorts = {
  chosen: ["On purpose", "Ours answers otherwise than upstream, and is meant to."],
  unstable: ["Not compared", "The answer depends on time or chance, so nothing is promised of it."],
};

/** The page for a list of entries. */
export function page(entries) {
  const parts = Object.entries(sorts).map(([sort, [title, about]]) => {
    const own = entries.filter((entry) => entry.sort === sort);
    const reasons = [...new Set(own.map((entry) => entry.reason))];
    const paragraphs = reasons.map((reason) => paragraph(reason, own));
    return [`## ${title}`, about, ...paragraphs].join("\n\n");
  });
  return `${[head, ...parts].join("\n\n")}\n`;
}

const head = `<!-- Generated from test/recordings/differences.json by npm run draw. -->

# Differences from upstream

What Kubernetes v1.35.4 answered was recorded, and \`npm run test:recordings\` compares our answers with it. This page lists the answers
that may differ, and why. It does not list what is missing so far: an answer that is in no list of \`test/recordings/same\` and
not here is work that is not done.`;

function paragraph(reason, entries) {
  const places = entries
    .filter((entry) => entry.reason === reason)
    .map(({ recording, scenario, step, at, warnings }) => {
      const places = at.length === 0 ? "the whole answer" : at.map((pointer) => `\`${pointer}\``).join(", ");
      const where = warnings === undefined ? places : `warnings of the pattern \`${warnings}\``;
      return `- ${recording}: \`${scenario}\` / \`${step}\`: ${where}`;
    });
  return `${reason}\n\n${places.join("\n")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const entries = JSON.parse(readFileSync(join(root, "test", "recordings", "differences.json"), "utf8"));
  writeFileSync(join(root, "docs", "differences.md"), page(entries));
}
