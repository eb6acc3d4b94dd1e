/**
 * The seam between the store in memory (journaled-store.ts) and what makes writes last.
 * Implementations: memory-store.ts (nothing to do), sqlite-journal.ts (a worker thread with a database).
 */
import type { StorageError } from "./storage-error.ts";
import type { Version } from "./mvcc.ts";

/** So long, in ms, a version that may wait does so. */
export const patienceMs = 100;

export interface JournalListener {
  /** Every version up to this revision is as durable as it gets. Ascending. */
  committed(upTo: number): void;
  /** Once, last: nothing after the last `committed` may be relied on, and nothing more will be. */
  failed(error: StorageError): void;
}

export interface Journal {
  /** Before the first `append`. */
  listen(listener: JournalListener): void;
  /**
   * Takes the next version; calls come in revision order. Never answers inside this call.
   * A version that may wait is kept for up to `patienceMs`, or until one comes that may not, so that they share a commit.
   */
  append(version: Version, mayWait: boolean): void;
  /** What waits for others waits no longer. */
  hurry(): void;
  /**
   * Removes rows and notes that history up to `to` is forgotten, in one step with respect to crashes.
   * `superseded` holds every revision at or below `to` that is no longer needed. Rejects after a failure.
   */
  compact(to: number, superseded: readonly number[]): Promise<void>;
  /** Finishes what was appended, then releases everything. */
  close(): Promise<void>;
}
