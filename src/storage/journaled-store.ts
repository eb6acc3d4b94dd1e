/**
 * A `Store` made of the core in memory and a journal that makes writes last. Shared by all implementations in this process.
 *
 *   write ─▶ gate (bounded) ─▶ prepare: check, number ─▶ journal ─▶ commit: readers, watches ─▶ promise resolves
 *                                                          └─failed─▶ dead: every later write is `unavailable`
 *
 * Not here: how the journal works (journal.ts and its implementations).
 */
import type { Clock, Timer } from "../base/index.ts";
import type { Journal } from "./journal.ts";
import type { Mvcc, Version } from "./mvcc.ts";
import { defaultRetention, type Retention, retentionPeriodMs, RetentionPolicy } from "./retention.ts";
import { StorageError } from "./storage-error.ts";
import { refusedWatch } from "./watch-hub.ts";
import type {
  EmbeddedStore,
  KeyValue,
  ListRequest,
  ListResult,
  StoreWatch,
  StoreWatcher,
  UpdateOptions,
  WatchRequest,
} from "./store.ts";

/** Writes that may wait for the journal at once; later ones wait for their turn before they get a revision. */
export const writesUnderWayMax = 8_192;
/** The same in bytes of values: 64 MiB, so that many large objects cannot fill the memory. */
const bytesUnderWayMax: number = 64 * 1024 * 1024;
/** Revisions forgotten in one step, so that compaction holds up writes for milliseconds only. */
const compactionStepRevisions = 2_000;

export interface JournaledStoreOptions {
  readonly core: Mvcc;
  readonly journal: Journal;
  /** Without a clock nothing is compacted by itself. */
  readonly clock?: Clock;
  readonly retention?: Partial<Retention>;
  /** Called once after a failed commit, when writes have been refused and watches ended. */
  readonly onFailure?: (error: StorageError) => void;
}

/** An answer that is given once everything up to `revision` is durable. */
interface Waiter {
  readonly revision: number;
  readonly bytes: number;
  readonly answer: () => void;
  readonly reject: (error: unknown) => void;
}

interface Answer {
  readonly mayWait: boolean;
  readonly resolve: (revision: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Turn {
  readonly go: () => void;
  readonly reject: (error: unknown) => void;
}

export class JournaledStore implements EmbeddedStore {
  readonly hasOtherWriters = false;
  readonly #options: JournaledStoreOptions;
  readonly #core: Mvcc;
  readonly #policy: RetentionPolicy;
  /** Writes with the journal, in revision order; `#answered` of them are done with. */
  #underWay: Waiter[] = [];
  #answered = 0;
  #bytesUnderWay = 0;
  /** Writes that wait for room, in call order. */
  #turns: Turn[] = [];
  #refusal: StorageError | undefined;
  #compacting: Promise<void> = Promise.resolve();
  #isCompactingForSize = false;
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  constructor(options: JournaledStoreOptions) {
    this.#options = options;
    this.#core = options.core;
    this.#policy = new RetentionPolicy({ ...defaultRetention, ...options.retention });
    options.journal.listen({
      committed: (upTo) => this.#committed(upTo),
      failed: (error) => this.#fail(error),
    });
    if (options.clock) this.#watchAge(options.clock);
  }

  currentRevision(): number {
    return this.#core.currentRevision;
  }

  get compactedRevision(): number {
    return this.#core.compactedRevision;
  }

  recount(): readonly string[] {
    return this.#core.recount();
  }

  create(key: string, value: Uint8Array): Promise<number> {
    return this.#write(key, () => this.#core.prepareCreate(key, value));
  }

  // oxlint-disable-next-line max-params -- three and the options, as the seam says (#2)
  update(key: string, value: Uint8Array, expected: number, options?: UpdateOptions): Promise<number> {
    return this.#write(key, () => this.#core.prepareUpdate(key, value, expected), options?.mayWait);
  }

  delete(key: string, expected: number): Promise<number> {
    return this.#write(key, () => this.#core.prepareDelete(key, expected));
  }

  async get(key: string): Promise<KeyValue | undefined> {
    return this.#core.get(key);
  }

  async list(request: ListRequest): Promise<ListResult> {
    return this.#core.list(request);
  }

  watch(request: WatchRequest, watcher: StoreWatcher): StoreWatch {
    if (this.#refusal) return refusedWatch(watcher, this.#refusal);
    return this.#core.watch(request, watcher);
  }

  compact(revision: number): Promise<void> {
    const done = this.#compacting.then(() => this.#compactTo(revision));
    this.#compacting = done.catch(() => undefined);
    return done;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Prepares at once when there is room, so that revisions follow the order of calls; otherwise in turn. */
  #write(key: string, prepare: () => Version, mayWait = false): Promise<number> {
    return new Promise((resolve, reject) => {
      const go = (): void => this.#submit(key, prepare, { mayWait, resolve, reject });
      if (this.#refusal !== undefined || this.#closing !== undefined) reject(this.#refusal ?? closedError());
      else if (this.#turns.length > 0 || !this.#hasRoom()) this.#turns.push({ go, reject });
      else go();
    });
  }

  #submit(key: string, prepare: () => Version, { mayWait, resolve, reject }: Answer): void {
    let version: Version;
    try {
      version = prepare();
    } catch (error) {
      this.#refuse(key, error, reject);
      return;
    }
    const { revision } = version;
    const bytes = version.byteLength;
    this.#underWay.push({ revision, bytes, answer: () => resolve(revision), reject });
    this.#bytesUnderWay += bytes;
    this.#options.journal.append(version, mayWait);
  }

  /**
   * A refusal because of a write that is not durable yet waits for it: an earlier answer would be about a state that a
   * crash could undo, and a caller that reads and tries again would find the old state, and spin.
   */
  #refuse(key: string, error: unknown, reject: (error: unknown) => void): void {
    if (!this.#core.isPending(key)) reject(error);
    else {
      const revision = this.#core.preparedRevision;
      this.#underWay.push({ revision, bytes: 0, answer: () => reject(error), reject });
    }
  }

  #hasRoom(): boolean {
    const count = this.#underWay.length - this.#answered;
    return count < writesUnderWayMax && (count === 0 || this.#bytesUnderWay < bytesUnderWayMax);
  }

  #committed(upTo: number): void {
    this.#core.commit(upTo);
    let at = this.#answered;
    for (; at < this.#underWay.length; at++) {
      const { revision, bytes, answer } = this.#underWay[at]!;
      if (revision > upTo) break;
      this.#bytesUnderWay -= bytes;
      answer();
    }
    this.#answered = at;
    if (at * 2 >= this.#underWay.length) {
      this.#underWay = this.#underWay.slice(at);
      this.#answered = 0;
    }
    this.#letIn();
    this.#compactForSize();
    if (this.#underWay.length === 0) this.#tellIdle();
  }

  #letIn(): void {
    if (this.#turns.length === 0) return;
    let entered = 0;
    while (entered < this.#turns.length && this.#hasRoom()) this.#turns[entered++]!.go();
    this.#turns = this.#turns.slice(entered);
  }

  /** A failed commit is never retried: what the disk holds is known only after a restart. */
  #fail(error: StorageError): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = error;
    this.#timer?.cancel();
    const waiters = this.#underWay.slice(this.#answered);
    const turns = this.#turns;
    this.#underWay = [];
    this.#answered = 0;
    this.#turns = [];
    const unanswered = unansweredError(error);
    for (const { reject } of waiters) reject(unanswered);
    for (const { reject } of turns) reject(error);
    this.#core.failWatches(error);
    this.#tellIdle();
    this.#options.onFailure?.(error);
  }

  #watchAge(clock: Clock): void {
    this.#timer = clock.after(retentionPeriodMs, () => {
      this.#compactInBackground(this.#policy.due(this.#core, clock.monotonicMs()));
      this.#watchAge(clock);
    });
  }

  #compactForSize(): void {
    if (this.#options.clock === undefined || this.#isCompactingForSize) return;
    const to = this.#policy.dueForSize(this.#core);
    if (to <= this.#core.compactedRevision) return;
    this.#isCompactingForSize = true;
    this.#compactInBackground(to);
  }

  #compactInBackground(to: number): void {
    const done = (): void => {
      this.#isCompactingForSize = false;
      this.#compactForSize();
    };
    // The journal's listener has failed the whole store already; nobody waits for this call.
    this.compact(to).then(done, () => undefined);
  }

  async #compactTo(revision: number): Promise<void> {
    const core = this.#core;
    if (revision > core.currentRevision) core.compact(revision);
    while (core.compactedRevision < revision) {
      if (this.#refusal) throw this.#refusal;
      const to = Math.min(revision, core.compactedRevision + compactionStepRevisions);
      await this.#options.journal.compact(to, core.supersededBy(to));
      core.compact(to);
    }
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    if (this.#underWay.length > this.#answered || this.#turns.length > 0) {
      this.#options.journal.hurry();
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    this.#refusal ??= closedError();
    await this.#compacting;
    this.#core.failWatches(this.#refusal);
    await this.#options.journal.close();
  }

  #tellIdle(): void {
    if (this.#turns.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** For those whose writes were on their way to the disk: what is there nobody knows. */
function unansweredError(error: StorageError): StorageError {
  const { failure } = error;
  if (failure.code !== "unavailable") return error;
  return new StorageError({ ...failure, mayHaveHappened: true }, { cause: error });
}

function closedError(): StorageError {
  return new StorageError({ code: "unavailable", why: "the store is closed" });
}
