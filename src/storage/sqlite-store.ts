/**
 * The `Store` on one machine's disk: SQLite behind a worker thread, everything current and recent also in memory.
 * A write is answered after its transaction is synced. Opening brings back values, history and the revision counter,
 * so watches resume across restarts and crashes.
 * Not here: group commit and files (sqlite-worker.mjs), order and visibility (journaled-store.ts, mvcc.ts).
 */
import { resolve } from "node:path";
import { type Clock, type Log, type Metrics, silentMetrics } from "../base/index.ts";
import { JournaledStore } from "./journaled-store.ts";
import { Mvcc } from "./mvcc.ts";
import type { Retention } from "./retention.ts";
import { type Loader, SqliteJournal } from "./sqlite-journal.ts";
import type { Rows } from "./sqlite-protocol.ts";
import type { StorageError } from "./storage-error.ts";
import type { EmbeddedStore } from "./store.ts";

/** Largest database file: 8 GiB, etcd's recommended maximum; objects of 15,000 nodes need a fiftieth. */
const fileBytesMaxDefault = 8 * 1024 * 1024 * 1024;

export interface SqliteStoreOptions {
  /** Made with mode 0700 when missing. One process at a time: it is locked until `close` or the end of the process. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly retention?: Partial<Retention>;
  /** The database grows no further; writes then fail as on a full disk. */
  readonly fileBytesMax?: number;
  /**
   * Called once when a commit failed. The store then refuses writes and has ended its watches; reads still answer what was
   * committed. The process should stop: only a restart finds out what the disk holds.
   */
  readonly onFailure?: (error: StorageError) => void;
}

/**
 * @throws StorageError `unavailable` (in use by another process, newer format, not writable, no space) and
 * `corrupt` (foreign or damaged file); the message names the path and the way out, and nothing stays locked.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<EmbeddedStore> {
  const { clock, log, metrics = silentMetrics, fileBytesMax = fileBytesMaxDefault } = options;
  const directory = resolve(options.directory);
  const core = new Mvcc();
  const journal = new SqliteJournal({ directory, fileBytesMax }, { clock, metrics });
  const startedMs = clock.monotonicMs();
  const sqlite = await journal.open(loaderInto(core));
  log.info("store opened", {
    directory,
    sqlite,
    revision: core.currentRevision,
    compactedRevision: core.compactedRevision,
    tookMs: clock.monotonicMs() - startedMs,
  });
  const onFailure = (error: StorageError): void => {
    log.error("store failed: no more writes until a restart", { directory, failure: error.failure });
    options.onFailure?.(error);
  };
  return new JournaledStore({ core, journal, clock, onFailure, retention: options.retention ?? {} });
}

function loaderInto(core: Mvcc): Loader {
  return {
    begin: (compacted) => core.beginLoad(compacted),
    rows: (rows: Rows) => {
      let offset = 0;
      for (let at = 0; at < rows.keys.length; at++) {
        const size = rows.sizes[at]!;
        // A copy of its own, lest one living object keep a whole block of the file in memory.
        const value = size < 0 ? undefined : new Uint8Array(rows.bytes.slice(offset, offset + size));
        if (size > 0) offset += size;
        const wrong = core.load({
          revision: rows.revisions[at]!,
          key: rows.keys[at]!,
          createRevision: rows.created[at]!,
          value,
        });
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    },
  };
}
