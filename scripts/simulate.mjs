/** `npm run simulate -- --seeds N [--from S]`: bundles the simulation, then runs it; see test/simulation/main.ts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled, root } from "./ensure.mjs";

ensureInstalled();
const { build } = await import("esbuild");
// Inside node_modules, so that packages that are not bundled are found.
const directory = mkdtempSync(join(root, "node_modules", ".simulate-"));
const outfile = join(directory, "simulate.mjs");
try {
  await build({
    entryPoints: [join(root, "test", "simulation", "main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    sourcemap: "inline",
    logLevel: "error",
    packages: "external",
  });
  const args = ["--enable-source-maps", outfile, ...process.argv.slice(2)];
  const run = spawnSync(process.execPath, args, { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
