/**
 * The journal that a worker thread with an SQLite database makes durable. This end collects the writes of one turn of
 * the event loop into one message; the worker commits all messages that wait in one transaction.
 * Not here: SQL and files (sqlite-worker.mjs).
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Clock, Counter, Histogram, Metrics, Timer } from "../base/index.ts";
import { type Journal, type JournalListener, patienceMs } from "./journal.ts";
import type { Version } from "./mvcc.ts";
import type { FromWorker, Rows, ToWorker, WorkerData } from "./sqlite-protocol.ts";
import { StorageError } from "./storage-error.ts";

/** Rows per message; the worker joins messages, so this only bounds the size of one buffer. */
const messageRowsMax = 1_024;
/** The same in bytes: 4 MiB. */
const messageBytesMax = 4 * 1024 * 1024;
/**
 * So many versions that may wait are company enough. Each of them has a place among the writes that a server carries out at
 * once, and thousands of nodes must not take them all.
 */
const patientMax = 32;
/** Young objects of the database thread, in MB. It keeps none, and without a bound it takes as much as the main thread may. */
const workerYoungMb = 12;

export interface SqliteJournalDependencies {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Receives what is in the file, in revision order, before the journal is used. @returns why it cannot be right, if so. */
export interface Loader {
  begin(compacted: number): void;
  rows(rows: Rows): string | undefined;
}

interface Opening {
  readonly loader: Loader;
  readonly resolve: (runtime: string) => void;
  readonly reject: (error: unknown) => void;
  runtime: string;
}

export class SqliteJournal implements Journal {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #commitSeconds: Histogram;
  readonly #writes: Counter;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #opening: Opening | undefined;
  #listener: JournalListener | undefined;
  /** Versions of this turn, and those before them that waited. */
  #collected: Version[] = [];
  /** Whether they go at the end of this turn. */
  #isDue = false;
  /** Until those go that may wait. */
  #patience: Timer | undefined;
  /** Last revision and time of each message that was not answered yet. */
  #posted: { readonly upTo: number; readonly rows: number; readonly atMs: number }[] = [];
  #compaction: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #failure: StorageError | undefined;
  #isClosing = false;

  constructor(data: WorkerData, dependencies: SqliteJournalDependencies) {
    const { clock, metrics } = dependencies;
    this.#directory = data.directory;
    this.#clock = clock;
    this.#commitSeconds = metrics.histogram(
      "lares_store_commit_seconds",
      "Time from handing writes to the database thread until they are on disk.",
      [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
    );
    this.#writes = metrics.counter("lares_store_writes_total", "Writes that were made durable.");
    // The same name beside this file in src/storage and dist/storage, and beside the bundle.
    const entry = new URL("./sqlite-worker.mjs", import.meta.url);
    const resourceLimits = { maxYoungGenerationSizeMb: workerYoungMb };
    this.#worker = new Worker(entry, { workerData: data, execArgv: [], name: "lares-store", resourceLimits });
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(`the database thread broke (${error.message})`, error));
    this.#worker.once("exit", () => {
      if (!this.#isClosing) this.#fail("the database thread ended");
    });
  }

  /** Loads everything into `loader`; @returns which SQLite it is. @throws StorageError; then all is released. */
  async open(loader: Loader): Promise<string> {
    try {
      return await new Promise((resolve, reject) => {
        this.#opening = { loader, resolve, reject, runtime: "" };
      });
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }

  listen(listener: JournalListener): void {
    this.#listener = listener;
  }

  append(version: Version, mayWait: boolean): void {
    this.#collected.push(version);
    if (!mayWait || this.#collected.length >= patientMax) this.hurry();
    else if (!this.#isDue) this.#patience ??= this.#clock.after(patienceMs, () => this.#flush());
  }

  /** A whole turn at once: everything that the last answers have set off goes into the same transaction. */
  hurry(): void {
    if (this.#isDue || this.#collected.length === 0) return;
    this.#isDue = true;
    this.#clock.soon(() => this.#flush());
  }

  compact(to: number, superseded: readonly number[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      this.#compaction = { resolve, reject };
      this.#post({ do: "compact", to, superseded: Float64Array.from(superseded) });
    });
  }

  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#post({ do: "close" });
    }
    await this.#exited;
  }

  #flush(): void {
    const versions = this.#collected;
    this.#collected = [];
    this.#isDue = false;
    this.#patience?.cancel();
    this.#patience = undefined;
    if (this.#failure) return;
    let from = 0;
    for (let bytes = 0, at = 0; at < versions.length; at++) {
      bytes += versions[at]!.byteLength;
      const isFull = at - from + 1 >= messageRowsMax || bytes >= messageBytesMax;
      if (!isFull && at + 1 < versions.length) continue;
      this.#postRows(rowsOf(versions.slice(from, at + 1), bytes));
      bytes = 0;
      from = at + 1;
    }
  }

  #postRows(rows: Rows): void {
    const { revisions } = rows;
    const upTo = revisions[revisions.length - 1]!;
    this.#posted.push({ upTo, rows: revisions.length, atMs: this.#clock.monotonicMs() });
    this.#worker.postMessage({ do: "commit", rows } satisfies ToWorker, [rows.bytes]);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const opening = this.#opening;
    switch (message.is) {
      case "opening":
        if (opening) opening.runtime = message.runtime;
        opening?.loader.begin(message.compacted);
        return;
      case "rows":
        this.#load(message.rows);
        return;
      case "opened":
        opening?.resolve(opening.runtime);
        return;
      case "refused":
        this.#isClosing = true;
        opening?.reject(new StorageError(message.failure));
        return;
      case "committed":
        this.#committed(message.upTo);
        return;
      case "compacted":
        this.#compaction?.resolve();
        return;
      case "failed":
        this.#fail(message.why);
        return;
      case "closed":
        return;
    }
  }

  #load(rows: Rows): void {
    const wrong = this.#opening?.loader.rows(rows);
    if (wrong === undefined) return;
    const path = join(this.#directory, "store.db");
    const why = `${wrong}. Restore ${path} from a backup, or choose another data directory to start afresh`;
    this.#opening?.reject(new StorageError({ code: "corrupt", path, why }));
    this.#opening = undefined;
  }

  #committed(upTo: number): void {
    const nowMs = this.#clock.monotonicMs();
    let answered = 0;
    for (; answered < this.#posted.length && this.#posted[answered]!.upTo <= upTo; answered++) {
      const { rows, atMs } = this.#posted[answered]!;
      this.#commitSeconds.observe((nowMs - atMs) / 1000);
      this.#writes.add(rows);
    }
    this.#posted.splice(0, answered);
    this.#listener?.committed(upTo);
  }

  #fail(why: string, cause?: unknown): void {
    if (this.#failure) return;
    this.#failure = new StorageError({ code: "unavailable", why }, { cause });
    this.#opening?.reject(this.#failure);
    this.#compaction?.reject(this.#failure);
    this.#listener?.failed(this.#failure);
  }
}

function rowsOf(versions: readonly Version[], bytes: number): Rows {
  const buffer = new Uint8Array(bytes);
  const rows = {
    revisions: new Float64Array(versions.length),
    keys: versions.map((version) => version.key),
    created: new Float64Array(versions.length),
    sizes: new Int32Array(versions.length),
    bytes: buffer.buffer,
  };
  let offset = 0;
  versions.forEach((version, at) => {
    rows.revisions[at] = version.revision;
    rows.created[at] = version.createRevision;
    rows.sizes[at] = version.isDeletion ? -1 : version.byteLength;
    if (version.isDeletion) return;
    buffer.set(version.bytes(), offset);
    offset += version.byteLength;
  });
  return rows;
}
