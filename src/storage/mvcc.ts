/**
 * Keys, values and their history in memory, for every implementation in this process. No I/O, no clock.
 * Writes are prepared (checked against the newest state, numbered) and become visible by `commit`, in the same order.
 *
 *   revisions:   1 … compacted │ compacted+1 … committed │ committed+1 … prepared
 *                forgotten     │ the log: watch and list  │ nobody sees these yet, but writes are checked against them
 *
 *   one key:     head ─▶ version ─older─▶ version ─older─▶ version     (newest first; cut at compaction)
 *                committed ──────┘        superseded values are kept as differences, every 16th whole
 */
import { assert } from "../base/index.ts";
import { type Difference, Differences, restored } from "./difference.ts";
import { StorageError } from "./storage-error.ts";
import type {
  KeyValue,
  ListRequest,
  ListResult,
  StoreEvent,
  StoreWatch,
  StoreWatcher,
  WatchRequest,
} from "./store.ts";
import { SortedIndex } from "./sorted-index.ts";
import { refusedWatch, WatchHub } from "./watch-hub.ts";

/** Largest stored object. 1.5 MiB as etcd's default request limit, so that every implementation takes the same objects. */
export const valueBytesMax: number = 1.5 * 1024 * 1024;

/** What one log entry costs besides its value; for the bound on history only, so a rough figure will do. */
const logEntryBytes = 200;
/** Differences in a row until a superseded value is kept whole: as many steps lead back to any old value. */
const differencesMax = 15;

/** A lone surrogate has no UTF-8 form, so two keys could fall together. */
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
/** Most keys have no surrogates and are asked no further. */
const anySurrogate = /[\ud800-\udfff]/;

class Entry {
  readonly key: string;
  head: Version | undefined;
  committed: Version | undefined;
  isIndexed = false;
  /** Differences kept since the last superseded value that is whole. */
  differences = 0;

  constructor(key: string) {
    this.key = key;
  }

  get isLive(): boolean {
    return this.committed !== undefined && !this.committed.isDeletion;
  }

  /** What is wrong with the chain of versions, up to the last committed revision of the store. */
  recount(committedUpTo: number): readonly string[] {
    const wrong: string[] = [];
    let newest: Version | undefined;
    let newer = Infinity;
    for (let version = this.head; version !== undefined; version = version.older) {
      if (version.revision >= newer) wrong.push(`${this.key} has ${version.revision} after ${newer}`);
      newer = version.revision;
      if (version.revision <= committedUpTo) newest ??= version;
    }
    if (newest !== this.committed)
      wrong.push(`${this.key} shows ${this.committed?.revision}, not ${newest?.revision}`);
    return wrong;
  }
}

/** A superseded state, by what its value has in place of its successor's. One flat object: there are very many. */
interface Superseded extends Difference {
  readonly createRevision: number;
  readonly successor: Version;
}

/** One write: what a key became at a revision. */
export class Version {
  readonly revision: number;
  readonly entry: Entry;
  readonly isDeletion: boolean;
  /** The version before; cut off once this one is compacted. */
  older: Version | undefined;
  #kept: KeyValue | Superseded | undefined;

  constructor(revision: number, entry: Entry, state: KeyValue | undefined) {
    this.revision = revision;
    this.entry = entry;
    this.isDeletion = state === undefined;
    this.#kept = state;
    this.older = entry.head;
  }

  get key(): string {
    return this.entry.key;
  }

  /** Absent for a deletion. For the newest version at once; others may have to be put together. */
  get state(): KeyValue | undefined {
    const kept = this.#kept;
    if (kept === undefined || "value" in kept) return kept;
    const value = restored(kept, kept.successor.state!.value);
    return { key: this.key, value, createRevision: kept.createRevision, modRevision: this.revision };
  }

  /** What the value takes, as it is kept. */
  get valueBytes(): number {
    const kept = this.#kept;
    if (kept === undefined) return 0;
    return "value" in kept ? kept.value.byteLength : kept.end - kept.start;
  }

  /** Keeps the value as a difference from now on. Whatever was read before stays as it is. */
  becomeHistory(successor: Version, differences: Differences): void {
    const kept = this.#kept;
    const { entry } = this;
    if (kept === undefined || !("value" in kept) || successor.isDeletion) return;
    if (entry.differences === differencesMax) {
      entry.differences = 0;
      return;
    }
    const { head, tail, slab, start, end } = differences.take(kept.value, successor.state!.value);
    entry.differences++;
    this.#kept = { createRevision: kept.createRevision, successor, head, tail, slab, start, end };
  }

  /** Only while the revision is in the log. */
  toEvent(): StoreEvent {
    const { key, revision, state } = this;
    const previous = this.older?.state;
    if (state === undefined) {
      assert(previous !== undefined, "a deletion without a state before it", { key, revision });
      return { type: "delete", key, revision, current: previous, previous };
    }
    return previous === undefined
      ? { type: "put", key, revision, current: state }
      : { type: "put", key, revision, current: state, previous };
  }
}

/** One row of a log that is being loaded. */
export interface LoadedRow {
  readonly revision: number;
  readonly key: string;
  readonly createRevision: number;
  /** Absent for a deletion. */
  readonly value: Uint8Array | undefined;
}

export class Mvcc {
  readonly #entries = new Map<string, Entry>();
  readonly #index = new SortedIndex<Entry>();
  readonly #hub = new WatchHub();
  readonly #differences = new Differences();
  /** Version of revision r at r - compacted - 1; ends with those prepared but not committed. */
  #log: Version[] = [];
  #compacted = 0;
  #committed = 0;
  #historyBytes = 0;

  get currentRevision(): number {
    return this.#committed;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  /** The last revision given out. */
  get preparedRevision(): number {
    return this.#compacted + this.#log.length;
  }

  /** True while the newest write of `key` is prepared but not committed. */
  isPending(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.head !== entry.committed;
  }

  /** Memory held for history alone: superseded values and the log. */
  get historyBytes(): number {
    return this.#historyBytes;
  }

  prepareCreate(key: string, value: Uint8Array): Version {
    checkKey(key);
    checkValue(key, value);
    let entry = this.#entries.get(key);
    if (entry?.head?.state !== undefined) throw new StorageError({ code: "exists", key });
    if (entry === undefined) {
      entry = new Entry(key);
      this.#entries.set(key, entry);
    }
    const revision = this.preparedRevision + 1;
    return this.#prepare(entry, { key, value, createRevision: revision, modRevision: revision });
  }

  prepareUpdate(key: string, value: Uint8Array, expected: number): Version {
    checkValue(key, value);
    const { entry, state } = this.#expect(key, expected);
    const { createRevision } = state;
    return this.#prepare(entry, { key, value, createRevision, modRevision: this.preparedRevision + 1 });
  }

  prepareDelete(key: string, expected: number): Version {
    return this.#prepare(this.#expect(key, expected).entry, undefined);
  }

  /** Makes every prepared write up to `upTo` visible, then hands it to the watches. */
  commit(upTo: number): void {
    assert(upTo >= this.#committed && upTo <= this.preparedRevision, "commit out of order", { upTo });
    const from = this.#committed;
    for (const version of this.#between(from, upTo)) this.#show(version.entry, version);
    this.#committed = upTo;
    this.#hub.publish(this.#between(from, upTo), upTo);
    for (const version of this.#between(from, upTo)) this.#supersede(version);
  }

  get(key: string): KeyValue | undefined {
    return this.#entries.get(key)?.committed?.state;
  }

  list(request: ListRequest): ListResult {
    const at = request.revision ?? this.#committed;
    const refusal = this.#refusalOf(at);
    if (refusal !== undefined) throw refusal;
    const { prefix, start = prefix, limit = Infinity } = request;
    const items: KeyValue[] = [];
    let next: string | undefined;
    this.#index.walk(prefix, start, (entry) => {
      const state = stateAt(entry, at);
      if (state === undefined) return true;
      if (items.length >= limit) next = entry.key;
      else items.push(state);
      return next === undefined;
    });
    return { items, revision: at, remaining: next === undefined ? 0 : this.#countAt(prefix, next, at) };
  }

  watch(request: WatchRequest, watcher: StoreWatcher): StoreWatch {
    const refusal = this.#refusalOf(request.after);
    if (refusal !== undefined) return refusedWatch(watcher, refusal);
    const backlog: StoreEvent[] = [];
    for (const version of this.#between(request.after, this.#committed)) {
      if (version.key.startsWith(request.prefix)) backlog.push(version.toEvent());
    }
    return this.#hub.add({ prefix: request.prefix, upTo: this.#committed, backlog }, watcher);
  }

  /** Ends all watches. */
  failWatches(error: unknown): void {
    this.#hub.failAll(error);
  }

  /**
   * Revisions of log rows that nobody needs once everything up to `to` is compacted:
   * versions replaced at or before `to`, and deletions. Ascending per key, not overall.
   */
  supersededBy(to: number): number[] {
    const superseded: number[] = [];
    for (const version of this.#between(this.#compacted, to)) {
      if (version.older?.isDeletion === false) superseded.push(version.older.revision);
      if (version.isDeletion) superseded.push(version.revision);
    }
    return superseded;
  }

  /** Forgets the log up to and including `to`; nothing happens when that is forgotten already. @throws `future`. */
  compact(to: number): void {
    if (to > this.#committed) throw new StorageError({ code: "future", asked: to, current: this.#committed });
    if (to <= this.#compacted) return;
    for (const version of this.#between(this.#compacted, to)) {
      this.#historyBytes -= historyBytesOf(version);
      version.older = undefined;
      if (version.isDeletion && version.entry.committed === version) this.#bury(version.entry);
    }
    this.#log = this.#log.slice(to - this.#compacted);
    this.#compacted = to;
  }

  /** The revision to compact to so that at most `bytesMax` of history remain; never above `to`. */
  revisionForHistory(bytesMax: number, to: number): number {
    let revision = this.#compacted;
    for (let bytes = this.#historyBytes; bytes > bytesMax && revision < to; revision++) {
      bytes -= historyBytesOf(this.#at(revision + 1));
    }
    return revision;
  }

  /** Begins loading a log; only on an empty core. Rows up to `compacted` are current values, one per key. */
  beginLoad(compacted: number): void {
    assert(this.preparedRevision === 0, "loading into a store that is in use");
    this.#compacted = compacted;
    this.#committed = compacted;
  }

  /** Adds the next row in revision order. @returns why the row cannot follow what was loaded, or undefined when all is well. */
  load(row: LoadedRow): string | undefined {
    return row.revision <= this.#compacted ? this.#loadBase(row) : this.#loadLogged(row);
  }

  /**
   * Counts everything anew and tells where what events have kept is something else; nothing when all is well.
   * O(keys and log): for tests, and now and then in the simulation.
   */
  recount(): readonly string[] {
    const wrong: string[] = [...this.#hub.recount()];
    const check = (isRight: boolean, what: string): void => void (isRight || wrong.push(what));
    this.#log.forEach((version, at) => {
      check(version.revision === this.#compacted + 1 + at, `revision ${version.revision} is at ${at}`);
    });
    const indexed: Entry[] = [];
    this.#index.walk("", "", (entry) => indexed.push(entry) > 0);
    indexed.forEach((entry, at) => {
      const before = indexed[at - 1];
      check(before === undefined || this.#index.isBefore(before.key, entry.key), `${entry.key} out of order`);
      check(this.#entries.get(entry.key) === entry && entry.isIndexed, `${entry.key} is in the index only`);
    });
    let [live, inIndex] = [0, 0];
    for (const entry of this.#entries.values()) {
      if (entry.isLive) live++;
      if (entry.isIndexed) inIndex++;
      check(entry.isIndexed === (entry.committed !== undefined), `${entry.key} is indexed wrongly`);
      for (const text of entry.recount(this.#committed)) wrong.push(text);
    }
    check(inIndex === indexed.length, `the index has ${indexed.length} keys of ${inIndex}`);
    const counted = this.#index.countLive("", "");
    check(counted === live, `the index counts ${counted} live keys of ${live}`);
    let bytes = 0;
    for (const version of this.#between(this.#compacted, this.#committed)) bytes += historyBytesOf(version);
    check(bytes === this.#historyBytes, `history holds ${bytes} bytes and counts ${this.#historyBytes}`);
    return wrong;
  }

  #loadBase(row: LoadedRow): string | undefined {
    const { key, value, createRevision, revision } = row;
    if (value === undefined) return `revision ${revision} deletes what is forgotten`;
    if (this.#log.length > 0 || this.#entries.has(key)) return `revision ${revision} holds a key twice`;
    const entry = new Entry(key);
    this.#entries.set(key, entry);
    entry.head = new Version(revision, entry, { key, value, createRevision, modRevision: revision });
    this.#show(entry, entry.head);
    return undefined;
  }

  #loadLogged(row: LoadedRow): string | undefined {
    const { key, value, createRevision, revision } = row;
    if (revision !== this.preparedRevision + 1) return `revision ${this.preparedRevision + 1} is missing`;
    const entry = this.#entries.get(key) ?? new Entry(key);
    const before = entry.head?.state;
    if (value === undefined && before === undefined) return `revision ${revision} deletes what is not there`;
    const created = before?.createRevision ?? revision;
    if (value !== undefined && createRevision !== created)
      return `revision ${revision} has a wrong beginning`;
    this.#entries.set(key, entry);
    const state = value && { key, value, createRevision, modRevision: revision };
    const version = this.#prepare(entry, state);
    this.#show(entry, version);
    this.#supersede(version);
    this.#committed = revision;
    return undefined;
  }

  #expect(key: string, expected: number): { readonly entry: Entry; readonly state: KeyValue } {
    const entry = this.#entries.get(key);
    const state = entry?.head?.state;
    if (entry === undefined || state === undefined) throw new StorageError({ code: "not-found", key });
    const actual = state.modRevision;
    if (actual !== expected) throw new StorageError({ code: "conflict", key, expected, actual });
    return { entry, state };
  }

  #prepare(entry: Entry, state: KeyValue | undefined): Version {
    const version = new Version(this.preparedRevision + 1, entry, state);
    entry.head = version;
    this.#log.push(version);
    return version;
  }

  /** From here on the version before is history. */
  #supersede(version: Version): void {
    version.older?.becomeHistory(version, this.#differences);
    this.#historyBytes += historyBytesOf(version);
  }

  /** Makes `version` the one that readers see. */
  #show(entry: Entry, version: Version): void {
    const wasLive = entry.isLive;
    entry.committed = version;
    if (!entry.isIndexed) {
      entry.isIndexed = true;
      this.#index.insert(entry);
    } else if (entry.isLive !== wasLive) {
      this.#index.noteLive(entry);
    }
  }

  /** Forgets a deleted key, unless a write that is not committed yet brings it back. */
  #bury(entry: Entry): void {
    this.#index.remove(entry);
    entry.isIndexed = false;
    if (entry.head === entry.committed) this.#entries.delete(entry.key);
    entry.committed = undefined;
  }

  #at(revision: number): Version {
    const version = this.#log[revision - this.#compacted - 1];
    assert(version !== undefined, "revision not in the log", { revision, compacted: this.#compacted });
    return version;
  }

  /** Versions with `after < revision <= upTo`. */
  *#between(after: number, upTo: number): Generator<Version> {
    for (let revision = after + 1; revision <= upTo; revision++) yield this.#at(revision);
  }

  /** Live keys at revision `at`: those of now, with the creations and deletions since then undone. */
  #countAt(prefix: string, start: string, at: number): number {
    let count = this.#index.countLive(prefix, start);
    for (const version of this.#between(at, this.#committed)) {
      if (!version.key.startsWith(prefix) || this.#index.isBefore(version.key, start)) continue;
      if (version.isDeletion) count++;
      else if (version.older?.isDeletion !== false) count--;
    }
    return count;
  }

  /** Why this revision cannot be read or watched from; undefined when it can. */
  #refusalOf(asked: number): StorageError | undefined {
    if (asked > this.#committed) return new StorageError({ code: "future", asked, current: this.#committed });
    if (asked < this.#compacted)
      return new StorageError({ code: "compacted", asked, oldest: this.#compacted });
    return undefined;
  }
}

/** A NUL ends text in some tools. */
function checkKey(key: string): void {
  const isFit = key !== "" && !key.includes("\0") && !(anySurrogate.test(key) && loneSurrogate.test(key));
  assert(isFit, "a key that not every store can hold", { key });
}

function checkValue(key: string, value: Uint8Array): void {
  const bytes = value.byteLength;
  if (bytes > valueBytesMax)
    throw new StorageError({ code: "too-large", key, bytes, bytesMax: valueBytesMax });
}

function stateAt(entry: Entry, revision: number): KeyValue | undefined {
  let version = entry.committed;
  while (version !== undefined && version.revision > revision) version = version.older;
  return version?.state;
}

function historyBytesOf(version: Version): number {
  return logEntryBytes + (version.older?.valueBytes ?? 0);
}
