/**
 * Hands committed changes to the watches they concern, found by prefix, never by asking every watch.
 * A watch begins with its backlog (in a microtask of its own), then follows live.
 *
 *   watch() ──▶ backlog ──first delivery──▶ live ──cancel or fail──▶ ended
 *
 * Not here: the log that backlogs are read from (mvcc.ts).
 */
import type { StoreEvent, StoreWatch, StoreWatcher } from "./store.ts";

interface Group {
  readonly prefix: string;
  readonly watches: Set<LiveWatch>;
  /** Events of the commit being published. */
  batch: StoreEvent[];
}

/** A committed change that may concern somebody; the event is only made when it does. */
export interface Publishable {
  readonly key: string;
  toEvent(): StoreEvent;
}

export interface WatchStart {
  readonly prefix: string;
  /** Everything up to here is in the backlog or unwanted. */
  readonly upTo: number;
  readonly backlog: readonly StoreEvent[];
}

class LiveWatch implements StoreWatch {
  readonly #watcher: StoreWatcher;
  readonly #upTo: number;
  readonly #left: (watch: LiveWatch) => void;
  #backlog: StoreEvent[] | undefined;
  #isEnded = false;

  constructor(start: WatchStart, watcher: StoreWatcher, left: (watch: LiveWatch) => void) {
    this.#watcher = watcher;
    this.#upTo = start.upTo;
    this.#left = left;
    if (start.backlog.length === 0) return;
    this.#backlog = [...start.backlog];
    queueMicrotask(() => this.#goLive());
  }

  cancel(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#backlog = undefined;
    this.#left(this);
  }

  deliver(batch: readonly StoreEvent[], upTo: number): void {
    if (this.#isEnded || upTo <= this.#upTo) return;
    if (this.#backlog === undefined) this.#hand(batch);
    else for (const event of batch) this.#backlog.push(event);
  }

  fail(error: unknown): void {
    if (this.#isEnded) return;
    if (this.#backlog !== undefined) this.#goLive();
    if (this.#isEnded) return;
    this.cancel();
    // Not now: a throw in there must not stop the delivery to others.
    queueMicrotask(() => this.#watcher.failed(error));
  }

  #goLive(): void {
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    this.#backlog = undefined;
    this.#hand(backlog);
  }

  /** A watcher that throws breaks its promise: it loses its watch, the others go on. */
  #hand(batch: readonly StoreEvent[]): void {
    try {
      this.#watcher.events(batch);
    } catch (error) {
      this.fail(error);
    }
  }
}

export class WatchHub {
  readonly #groups = new Map<string, Group>();
  /** Distinct prefix lengths, ascending: one look-up each finds all groups of a key. */
  #lengths: readonly number[] = [];

  add(start: WatchStart, watcher: StoreWatcher): StoreWatch {
    let group = this.#groups.get(start.prefix);
    if (group === undefined) {
      group = { prefix: start.prefix, watches: new Set(), batch: [] };
      this.#groups.set(start.prefix, group);
      this.#measure();
    }
    const home = group;
    const watch = new LiveWatch(start, watcher, (left) => {
      home.watches.delete(left);
      if (home.watches.size > 0 || this.#groups.get(home.prefix) !== home) return;
      this.#groups.delete(home.prefix);
      this.#measure();
    });
    home.watches.add(watch);
    return watch;
  }

  /** Delivers one commit: changes in revision order, the last being `upTo`. Each watch gets one batch or nothing. */
  publish(changes: Iterable<Publishable>, upTo: number): void {
    if (this.#groups.size === 0) return;
    const touched: Group[] = [];
    for (const change of changes) {
      let event: StoreEvent | undefined;
      for (const length of this.#lengths) {
        if (length > change.key.length) break;
        const group = this.#groups.get(change.key.slice(0, length));
        if (group === undefined) continue;
        event ??= change.toEvent();
        if (group.batch.length === 0) touched.push(group);
        group.batch.push(event);
      }
    }
    for (const group of touched) {
      const batch = group.batch;
      group.batch = [];
      for (const watch of group.watches) watch.deliver(batch, upTo);
    }
  }

  /** Ends every watch with `error`, after what it had still to get. */
  failAll(error: unknown): void {
    for (const group of this.#groups.values()) for (const watch of group.watches) watch.fail(error);
  }

  #measure(): void {
    const lengths = new Set<number>();
    for (const prefix of this.#groups.keys()) lengths.add(prefix.length);
    this.#lengths = [...lengths].sort((a, b) => a - b);
  }
}
