/**
 * The package that `npm pack` makes of a fresh clone, installed into an empty folder and started there.
 * Without a network: what the package depends on comes from this repository's node_modules.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { LaresProcess } from "./lares-process.ts";

const root = join(import.meta.dirname, "..", "..");
const modules = join(root, "node_modules");
const folder = mkdtempSync(join(tmpdir(), "lares-package-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Every file that git knows or would take, as a clone of the next commit has them: nothing is built. */
function freshClone(): string {
  const clone = join(folder, "clone");
  const listed = run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], root);
  for (const file of listed.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  // The packages as they are installed here, but not the stamps of what has been built here.
  mkdirSync(join(clone, "node_modules", ".cache", "lares"), { recursive: true });
  for (const name of readdirSync(modules).filter((entry) => entry !== ".cache"))
    symlinkSync(join(modules, name), join(clone, "node_modules", name));
  const stamp = join(".cache", "lares", "installed");
  if (existsSync(join(modules, stamp))) cpSync(join(modules, stamp), join(clone, "node_modules", stamp));
  return clone;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
}

/** Names of the packages that come along when the package is installed. */
function dependencies(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  return Object.entries(packages)
    .filter(([path, { dev, optional }]) => path !== "" && dev !== true && optional !== true)
    .map(([path]) => path.replace(/^node_modules\//, ""))
    .filter((name) => !name.includes("node_modules/"));
}

test("a fresh clone is packed, installed and started", async () => {
  const [packed] = JSON.parse(run("npm", ["pack", "--json"], freshClone())) as {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  const paths = packed!.files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      "bin/lares.js",
      "dist/lares.js",
      "dist/sqlite-worker.mjs",
      "README.md",
      "LICENSE",
    ]),
  );
  expect(paths.filter((path) => /^(src|test|node_modules)\//.test(path))).toEqual([]);

  const empty = join(folder, "empty");
  mkdirSync(empty);
  const sources = Object.fromEntries(dependencies().map((name) => [name, `file:${join(modules, name)}`]));
  const lares = `file:${join(folder, "clone", packed!.filename)}`;
  writeFileSync(
    join(empty, "package.json"),
    JSON.stringify({ private: true, dependencies: { ...sources, lares } }),
  );
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], empty);

  const bin = realpathSync(join(empty, "node_modules", ".bin", "lares"));
  const up = new LaresProcess(["up", "--port", "0", "--workers", "1"], empty, bin);
  await up.says("Ctrl-C stops");
  const { code, stderr } = await up.end("SIGINT");
  expect([code, stderr]).toEqual([0, ""]);
  expect(existsSync(join(empty, ".lares", "store.db"))).toBe(true);
});
