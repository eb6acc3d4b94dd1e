/**
 * A process that writes to the SQLite store dies by SIGKILL at a random moment, again and again, on the same directory.
 * After each kill every acknowledged write is there (I14), no write is there in part, the recovered writes are a prefix of
 * the calls (I15), and revisions never repeat (I16). A torn write-ahead log gives a prefix or an error, never wrong data.
 * LARES_CRASH_SEED and LARES_CRASH_LOOPS replay or prolong a run.
 * Invariants by number: docs/spec/invariants.md.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Random, seededRandom, silentLog, SimulatedClock } from "../../src/base/index.ts";
import {
  openSqliteStore,
  type EmbeddedStore,
  storageFailureOf,
  type StoreEvent,
} from "../../src/storage/index.ts";
import { valueOf } from "./store-script.ts";

const loops = Number(process.env["LARES_CRASH_LOOPS"] ?? 30);
const seed = Number(process.env["LARES_CRASH_SEED"] ?? Date.now() & 0xffff);
/** Lines after which the process is killed, at most; some hundred milliseconds of work. */
const linesMax = 6_000;

interface Issued {
  readonly revision: number;
  readonly isDelete: boolean;
  readonly key: string;
}

/** The writes of all processes so far: index r - 1 holds the write of revision r. */
interface Record {
  readonly issued: Issued[];
  acked: number;
  /** The largest revision of a compaction. */
  compacted: number;
}

const root = mkdtempSync(join(tmpdir(), "lares-crash-"));
const writer = join(process.cwd(), "node_modules", ".cache", "lares", "crash", "store-writer.js");

beforeAll(async () => {
  mkdirSync(join(writer, ".."), { recursive: true });
  await build({
    entryPoints: ["test/crash/store-writer.ts"],
    outfile: writer,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  copyFileSync("src/storage/sqlite-worker.mjs", join(writer, "..", "sqlite-worker.mjs"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test(`${loops} kills by SIGKILL lose no acknowledged write (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const directory = join(root, "store");
  const record: Record = { issued: [], acked: 0, compacted: 0 };
  const reached: string[] = [];
  try {
    for (let loop = 0; loop < loops; loop++) {
      await writeUntilKilled(directory, random, record);
      await checkTornCopy(directory, random, record);
      const { recovered, unacknowledged } = await checkRecovery(directory, record);
      reached.push(
        unacknowledged === 0 ? `${recovered}` : `${recovered} (${unacknowledged} not acknowledged)`,
      );
    }
  } finally {
    console.log(`LARES_CRASH_SEED=${seed} LARES_CRASH_LOOPS=${loops}: recovered to ${reached.join(", ")}`);
  }
  expect(record.acked).toBeGreaterThan(loops * 10);
});

test("a killed process leaves the directory free; while it lives, others get an error that names it", async () => {
  const directory = join(root, "locked");
  const child = spawnWriter(directory, 1);
  await lineOf(child, "open");
  const refused = await open(directory).catch(storageFailureOf);
  expect(refused).toMatchObject({
    code: "unavailable",
    why: expect.stringContaining(`process ${child.pid}`),
  });
  await kill(child);
  await (await open(directory)).close();
});

function spawnWriter(directory: string, withSeed: number): ChildProcess {
  return spawn(process.execPath, [writer, directory, String(withSeed), "6"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function open(directory: string): Promise<EmbeddedStore> {
  return openSqliteStore({ directory, clock: new SimulatedClock(), log: silentLog });
}

function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.kill("SIGKILL");
  });
}

function lineOf(child: ChildProcess, wanted: string): Promise<void> {
  const lines = createInterface({ input: child.stdout! });
  return new Promise((resolve) => lines.on("line", (line) => line === wanted && resolve()));
}

/** Kills the writer after a random number of lines; notes every line that it wrote. */
async function writeUntilKilled(directory: string, random: Random, record: Record): Promise<void> {
  const child = spawnWriter(directory, Math.floor(random.next() * 1e9));
  // Some kills come while the store opens and at the first writes, most in full work.
  const killAfter =
    random.next() < 0.15 ? Math.floor(random.next() * 4) : Math.floor(random.next() * linesMax);
  let count = 0;
  let exit: { readonly code: number | null } | undefined;
  child.once("exit", (code) => (exit = { code }));
  const closed = new Promise((resolve) => child.once("close", resolve));
  const lines = createInterface({ input: child.stdout! });
  const linesDone = new Promise((resolve) => lines.once("close", resolve));
  lines.on("line", (line) => {
    note(line, record);
    if (++count > killAfter) child.kill("SIGKILL");
  });
  await Promise.all([closed, linesDone]);
  expect(exit, "the writer must die by the signal, not by itself").toEqual({ code: null });
}

function note(line: string, record: Record): void {
  const [word, revision, what, key] = line.split(" ");
  const number = Number(revision);
  if (word === "issue") {
    expect(number, "revisions go on where the recovered ones ended").toBe(record.issued.length + 1);
    record.issued.push({ revision: number, isDelete: what === "delete", key: key! });
  }
  if (word === "ack") record.acked = Math.max(record.acked, number);
  if (word === "compact") record.compacted = Math.max(record.compacted, number);
}

interface Recovery {
  readonly recovered: number;
  readonly unacknowledged: number;
}

/** Opens the store of the killed process and compares it with the printed calls; then drops the calls that were rightly lost. */
async function checkRecovery(directory: string, record: Record): Promise<Recovery> {
  const store = await open(directory);
  const recovered = store.currentRevision();
  expect(recovered).toBeGreaterThanOrEqual(record.acked);
  await checkState(store, record);
  await store.close();
  record.issued.length = recovered;
  const unacknowledged = recovered - record.acked;
  record.acked = recovered;
  return { recovered, unacknowledged };
}

/** The store and its history must equal the result of a prefix of the issued writes. */
async function checkState(store: EmbeddedStore, record: Record): Promise<void> {
  const current = store.currentRevision();
  expect(current).toBeLessThanOrEqual(record.issued.length);
  expect(store.compactedRevision).toBeLessThanOrEqual(record.compacted);
  const last = new Map<string, Issued>();
  for (const issued of record.issued.slice(0, current)) last.set(issued.key, issued);
  const live = [...last.values()].filter((issued) => !issued.isDelete);
  const { items } = await store.list({ prefix: "" });
  expect(items.map((item) => `${item.key}@${item.modRevision}`)).toEqual(
    live.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ key, revision }) => `${key}@${revision}`),
  );
  for (const item of items) expectBytes(item.value, valueOf(item.modRevision, item.key));
  const events: StoreEvent[] = [];
  store.watch(
    { prefix: "", after: store.compactedRevision },
    { events: (batch) => events.push(...batch), failed: () => undefined },
  );
  await new Promise(setImmediate);
  const seen = events.map((event) => `${event.type} ${event.key}@${event.revision}`);
  const due = record.issued.slice(store.compactedRevision, current);
  expect(seen).toEqual(
    due.map(({ isDelete, key, revision }) => `${isDelete ? "delete" : "put"} ${key}@${revision}`),
  );
  for (const event of events) {
    expectBytes(event.current.value, valueOf(event.current.modRevision, event.key));
  }
}

function expectBytes(got: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(got, wanted) !== 0)
    expect(Buffer.from(got).toString()).toBe(Buffer.from(wanted).toString());
}

/** Truncates the write-ahead log anywhere: the copy opens with a correct state or not at all. */
async function checkTornCopy(directory: string, random: Random, record: Record): Promise<void> {
  const copy = join(root, "torn");
  rmSync(copy, { recursive: true, force: true });
  if (!existsSync(directory)) return;
  cpSync(directory, copy, { recursive: true });
  const wal = join(copy, "store.db-wal");
  if (!existsSync(wal)) return;
  rmSync(`${copy}/store.db-shm`, { force: true });
  truncateSync(wal, Math.floor(random.next() * statSync(wal).size));
  let store: EmbeddedStore;
  try {
    store = await open(copy);
  } catch (error) {
    expect(storageFailureOf(error)?.code).toBe("corrupt");
    return;
  }
  await checkState(store, record);
  await store.close();
}
