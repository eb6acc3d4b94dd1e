/**
 * The `Store` seam: keys, bytes and revisions. It has never heard of a Pod.
 * Implementations: memory (memory-store.ts), SQLite (sqlite-store.ts), later etcd. One contract suite for all (test/contract).
 *
 *   one counter over all keys:  r1 r2 r3 r4 ...   each write takes the next number
 *   history:                    [oldest ......... current]   older ones are compacted away
 */

export interface KeyValue {
  readonly key: string;
  /** Never changed once it was passed on. Stores in this process give the very same buffer to every reader. */
  readonly value: Uint8Array;
  /** Revision of the write that created this key (its present life). */
  readonly createRevision: number;
  /** Revision of the last write to this key. */
  readonly modRevision: number;
  /** Where a store in this process keeps the value, for who keeps it as well and would otherwise hold the same bytes twice. */
  readonly kept?: KeptValue;
}

/** A value in the memory of a store. Always the same one, whatever becomes of its key. */
export interface KeptValue {
  readonly byteLength: number;
  /** The value. It may have to be put together: O(bytes), and new memory at each call. */
  bytes(): Uint8Array;
  /** Whether this is the value. */
  holds(value: Uint8Array): boolean;
}

export interface StoreEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  /** Revision of this change; never less than that of the event before. */
  readonly revision: number;
  /** The new state; for a delete the last state before it. */
  readonly current: KeyValue;
  /** The state before; absent when the key was created by this event. */
  readonly previous?: KeyValue;
}

export interface ListRequest {
  /** Only keys that begin with this. */
  readonly prefix: string;
  /** First key wanted (inclusive); default is the prefix itself. */
  readonly start?: string;
  /** At most this many; absent means all. */
  readonly limit?: number;
  /** State at exactly this revision; absent means the current one. */
  readonly revision?: number;
}

export interface ListResult {
  /** Sorted by key, bytewise (UTF-8). All from `revision`. */
  readonly items: readonly KeyValue[];
  /** The revision that the items are the state of. */
  readonly revision: number;
  /** Keys that match but were left out because of the limit. */
  readonly remaining: number;
}

export interface WatchRequest {
  readonly prefix: string;
  /** Events with revision greater than this. */
  readonly after: number;
}

export interface UpdateOptions {
  /** The caller is in no hurry. */
  readonly mayWait?: boolean;
}

/** Receives what a watch sees. None of these is called within `watch` or `requestProgress`. */
export interface StoreWatcher {
  /** Changes in order, all those of a revision in one batch. Must not throw and must not wait. */
  events(batch: readonly StoreEvent[]): void;
  /**
   * All events up to `revision` have been delivered. The revision never falls. Called once when the watch has delivered what
   * had happened before it began, and after each `requestProgress`. Where revisions can pass without an event for this watch and
   * others write to the store, it is called by itself at least once a minute.
   */
  progress?(revision: number): void;
  /**
   * Called once, last, when the watch ends for another reason than `cancel`: `compacted` (events that it had still to deliver are
   * forgotten), `future` (`after` is greater than the current revision), `unavailable` (it broke: another watch may go on after
   * the last revision delivered), or what the watcher itself threw.
   */
  failed(error: unknown): void;
}

export interface StoreWatch {
  /**
   * Asks for `progress` with at least the revision that is current at this call; `failed` may come instead.
   * Several requests may have one answer.
   */
  requestProgress(): void;
  /** After this call the watcher is not called any more. Idempotent. */
  cancel(): void;
}

/**
 * A durable map with history.
 * Order: a write that begins after another was acknowledged gets a greater revision; watchers see revisions in order without
 * gaps. Several changes may share a revision: readers and watchers see all of them or none.
 * Linearizable: a read that starts after a write was acknowledged sees it.
 * Visibility: neither readers nor watchers see a write before it is durable; a write is checked against the newest
 * one all the same. A refusal because of a write that is not durable yet is answered when that one is, so that a retry can read it.
 * Errors are `StorageError` (storage-error.ts). `unavailable` says whether a write may have been carried out; no store
 * repeats a write by itself. After `unavailable` by a failed commit of a store in this process every later write fails too.
 * Every call is answered in bounded time.
 */
export interface Store {
  /** Others may write to the same data, too: what comes back may be anything. */
  readonly hasOtherWriters: boolean;

  /**
   * Revision of the last visible write, whoever made it: at least that of every write that was acknowledged before the call.
   * A number when this process knows it without asking anybody, so that readers who need not wait do not.
   */
  currentRevision(): number | Promise<number>;

  /** @throws `exists` when the key is there. @returns its revision. */
  create(key: string, value: Uint8Array): Promise<number>;

  /**
   * Replaces the value at `key` if its modRevision is still `expected`. With `mayWait` a store may answer a tenth of a second
   * later, to carry out several such writes at once.
   * Atomic; durable when it resolves. Not promised: that watchers have seen it yet.
   * @returns the new revision, greater than all before.
   * @throws `conflict` (carries both revisions), `not-found`, `too-large`.
   */
  update(key: string, value: Uint8Array, expected: number, options?: UpdateOptions): Promise<number>;

  /** Removes the key if its modRevision is `expected`. @returns the revision of the removal. @throws `conflict`, `not-found`. */
  delete(key: string, expected: number): Promise<number>;

  /** The current state of one key. */
  get(key: string): Promise<KeyValue | undefined>;

  /** @throws `compacted` (older than the history that is kept), `future` (greater than the current revision). */
  list(request: ListRequest): Promise<ListResult>;

  /** Every matching change after `request.after`, exactly once, in order, beginning at once with those that happened already. */
  watch(request: WatchRequest, watcher: StoreWatcher): StoreWatch;

  /**
   * Forgets history up to and including `revision`; current values stay. Running watches go on. Those that have still to
   * deliver some of what is forgotten may fail with `compacted`.
   */
  compact(revision: number): Promise<void>;

  /** Waits for writes under way, then releases everything, the lock on the data directory last. Idempotent. */
  close(): Promise<void>;
}

/**
 * A store whose data this process alone holds: it knows its revisions without asking anybody. Each write is a revision of
 * its own, numbered in the order of calls. Live watches get the event of a write before the write is acknowledged.
 */
export interface EmbeddedStore extends Store {
  readonly hasOtherWriters: false;
  /** 0 for a store that was never written to. */
  currentRevision(): number;
  /** Oldest revision from which a watch or an exact read can still start. */
  readonly compactedRevision: number;
  /** Where indexes and counts are not what a full recount says; empty when all is well. O(everything): for tests. */
  recount(): readonly string[];
}
