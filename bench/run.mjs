/** Runs a benchmark: bundles bench/NAME.ts as the command is bundled, then runs it. `node bench/run.mjs NAME [arguments]`. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled, nodeOptions } from "../scripts/ensure.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [name, ...args] = process.argv.slice(2);
const source = join(root, "bench", `${name}.ts`);
if (name === undefined || !existsSync(source)) {
  console.error("usage: node bench/run.mjs NAME [arguments]; the names are the .ts files in bench/");
  process.exit(1);
}
ensureInstalled();
const { build } = await import("esbuild");
const outdir = join(root, "node_modules", ".cache", "lares", "bench");
mkdirSync(outdir, { recursive: true });
await build({
  entryPoints: [source],
  outdir,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  // In a file of its own, as the command is built: inline maps lie in memory, 25 MB of them. NODE_OPTIONS=--enable-source-maps reads them.
  sourcemap: true,
  logLevel: "warning",
  external: ["@photostructure/sqlite"],
  banner: {
    js: 'import { createRequire as __lares_require } from "node:module"; const require = __lares_require(import.meta.url);',
  },
});
copyFileSync(join(root, "src", "storage", "sqlite-worker.mjs"), join(outdir, "sqlite-worker.mjs"));
const command = [nodeOptions, join(outdir, `${name}.js`), ...args];
const run = spawnSync(process.execPath, command, { stdio: "inherit" });
process.exit(run.status ?? 1);
