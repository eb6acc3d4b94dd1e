/**
 * The walls between rooms hold, and each wall is seen to report a planted violation.
 * Not here: the walls themselves (.dependency-cruiser.cjs, made from layers.json).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const config = join(root, ".dependency-cruiser.cjs");
const cruiser = join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly rule: { readonly name: string }; readonly from: string }[];
    readonly totalCruised: number;
  };
}

function cruise(folder: string): Report {
  try {
    const args = [cruiser, "src", "--config", config, "--output-type", "json"];
    return JSON.parse(
      execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", maxBuffer: 64 << 20 }),
    ) as Report;
  } catch (error) {
    // The exit code is the number of violations; the report is on standard output all the same.
    return JSON.parse((error as { readonly stdout: string }).stdout) as Report;
  }
}

/** Files that break each wall, by the name of the wall. */
const planted: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "down-from-base": { "src/base/bad.ts": 'import "../machinery/index.ts";' },
  "down-from-machinery": {
    "src/machinery/bad.ts": 'import type { Api } from "../api/index.ts";\nexport type A = Api;',
  },
  "down-from-api": { "src/api/bad.ts": 'import "../storage/index.ts";' },
  "down-from-storage": { "src/storage/bad.ts": 'import "../api/index.ts";' },
  "down-from-client": { "src/client/bad.ts": 'import "../apiserver/index.ts";' },
  "down-from-apiserver": { "src/apiserver/bad.ts": 'import "../client/index.ts";' },
  "down-from-controllers": { "src/controllers/a/bad-down.ts": 'import "../../apiserver/index.ts";' },
  "down-from-scheduler": { "src/scheduler/bad.ts": 'import "../apiserver/index.ts";' },
  "down-from-agent": { "src/agent/bad.ts": 'import "../apiserver/index.ts";' },
  "down-from-cli": { "src/cli/bad.ts": 'import "../apiserver/index.ts";' },
  "down-from-web": { "src/web/bad.ts": 'import "../apiserver/index.ts";' },
  "face-of-base": { "src/client/face-base.ts": 'import "../base/inner.ts";' },
  "face-of-machinery": { "src/client/face-machinery.ts": 'import "../machinery/inner.ts";' },
  "face-of-api": { "src/client/face-api.ts": 'import "../api/inner.ts";' },
  "face-of-storage": { "src/apiserver/face-storage.ts": 'import "../storage/inner.ts";' },
  "face-of-client": { "src/agent/face-client.ts": 'import "../client/inner.ts";' },
  "face-of-apiserver": { "src/main/face-apiserver.ts": 'import "../apiserver/inner.ts";' },
  "face-of-controllers": { "src/main/face-controllers.ts": 'import "../controllers/a/inner.ts";' },
  "face-of-scheduler": { "src/main/face-scheduler.ts": 'import "../scheduler/inner.ts";' },
  "face-of-agent": { "src/main/face-agent.ts": 'import "../agent/inner.ts";' },
  "face-of-cli": { "src/main/face-cli.ts": 'import "../cli/inner.ts";' },
  "face-of-web": { "src/main/face-web.ts": 'import "../web/inner.ts";' },
  "face-of-main": { "src/cli/face-main.ts": 'import "../main/inner.ts";' },
  "controllers-import-no-sibling": { "src/controllers/b/bad.ts": 'import "../a/index.ts";' },
  "agent-knows-no-maker": {
    "src/agent/runtime/simulated/inner.ts": "export type Inner = string;",
    "src/agent/pods/maker.ts": 'import "../runtime/simulated/inner.ts";',
  },
  "makers-import-no-sibling": { "src/agent/runtime/cri/bad.ts": 'import "../simulated/inner.ts";' },
  "owner-of--photostructure-sqlite": { "src/apiserver/sqlite.ts": 'import "@photostructure/sqlite";' },
  "owner-of--peculiar-x509": { "src/storage/x509.ts": 'import "@peculiar/x509";' },
  "owner-of-reflect-metadata": { "src/storage/reflect.ts": 'import "reflect-metadata";' },
  "owner-of-prom-client": { "src/storage/prom.ts": 'import "prom-client";' },
  "owner-of-pino": { "src/storage/pino.ts": 'import "pino";' },
  "owner-of-commander": { "src/storage/commander.ts": 'import "commander";' },
  pure: {
    "src/machinery/node.ts": 'import { readFileSync } from "node:fs";\nexport const read = readFileSync;',
  },
  "no-circles": {
    "src/client/one.ts": 'import type { Two } from "./two.ts";\nexport type One = Two;',
    "src/client/two.ts": 'import type { One } from "./one.ts";\nexport type Two = One;',
  },
  "testing-is-for-tests": { "src/client/testing.ts": 'import "../testing/index.ts";' },
  resolvable: { "src/client/nowhere.ts": 'import "./not-there.ts";' },
};

const innerLayers = JSON.parse(readFileSync(join(root, "inner-layers.json"), "utf8")) as Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

/**
 * For each inner room, a file that imports the index.ts of its room, and a file for each neighbour that it may not import.
 * For each room, a folder that inner-layers.json does not name.
 */
const plantedInside = Object.fromEntries(
  Object.entries(innerLayers).flatMap(([room, rooms]) => [
    ...Object.entries(rooms).map(([name, below]) => [
      `down-from-${room}-${name}`,
      Object.fromEntries([
        [`src/${room}/${name}/bad.ts`, 'import "../index.ts";'],
        ...Object.keys(rooms)
          .filter((other) => other !== name && !below.includes(other))
          .map((other) => [`src/${room}/${name}/bad-${other}.ts`, `import "../${other}/inner.ts";`]),
      ]),
    ]),
    [
      `inner-rooms-of-${room}`,
      {
        [`src/${room}/unknown/inner.ts`]: "export type Inner = string;",
        [`src/${room}/entrance.ts`]: 'import "./unknown/inner.ts";',
      },
    ],
  ]),
) as typeof planted;
const allPlanted = { ...planted, ...plantedInside };

test("no wall is broken, and the checker has read the files", () => {
  const { summary } = cruise(root);
  expect(summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`)).toEqual([]);
  expect(summary.totalCruised).toBeGreaterThan(50);
});

test("every wall reports its planted violation", () => {
  const folder = mkdtempSync(join(tmpdir(), "lares-walls-"));
  try {
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${text}\n`);
    };
    const layers = Object.keys(JSON.parse(readFileSync(join(root, "layers.json"), "utf8")) as object);
    for (const room of [
      ...layers.filter((name) => name !== "controllers"),
      "controllers/a",
      "controllers/b",
      "testing",
    ]) {
      write(`src/${room}/index.ts`, "export type Api = string;");
      write(`src/${room}/inner.ts`, "export type Inner = string;");
    }
    for (const [room, rooms] of Object.entries(innerLayers))
      for (const name of Object.keys(rooms))
        write(`src/${room}/${name}/inner.ts`, "export type Inner = string;");
    for (const files of Object.values(allPlanted))
      for (const [path, text] of Object.entries(files)) write(path, text);
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const { violations } = cruise(folder).summary;
    const reported = new Set(violations.map(({ rule }) => rule.name));
    const walls = (createRequire(import.meta.url)(config) as { forbidden: readonly { name: string }[] })
      .forbidden;
    expect([...reported].sort()).toEqual(walls.map(({ name }) => name).sort());
    expect(Object.keys(allPlanted).sort()).toEqual(walls.map(({ name }) => name).sort());
    const places = violations.map(({ rule, from }) => `${rule.name}: ${from}`);
    const downwards = Object.entries(plantedInside).filter(([name]) => name.startsWith("down-from-"));
    const expected = downwards.flatMap(([name, files]) =>
      Object.keys(files).map((path) => `${name}: ${path}`),
    );
    expect(places).toEqual(expect.arrayContaining(expected));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
