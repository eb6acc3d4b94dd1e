/**
 * A deliberately foreign implementation of `Store`: a connection to data with other writers, over a network that loses and delays.
 *
 *   call ──late──▶ database ──late──▶ answer        lost on the way there or back, or carried out after it was given up
 *
 * The reported outcome is always true: refused, answered, or `mayHaveHappened`.
 * Not here: the data (foreign-database.ts), watches (foreign-watch.ts).
 */
import { assert, type Clock, type Random } from "../base/index.ts";
import {
  type KeyValue,
  type ListRequest,
  type ListResult,
  StorageError,
  type StorageFailure,
  type Store,
  type StoreWatch,
  type StoreWatcher,
  valueBytesMax,
  type WatchRequest,
} from "../storage/index.ts";
import type { ForeignChange, ForeignDatabase } from "./foreign-database.ts";
import { type ForeignLine, ForeignWatch, stateOf } from "./foreign-watch.ts";

/** Probability of each fault, for each call or for each message of a watch. */
export interface ForeignFaults {
  /** Refused before anything happened. */
  readonly refused?: number;
  /** Never arrives. */
  readonly lostRequest?: number;
  /** Carried out, but the reply is lost. */
  readonly lostReply?: number;
  /** Carried out after the caller has given up. */
  readonly late?: number;
  /** A watch breaks after a message. */
  readonly broken?: number;
  /** Calls that only read meet none of these. */
  readonly sparesReads?: boolean;
}

export interface ForeignStoreDependencies {
  readonly clock: Clock;
  readonly random: Random;
}

/** Longest time of a message on its way, in ms. */
const latencyMaxMs = 20;
/** Ms without an answer after which a call is given up. */
const answerMaxMs = 1_000;

export class ForeignStore implements Store {
  readonly hasOtherWriters = true;
  faults: ForeignFaults = {};
  readonly #database: ForeignDatabase;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watches = new Set<ForeignWatch>();
  readonly #underWay = new Set<Promise<unknown>>();
  #isStalled = false;
  #isDown = false;
  #isClosed = false;

  constructor(database: ForeignDatabase, dependencies: ForeignStoreDependencies) {
    this.#database = database;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
  }

  /** While true every call is refused, and watches break at once. */
  set isDown(value: boolean) {
    this.#isDown = value;
    if (value) this.breakWatches();
  }

  /** While true, watches are open but deliver nothing. */
  set isStalled(value: boolean) {
    this.#isStalled = value;
    if (!value) for (const watch of this.#watches) watch.wake();
  }

  get watches(): number {
    return this.#watches.size;
  }

  breakWatches(): void {
    for (const watch of this.#watches) watch.fail({ code: "unavailable", why: "the connection broke" });
  }

  currentRevision(): Promise<number> {
    return this.#call(() => this.#database.revision);
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    checkWrite(key, value);
    return this.#write({ key, value }, 0, () => ({ code: "exists", key }));
  }

  async update(key: string, value: Uint8Array, expected: number): Promise<number> {
    checkWrite(key, value);
    return this.#write({ key, value }, expected, (actual) => missed(key, expected, actual));
  }

  delete(key: string, expected: number): Promise<number> {
    return this.#write({ key }, expected, (actual) => missed(key, expected, actual));
  }

  get(key: string): Promise<KeyValue | undefined> {
    return this.#call(() => {
      const row = this.#database.newest(key);
      return row && stateOf(row);
    });
  }

  list(request: ListRequest): Promise<ListResult> {
    return this.#call(() => this.#list(request));
  }

  watch(request: WatchRequest, watcher: StoreWatcher): StoreWatch {
    const watch: ForeignWatch = new ForeignWatch(request, watcher, this.#line());
    this.#watches.add(watch);
    if (this.#isClosed) this.#clock.after(0, () => watch.fail(closed));
    else if (this.#isDown) this.#clock.after(this.#latencyMs(), () => watch.fail(refused));
    return watch;
  }

  compact(revision: number): Promise<void> {
    return this.#call(() => {
      const current = this.#database.revision;
      if (revision > current) throw new StorageError({ code: "future", asked: revision, current });
      this.#database.compact(revision);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    for (const watch of this.#watches) watch.fail(closed);
  }

  #write(
    change: ForeignChange,
    modRevision: number,
    refusal: (actual: number | undefined) => StorageFailure,
  ): Promise<number> {
    const act = (): number => {
      const outcome = this.#database.transact([change], { key: change.key, modRevision });
      if ("revision" in outcome) return outcome.revision;
      throw new StorageError(refusal(outcome.actual?.revision));
    };
    return this.#call(act, true);
  }

  #list({ prefix, start = prefix, limit = Infinity, revision }: ListRequest): ListResult {
    const { revision: current, oldest } = this.#database;
    const at = revision ?? current;
    if (at > current) throw new StorageError({ code: "future", asked: at, current });
    if (at < oldest) throw new StorageError({ code: "compacted", asked: at, oldest });
    const first = Buffer.from(start);
    const rows = this.#database
      .at(at, prefix)
      .filter((row) => Buffer.compare(Buffer.from(row.key), first) >= 0);
    const items = rows.slice(0, limit).map((row) => stateOf(row));
    return { items, revision: at, remaining: rows.length - items.length };
  }

  #call<T>(act: () => T, isWrite = false): Promise<T> {
    if (this.#isClosed) return Promise.reject(new StorageError(closed));
    const call = new Promise<T>((resolve, reject) => this.#send(act, { isWrite, resolve, reject }));
    this.#underWay.add(call);
    const settled = (): void => void this.#underWay.delete(call);
    call.then(settled, settled);
    return call;
  }

  #send<T>(act: () => T, call: Call<T>): void {
    const { resolve, reject } = call;
    const { refused: toRefuse = 0, lostRequest = 0, lostReply = 0, late = 0, sparesReads } = this.faults;
    const fate = sparesReads === true && !call.isWrite ? 1 : this.#random.next();
    const unanswered: StorageFailure = {
      code: "unavailable",
      why: "no answer in time",
      ...(call.isWrite ? { mayHaveHappened: true } : {}),
    };
    const giveUp = (): void => reject(new StorageError(unanswered));
    let edge = toRefuse;
    if (this.#isDown || fate < edge) return this.#later(() => reject(new StorageError(refused)));
    if (fate < (edge += lostRequest)) return void this.#clock.after(answerMaxMs, giveUp);
    if (fate < (edge += late)) {
      this.#clock.after(answerMaxMs, giveUp);
      this.#clock.after(answerMaxMs + 2 * this.#latencyMs(), () => void outcomeOf(act));
      return;
    }
    const isLost = fate < edge + lostReply;
    if (isLost) this.#clock.after(answerMaxMs, giveUp);
    this.#later(() => {
      const outcome = outcomeOf(act);
      if (isLost) return;
      this.#later(() => ("value" in outcome ? resolve(outcome.value) : reject(outcome.error)));
    });
  }

  #later(action: () => void): void {
    this.#clock.after(this.#latencyMs(), action);
  }

  #latencyMs(): number {
    return Math.floor(this.#random.next() * (latencyMaxMs + 1));
  }

  #line(): ForeignLine {
    return {
      database: this.#database,
      clock: this.#clock,
      random: this.#random,
      latencyMs: () => this.#latencyMs(),
      breaks: () => this.#random.next() < (this.faults.broken ?? 0),
      isStalled: () => this.#isStalled || this.#isDown,
      ended: (watch) => this.#watches.delete(watch),
    };
  }
}

interface Call<T> {
  readonly isWrite: boolean;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

const closed: StorageFailure = { code: "unavailable", why: "the store is closed" };
const refused: StorageFailure = { code: "unavailable", why: "the connection is refused" };

function missed(key: string, expected: number, actual: number | undefined): StorageFailure {
  return actual === undefined ? { code: "not-found", key } : { code: "conflict", key, expected, actual };
}

function outcomeOf<T>(act: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: act() };
  } catch (error) {
    return { error };
  }
}

function checkWrite(key: string, value: Uint8Array): void {
  const isText = Buffer.from(key).toString() === key;
  assert(key !== "" && !key.includes("\0") && isText, "a key that not every store can hold", { key });
  const bytes = value.byteLength;
  if (bytes > valueBytesMax)
    throw new StorageError({ code: "too-large", key, bytes, bytesMax: valueBytesMax });
}
