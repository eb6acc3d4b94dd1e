/**
 * What the SQLite journal and its worker thread say to each other. Types only: the worker is plain JavaScript,
 * so that every supported Node starts it as it is, from sources, from the build and beside the bundle.
 */
import type { StorageFailure } from "./storage-error.ts";

export interface WorkerData {
  readonly directory: string;
  /** The database refuses to grow beyond this, like a full disk. */
  readonly fileBytesMax: number;
}

/** Rows side by side: numbers in typed arrays, values one after the other in one buffer, which is moved, not copied. */
export interface Rows {
  readonly revisions: Float64Array;
  readonly keys: readonly string[];
  /** createRevision; 0 for a deletion. */
  readonly created: Float64Array;
  /** Bytes of the value; -1 for a deletion. */
  readonly sizes: Int32Array;
  readonly bytes: ArrayBuffer;
}

export type ToWorker =
  | { readonly do: "commit"; readonly rows: Rows }
  | { readonly do: "compact"; readonly to: number; readonly superseded: Float64Array }
  | { readonly do: "close" };

export type FromWorker =
  /** First of all when the lock is ours and the file is sound so far. */
  | { readonly is: "opening"; readonly compacted: number; readonly runtime: string }
  | { readonly is: "rows"; readonly rows: Rows }
  /** All rows have been sent. */
  | { readonly is: "opened" }
  /** The store cannot be opened; everything is released. */
  | { readonly is: "refused"; readonly failure: StorageFailure }
  /** Durable up to here. */
  | { readonly is: "committed"; readonly upTo: number }
  | { readonly is: "compacted" }
  /** A commit, compaction or checkpoint failed; nothing will be written any more. */
  | { readonly is: "failed"; readonly why: string }
  | { readonly is: "closed" };
