/**
 * Durable creates per second, SQLite against memory, with 1, 64 and 256 in flight; and time to open a store again.
 * Run: node bench/run.mjs store [rounds]; LARES_BENCH_DIR chooses the disk.
 * Prints ratios with their spread; rounds alternate, so that noise of the machine hits both alike.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, silentLog } from "../src/base/index.ts";
import { createMemoryStore, openSqliteStore, type Store } from "../src/storage/index.ts";

/** A pod is about this large. */
const valueBytes = 3_600;
const inFlights = [1, 64, 256];
const roundsDefault = 5;
/** Time of one measurement, in ms: long enough for several checkpoints. */
const roundMs = 1_000;
const reopenedObjects = 30_000;

/** The real clock; benchmarks measure it. */
const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (callback) => void setImmediate(callback),
};

const root = mkdtempSync(join(process.env["LARES_BENCH_DIR"] ?? tmpdir(), "lares-bench-"));
let stores = 0;

const makers: Readonly<Record<string, () => Promise<Store>>> = {
  memory: async () => createMemoryStore({ clock }),
  sqlite: () => openSqliteStore({ directory: join(root, String(stores++)), clock, log: silentLog }),
};

interface Round {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** Creates keys with `inFlight` callers, each of which waits for its answer before the next create. */
async function creates(store: Store, inFlight: number): Promise<Round> {
  const latencies: number[] = [];
  const startedMs = clock.monotonicMs();
  const untilMs = startedMs + roundMs;
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let nowMs = clock.monotonicMs(); nowMs < untilMs;) {
      const value = new Uint8Array(valueBytes).fill(next & 0xff);
      await store.create(`/core/pods/default/pod-${next++}`, value);
      const doneMs = clock.monotonicMs();
      latencies.push(doneMs - nowMs);
      nowMs = doneMs;
    }
  };
  // The memory store answers in microtasks; a turn of the event loop now and then lets timers run.
  await Promise.all(Array.from({ length: inFlight }, caller));
  latencies.sort((a, b) => a - b);
  const p99Ms = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
  return { perSecond: (latencies.length * 1000) / (clock.monotonicMs() - startedMs), p99Ms };
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1]!;
  return `${middle.toFixed(digits)} (${sorted[0]!.toFixed(digits)} to ${sorted.at(-1)!.toFixed(digits)})`;
}

async function compareCreates(rounds: number): Promise<void> {
  for (const inFlight of inFlights) {
    const results: Record<string, Round[]> = { memory: [], sqlite: [] };
    for (let round = 0; round < rounds * 2; round++) {
      const name = round % 2 === 0 ? "memory" : "sqlite";
      const store = await makers[name]!();
      results[name]!.push(await creates(store, inFlight));
      await store.close();
    }
    const of = (name: string, field: keyof Round): number[] => results[name]!.map((result) => result[field]);
    const ratios = of("memory", "perSecond").map((memory, at) => memory / of("sqlite", "perSecond")[at]!);
    console.log(`creates, ${inFlight} in flight:`);
    console.log(`  memory/sqlite ratio  ${spread(ratios, 2)}`);
    for (const name of ["memory", "sqlite"]) {
      console.log(
        `  ${name}: per second ${spread(of(name, "perSecond"), 0)}, p99 ms ${spread(of(name, "p99Ms"), 2)}`,
      );
    }
  }
}

async function measureReopening(rounds: number): Promise<void> {
  const directory = join(root, "reopened");
  const open = (): Promise<Store> => openSqliteStore({ directory, clock, log: silentLog });
  const first = await open();
  const value = new Uint8Array(valueBytes).fill(7);
  const all = Array.from({ length: reopenedObjects }, (_, at) =>
    first.create(`/core/pods/default/pod-${at}`, value),
  );
  await Promise.all(all);
  await first.close();
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = clock.monotonicMs();
    const store = await open();
    await store.list({ prefix: "/core/pods/", limit: 500 });
    tookMs.push(clock.monotonicMs() - startedMs);
    await store.close();
  }
  console.log(`open ${reopenedObjects} objects and list a page: ms ${spread(tookMs, 0)}`);
}

const rounds = Number(process.argv[2] ?? roundsDefault);
try {
  await compareCreates(rounds);
  await measureReopening(rounds);
} finally {
  rmSync(root, { recursive: true, force: true });
}
