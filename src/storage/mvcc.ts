/**
 * Keys, values and their history in memory, for every implementation in this process. No I/O, no clock.
 * Writes are prepared (checked against the newest state, numbered) and become visible by `commit`, in the same order.
 *
 *   revisions:   1 … compacted │ compacted+1 … committed │ committed+1 … prepared
 *                forgotten     │ the log: watch and list  │ nobody sees these yet, but writes are checked against them
 *
 *   one key:     head ─▶ version ─older─▶ version ─older─▶ version     (newest first; cut at compaction)
 *                committed ──────┘
 *
 *   one value:   fresh ─── later, when newer writes take its place among the fresh ──▶ packed ── once its successor is ──▶ difference
 *                the writer's buffer      (packing.ts)                             to the successor's packed form, every 16th whole
 */
import { assert, Fifo } from "../base/index.ts";
import {
  type Dictionary,
  isPackedValue,
  type Packed,
  Packers,
  unpacked,
  unpackedLength,
  withDifference,
} from "./packing.ts";
import { StorageError } from "./storage-error.ts";
import type {
  KeptValue,
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
/** The newest values are kept as they were written, for those who are about to read them. 512 KiB: some hundred writes. */
const freshBytesMax: number = 512 * 1024;

/** A lone surrogate has no UTF-8 form, so two keys could fall together. */
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
/** Most keys have no surrogates and are asked no further. */
const anySurrogate = /[\ud800-\udfff]/;

class Entry {
  readonly key: string;
  head: Version | undefined;
  /** What readers see; absent before the first commit and once a deletion is compacted. */
  committed: Version | undefined;

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

/**
 * One write: what a key became at a revision. One flat object, since there are very many: `#kept` is the writer's buffer,
 * a packed text (`#base` is its dictionary) or a difference (`#base` is the successor).
 */
export class Version implements KeptValue {
  readonly entry: Entry;
  readonly revision: number;
  /** 0 for a deletion. */
  readonly createRevision: number;
  /** The version before; cut off once this one is compacted. */
  older: Version | undefined;
  #kept: Uint8Array | string | undefined;
  #base: Dictionary | Version | undefined;

  constructor(entry: Entry, revision: number, state: WrittenState | undefined) {
    this.entry = entry;
    this.revision = revision;
    this.createRevision = state?.createRevision ?? 0;
    this.older = entry.head;
    this.#kept = state?.value;
    this.#base = undefined;
  }

  get key(): string {
    return this.entry.key;
  }

  get isDeletion(): boolean {
    return this.createRevision === 0;
  }

  /** Absent for a deletion. */
  get state(): KeyValue | undefined {
    return this.isDeletion ? undefined : new State(this);
  }

  /** The same as `state`; its value is put together when somebody reads it. */
  get unreadState(): KeyValue | undefined {
    return typeof this.#kept === "string" ? new UnreadState(this) : this.state;
  }

  bytes(): Uint8Array {
    const kept = this.#kept;
    return typeof kept === "string" ? unpacked(this.#packed()) : kept!;
  }

  get byteLength(): number {
    const kept = this.#kept;
    if (typeof kept === "string") return unpackedLength(this.#packed().text);
    return kept?.byteLength ?? 0;
  }

  holds(value: Uint8Array): boolean {
    const kept = this.#kept;
    return typeof kept === "string"
      ? isPackedValue(this.#packed(), value)
      : Buffer.compare(kept!, value) === 0;
  }

  /** What the value takes, as it is kept; nothing for a deletion. */
  get keptBytes(): number {
    const kept = this.#kept;
    return typeof kept === "string" ? kept.length : (kept?.byteLength ?? 0);
  }

  /** From now on the value is kept packed, and the one before it as a difference. Whatever was read before stays as it is. */
  settle(packers: Packers): void {
    if (typeof this.#kept !== "object") return;
    const { text, dictionary } = packers.pack(this.key, this.#kept);
    this.#kept = text;
    this.#base = dictionary;
    if (this.older !== undefined) this.older.#becomeDifference(this, packers);
  }

  #becomeDifference(successor: Version, packers: Packers): void {
    const older = this.#kept;
    const newer = successor.#kept;
    const isAlike = this.#base === successor.#base && typeof older === "string" && typeof newer === "string";
    if (!isAlike || this.#stepsFromOldest() === differencesMax) return;
    this.#kept = packers.difference(older, newer);
    this.#base = successor;
  }

  /** How many versions before this one are differences, each to the next. */
  #stepsFromOldest(): number {
    let steps = 0;
    let version = this.older;
    for (; version !== undefined && version.#base instanceof Version; version = version.older) steps++;
    return steps;
  }

  #packed(): Packed {
    const text = this.#kept as string;
    const base = this.#base;
    if (!(base instanceof Version)) return { text, dictionary: base };
    const successor = base.#packed();
    return { text: withDifference(text, successor.text), dictionary: successor.dictionary };
  }

  /** Only while the revision is in the log. */
  toEvent(): StoreEvent {
    const { key, revision, state } = this;
    const previous = this.older?.unreadState;
    if (state === undefined) {
      assert(previous !== undefined, "a deletion without a state before it", { key, revision });
      return { type: "delete", key, revision, current: previous, previous };
    }
    return previous === undefined
      ? { type: "put", key, revision, current: state }
      : { type: "put", key, revision, current: state, previous };
  }
}

interface WrittenState {
  readonly createRevision: number;
  readonly value: Uint8Array;
}

/** A version as readers see it. */
class State implements KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly #version: Version;

  constructor(version: Version) {
    this.key = version.key;
    this.value = version.bytes();
    this.createRevision = version.createRevision;
    this.modRevision = version.revision;
    this.#version = version;
  }

  get kept(): KeptValue {
    return this.#version;
  }
}

/** The same, for a value that would have to be put together and that nearly nobody reads. */
class UnreadState implements KeyValue {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly kept: KeptValue;
  #value: Uint8Array | undefined;

  constructor(version: Version) {
    this.key = version.key;
    this.createRevision = version.createRevision;
    this.modRevision = version.revision;
    this.kept = version;
  }

  get value(): Uint8Array {
    return (this.#value ??= this.kept.bytes());
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
  readonly #packers = new Packers();
  /** Values that are not packed yet, in revision order, and their bytes. */
  readonly #fresh = new Fifo<Version>();
  #freshBytes = 0;
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
    if (entry?.head?.isDeletion === false) throw new StorageError({ code: "exists", key });
    if (entry === undefined) {
      entry = new Entry(key);
      this.#entries.set(key, entry);
    }
    return this.#prepare(entry, { value, createRevision: this.preparedRevision + 1 });
  }

  prepareUpdate(key: string, value: Uint8Array, expected: number): Version {
    checkValue(key, value);
    const head = this.#expect(key, expected);
    return this.#prepare(head.entry, { value, createRevision: head.createRevision });
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
    for (const version of this.#between(from, upTo)) this.#keep(version);
    this.#settle();
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
    // Afterwards no version is packed, and counted anew, that was forgotten.
    this.#settle(to);
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
      check(
        this.#entries.get(entry.key) === entry && entry.committed !== undefined,
        `${entry.key} is in the index only`,
      );
    });
    let [live, inIndex] = [0, 0];
    for (const entry of this.#entries.values()) {
      if (entry.isLive) live++;
      if (entry.committed !== undefined) inIndex++;
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
    entry.head = new Version(entry, revision, { value, createRevision });
    this.#show(entry, entry.head);
    this.#addFresh(entry.head);
    this.#settle();
    return undefined;
  }

  #loadLogged(row: LoadedRow): string | undefined {
    const { key, value, createRevision, revision } = row;
    if (revision !== this.preparedRevision + 1) return `revision ${this.preparedRevision + 1} is missing`;
    const entry = this.#entries.get(key) ?? new Entry(key);
    const before = entry.head?.isDeletion === false ? entry.head : undefined;
    if (value === undefined && before === undefined) return `revision ${revision} deletes what is not there`;
    const created = before?.createRevision ?? revision;
    if (value !== undefined && createRevision !== created)
      return `revision ${revision} has a wrong beginning`;
    this.#entries.set(key, entry);
    const version = this.#prepare(entry, value && { value, createRevision });
    this.#show(entry, version);
    this.#keep(version);
    this.#settle();
    this.#committed = revision;
    return undefined;
  }

  /** The newest version, which is a state. */
  #expect(key: string, expected: number): Version {
    const head = this.#entries.get(key)?.head;
    if (head === undefined || head.isDeletion) throw new StorageError({ code: "not-found", key });
    const actual = head.revision;
    if (actual !== expected) throw new StorageError({ code: "conflict", key, expected, actual });
    return head;
  }

  #prepare(entry: Entry, state: WrittenState | undefined): Version {
    const version = new Version(entry, this.preparedRevision + 1, state);
    entry.head = version;
    this.#log.push(version);
    return version;
  }

  /** From here on the version before is history, and this one is among the fresh. */
  #keep(version: Version): void {
    this.#historyBytes += historyBytesOf(version);
    if (!version.isDeletion) this.#addFresh(version);
  }

  #addFresh(version: Version): void {
    this.#fresh.push(version);
    this.#freshBytes += version.byteLength;
  }

  /** Packs the oldest fresh values: those up to a revision, and those beyond the bound. */
  #settle(upTo = 0): void {
    for (;;) {
      const version = this.#fresh.peek();
      if (version === undefined || (version.revision > upTo && this.#freshBytes <= freshBytesMax)) return;
      this.#fresh.shift();
      this.#freshBytes -= version.byteLength;
      const isHistory = version.entry.committed !== version;
      const before = historyBytesOf(version) + (isHistory ? version.keptBytes : 0);
      version.settle(this.#packers);
      this.#historyBytes += historyBytesOf(version) + (isHistory ? version.keptBytes : 0) - before;
    }
  }

  /** Makes `version` the one that readers see. */
  #show(entry: Entry, version: Version): void {
    const isNew = entry.committed === undefined;
    const wasLive = entry.isLive;
    entry.committed = version;
    if (isNew) this.#index.insert(entry);
    else if (entry.isLive !== wasLive) this.#index.noteLive(entry);
  }

  /** Forgets a deleted key, unless a write that is not committed yet brings it back. */
  #bury(entry: Entry): void {
    this.#index.remove(entry);
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
  return logEntryBytes + (version.older?.keptBytes ?? 0);
}
