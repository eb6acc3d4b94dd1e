/**
 * One watch of a foreign store: whole revisions, late and several at once, until it breaks.
 *
 *   opening ──request arrives──▶ open: changes, progress ──▶ broken, compacted or cancelled
 *
 * Not here: calls (foreign-store.ts), data (foreign-database.ts).
 */
import type { Clock, Random, Timer } from "../base/index.ts";
import {
  type KeyValue,
  StorageError,
  type StorageFailure,
  type StoreEvent,
  type StoreWatch,
  type StoreWatcher,
  type WatchRequest,
} from "../storage/index.ts";
import type { ForeignDatabase, ForeignRow } from "./foreign-database.ts";

/** The network between a watch and the database. */
export interface ForeignLine {
  readonly database: ForeignDatabase;
  readonly clock: Clock;
  readonly random: Random;
  /** Latency of the next message, in ms. */
  latencyMs(): number;
  /** Whether the watch breaks at the next message. */
  breaks(): boolean;
  /** Open, but nothing comes. */
  isStalled(): boolean;
  ended(watch: ForeignWatch): void;
}

/** How often the store reports progress by itself, in ms, as its contract demands. */
const progressEveryMs = 60_000;

export class ForeignWatch implements StoreWatch {
  readonly #request: WatchRequest;
  readonly #watcher: StoreWatcher;
  readonly #line: ForeignLine;
  #position: number;
  #isOpen = false;
  #isEnded = false;
  #isProgressDue = true;
  #next: Timer | undefined;
  #regular: Timer | undefined;
  #unlisten: () => void = () => {};

  constructor(request: WatchRequest, watcher: StoreWatcher, line: ForeignLine) {
    this.#request = request;
    this.#watcher = watcher;
    this.#line = line;
    this.#position = request.after;
    this.#schedule();
  }

  requestProgress(): void {
    this.#isProgressDue = true;
    this.#schedule();
  }

  cancel(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#next?.cancel();
    this.#regular?.cancel();
    this.#unlisten();
    this.#line.ended(this);
  }

  /** Sends what is new, if anything, in a message of its own. */
  wake(): void {
    this.#schedule();
  }

  fail(failure: StorageFailure): void {
    this.#failWith(new StorageError(failure));
  }

  #failWith(error: unknown): void {
    if (this.#isEnded) return;
    this.cancel();
    this.#watcher.failed(error);
  }

  #schedule(): void {
    if (this.#next !== undefined || this.#isEnded) return;
    this.#next = this.#line.clock.after(this.#line.latencyMs(), () => {
      this.#next = undefined;
      try {
        if (this.#isOpen) this.#deliver();
        else this.#open();
      } catch (error) {
        // A watcher that throws loses its watch.
        this.#failWith(error);
      }
    });
  }

  #open(): void {
    const { database, clock } = this.#line;
    const { after } = this.#request;
    const current = database.revision;
    if (after > current) return this.fail({ code: "future", asked: after, current });
    this.#isOpen = true;
    this.#unlisten = database.listen(() => this.#schedule());
    const again = (): void => {
      this.requestProgress();
      this.#regular = clock.after(progressEveryMs, again);
    };
    this.#regular = clock.after(progressEveryMs, again);
    this.#deliver();
  }

  #deliver(): void {
    const { database, random } = this.#line;
    if (this.#line.isStalled()) return;
    const { oldest } = database;
    if (this.#position < oldest) return this.fail({ code: "compacted", asked: this.#position, oldest });
    const revisions = database.after(this.#position);
    const count = Math.ceil(random.next() * revisions.length);
    this.#hand(revisions.slice(0, count));
    if (this.#isEnded) return;
    if (this.#line.breaks()) return this.fail({ code: "unavailable", why: "the watch broke" });
    if (count < revisions.length) return this.#schedule();
    if (!this.#isProgressDue) return;
    this.#isProgressDue = false;
    this.#watcher.progress?.(this.#position);
  }

  #hand(revisions: readonly (readonly ForeignRow[])[]): void {
    this.#position += revisions.length;
    const rows = revisions.flat().filter((row) => row.key.startsWith(this.#request.prefix));
    if (rows.length > 0) this.#watcher.events(rows.map((row) => eventOf(row)));
  }
}

/** As it comes over a network: bytes of its own for every reader. */
export function stateOf({ key, value, createRevision, revision }: ForeignRow): KeyValue {
  return { key, value: Uint8Array.from(value!), createRevision, modRevision: revision };
}

function eventOf(row: ForeignRow): StoreEvent {
  const { key, revision } = row;
  const previous = row.before?.value === undefined ? undefined : stateOf(row.before);
  const before = previous === undefined ? {} : { previous };
  return row.value === undefined
    ? { type: "delete", key, revision, current: previous!, ...before }
    : { type: "put", key, revision, current: stateOf(row), ...before };
}
