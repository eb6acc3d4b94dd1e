/** Bundles the command into dist/: one file that starts quickly, and the store's worker beside it. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
/** Built here and then renamed to dist/, so that a failed build leaves the last good one. */
const fresh = `${dist}.${process.pid}`;
mkdirSync(fresh, { recursive: true });
process.on("exit", () => rmSync(fresh, { recursive: true, force: true }));

await build({
  entryPoints: { lares: join(root, "src", "main", "lares.ts") },
  outdir: fresh,
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  sourcemap: true,
  logLevel: "warning",
  external: ["@photostructure/sqlite"],
  // CommonJS packages inside an ES module bundle ask for `require`.
  banner: {
    js: 'import { createRequire as __lares_require } from "node:module"; const require = __lares_require(import.meta.url);',
  },
});
// V8 keeps a file with a single character beyond Latin-1 at two bytes a character: 3 MB more for each process.
for (const name of readdirSync(fresh).filter((file) => file.endsWith(".js"))) {
  const line = readFileSync(join(fresh, name), "utf8")
    .split("\n")
    .find((text) => /[^\0-\xff]/.test(text));
  if (line === undefined) continue;
  console.error(`lares: a comment inside a class or a function has a character beyond Latin-1:\n${line}`);
  process.exit(1);
}
copyFileSync(join(root, "src", "storage", "sqlite-worker.mjs"), join(fresh, "sqlite-worker.mjs"));
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
