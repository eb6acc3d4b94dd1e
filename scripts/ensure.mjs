/**
 * Set-up that `npm start` and `npm test` share: installs packages when they are missing or changed, builds what is stale.
 * Prints what it does; does nothing when all is in place. Not here: what is built (build.mjs).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLockFile } from "./lock-file.mjs";

/**
 * For a control plane with many nodes: with Node's default of 16 MB young objects are copied so often that 15,000 pods take
 * a tenth longer. Small clusters do not use the additional memory.
 */
export const nodeOptions = "--max-semi-space-size=64";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = (name) => join(root, "node_modules", ".cache", "lares", name);

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Lares needs Node.js 20.19 or later; this is ${process.version}. See https://nodejs.org/`);
  process.exit(1);
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function digest(files) {
  const hash = createHash("sha256");
  hash.update(process.version);
  for (const file of files) {
    hash.update(file.slice(root.length));
    hash.update(readFileSync(file));
  }
  return hash.digest("hex");
}

function isFresh(name, wanted) {
  return existsSync(stamp(name)) && readFileSync(stamp(name), "utf8") === wanted;
}

/** Runs `make` when the stamp is not `wanted`, unless another process has just done so. */
function ensure(name, wanted, make) {
  if (isFresh(name, wanted)) return;
  withLockFile(join(root, ".setup.lock"), () => {
    if (isFresh(name, wanted)) return;
    make();
    mark(name, wanted);
  });
}

function mark(name, value) {
  mkdirSync(dirname(stamp(name)), { recursive: true });
  writeFileSync(stamp(name), value);
}

/** Ends this process when the step fails; the step has printed why. */
function run(command, args, what) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status === 0) return;
  console.error(`lares: ${what} failed; mend what it says above and run this again`);
  process.exit(1);
}

/** Packages as the lock file says; the stamp lies inside node_modules, so it vanishes with it. */
export function ensureInstalled() {
  const wanted = digest([join(root, "package.json"), join(root, "package-lock.json")]);
  ensure("installed", wanted, () => {
    console.error("lares: installing packages (npm ci) ...");
    const npm = process.env.npm_execpath;
    const [command, ...first] = npm === undefined ? ["npm"] : [process.execPath, npm];
    const args = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    run(command, [...first, ...args], "npm ci");
  });
}

/** The command in dist/, made again when a source or the build itself changed. */
export function ensureBuilt() {
  const wanted = digest([
    ...filesBelow(join(root, "src")),
    join(root, "scripts", "build.mjs"),
    join(root, "package-lock.json"),
  ]);
  // A dist/ that somebody has removed is stale, whatever the stamp says.
  if (!existsSync(join(root, "dist", "lares.js"))) rmSync(stamp("built"), { force: true });
  ensure("built", wanted, () => {
    console.error("lares: building dist/ ...");
    run(process.execPath, [join(root, "scripts", "build.mjs")], "the build");
  });
}
