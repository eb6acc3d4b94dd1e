/**
 * How long `lares server` takes from its start until it is ready, and its resident memory then: with an empty store, and with
 * 15,000 nodes and 15,000 pods on disk. `node bench/run.mjs start [--rounds 5] [--objects 30000]`, after `node scripts/build.mjs`
 *
 * The built command is started, and /readyz is polled over HTTPS until it answers 200: then everything is loaded.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Node, nodes, type Pod, pods } from "../src/api/index.ts";
import { silentLog } from "../src/base/index.ts";
import { startControlPlane } from "../src/main/control-plane.ts";
import { machineLine, option, printTable, spread } from "./support/rounds.ts";

interface Figures {
  readonly seconds: number;
  /** Resident memory when it is ready; only where there is /proc. */
  readonly rssMb: number;
}

const command = resolve("dist/lares.js");
/** Pause between two tries to connect, in ms. */
const retryMs = 2;
/** Longest that a start may take, in ms. */
const patienceMs = 60_000;
/** Writes under way at once while the full data directory is made. */
const inFlight = 256;

async function fill(dataDir: string, objects: number): Promise<void> {
  const plane = await startControlPlane({
    dataDir,
    port: 0,
    fresh: false,
    placement: "affinity",
    controllers: "serviceaccount-controller",
    log: silentLog,
  });
  const client = plane.client({ username: "bench", groups: ["system:masters"] }, "bench");
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < objects / 2) {
      const name = `node-${next++}`;
      await client.create<Node>(nodes, { metadata: { name }, spec: {} });
      const metadata = { name: `pod-${name}`, namespace: "default", labels: { app: "agent" } };
      const spec = { nodeName: name, containers: [{ name: "agent", image: "agent:1" }] };
      await client.create<Pod>(pods, { metadata, spec });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, writer));
  await plane.stop();
}

async function measure(dataDir: string): Promise<Figures> {
  const port = await freePort();
  const started = performance.now();
  const args = [command, "server", "--data-dir", dataDir, "--port", String(port)];
  const server = spawn(process.execPath, args, { stdio: "ignore" });
  try {
    while (!(await isReady(port))) {
      if (server.exitCode !== null || performance.now() - started > patienceMs)
        throw new Error("the server did not start");
      await new Promise((done) => setTimeout(done, retryMs));
    }
    return { seconds: (performance.now() - started) / 1_000, rssMb: residentMb(server) };
  } finally {
    const ended = new Promise((done) => server.once("exit", done));
    server.kill("SIGTERM");
    await ended;
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((done) => {
    const asked = request(
      { host: "127.0.0.1", port, path: "/readyz", rejectUnauthorized: false },
      (reply) => {
        reply.resume();
        reply.once("end", () => done(reply.statusCode === 200));
      },
    );
    asked.once("error", () => done(false));
    asked.end();
  });
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { readonly port: number };
      probe.close(() => done(port));
    });
  });
}

function residentMb(server: ChildProcess): number {
  const file = `/proc/${server.pid}/status`;
  const line = existsSync(file) ? /VmRSS:\s+(\d+)/.exec(readFileSync(file, "utf8")) : null;
  return line === null ? Number.NaN : Number(line[1]) / 1_024;
}

if (!existsSync(command)) throw new Error("dist/lares.js is missing: node scripts/build.mjs makes it");
const rounds = Number(option("rounds", "5"));
const objects = Number(option("objects", "30000"));
const root = mkdtempSync(join(tmpdir(), "lares-start-"));
try {
  const full = join(root, "full");
  await fill(full, objects);
  const results = { first: [] as Figures[], again: [] as Figures[], full: [] as Figures[] };
  for (let round = 0; round < rounds; round++) {
    const empty = join(root, `empty-${round}`);
    results.first.push(await measure(empty));
    results.again.push(await measure(empty));
    results.full.push(await measure(full));
  }
  console.log(
    `start of \`lares server\` to /readyz; ${rounds} rounds; median (least-most)\n${machineLine()}\n`,
  );
  const row = (name: string, all: readonly Figures[]): string[] => [
    name,
    spread(
      all.map((one) => one.seconds),
      2,
    ),
    spread(
      all.map((one) => one.rssMb),
      0,
    ),
  ];
  printTable(
    ["data directory", "seconds", "memory MB"],
    [row("none yet", results.first), row("empty", results.again), row(`${objects} objects`, results.full)],
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
