/**
 * Hands committed changes to the watches they concern, found by prefix, never by asking every watch.
 * A watch delivers its backlog (in a microtask of its own) and reports progress, then follows live.
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

/** What a watch has to know of the hub. */
interface Home {
  /** All up to here has been given to every watch that began before it. */
  publishedUpTo(): number;
  left(watch: LiveWatch): void;
}

class LiveWatch implements StoreWatch {
  readonly #watcher: StoreWatcher;
  readonly #upTo: number;
  readonly #home: Home;
  #backlog: StoreEvent[] | undefined;
  #isProgressDue = false;
  #isEnded = false;

  constructor(start: WatchStart, watcher: StoreWatcher, home: Home) {
    this.#watcher = watcher;
    this.#upTo = start.upTo;
    this.#home = home;
    if (start.backlog.length > 0) this.#backlog = [...start.backlog];
    this.requestProgress();
  }

  requestProgress(): void {
    if (this.#isProgressDue || this.#isEnded) return;
    this.#isProgressDue = true;
    queueMicrotask(() => {
      this.#isProgressDue = false;
      this.#goLive();
      const upTo = Math.max(this.#upTo, this.#home.publishedUpTo());
      if (!this.#isEnded) this.#tell(() => this.#watcher.progress?.(upTo));
    });
  }

  cancel(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#backlog = undefined;
    this.#home.left(this);
  }

  deliver(batch: readonly StoreEvent[], upTo: number): void {
    if (this.#isEnded || upTo <= this.#upTo) return;
    if (this.#backlog === undefined) this.#tell(() => this.#watcher.events(batch));
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
    this.#tell(() => this.#watcher.events(backlog));
  }

  /** A watcher that throws breaks its promise: it loses its watch, the others go on. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** A watch that was refused: `failed` comes soon, unless it is cancelled before. */
export function refusedWatch(watcher: StoreWatcher, error: unknown): StoreWatch {
  let isCancelled = false;
  queueMicrotask(() => {
    if (!isCancelled) watcher.failed(error);
  });
  return {
    requestProgress: () => {},
    cancel: () => {
      isCancelled = true;
    },
  };
}

export class WatchHub {
  readonly #groups = new Map<string, Group>();
  /** Distinct prefix lengths, ascending: one look-up each finds all groups of a key. */
  #lengths: readonly number[] = [];
  #publishedUpTo = 0;

  add(start: WatchStart, watcher: StoreWatcher): StoreWatch {
    let group = this.#groups.get(start.prefix);
    if (group === undefined) {
      group = { prefix: start.prefix, watches: new Set(), batch: [] };
      this.#groups.set(start.prefix, group);
      this.#measure();
    }
    const own = group;
    const watch = new LiveWatch(start, watcher, {
      publishedUpTo: () => this.#publishedUpTo,
      left: (left) => this.#leave(own, left),
    });
    own.watches.add(watch);
    return watch;
  }

  #leave(group: Group, watch: LiveWatch): void {
    group.watches.delete(watch);
    if (group.watches.size > 0 || this.#groups.get(group.prefix) !== group) return;
    this.#groups.delete(group.prefix);
    this.#measure();
  }

  /** Delivers one commit: changes in revision order, the last being `upTo`. Each watch gets one batch or nothing. */
  publish(changes: Iterable<Publishable>, upTo: number): void {
    this.#publishedUpTo = upTo;
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

  /** Where the look-up by prefix and the groups are not of one mind. */
  recount(): readonly string[] {
    const wrong: string[] = [];
    const lengths = new Set<number>();
    for (const [prefix, group] of this.#groups) {
      lengths.add(prefix.length);
      if (group.prefix !== prefix || group.watches.size === 0) wrong.push(`the group of ${prefix} is empty`);
      if (group.batch.length > 0) wrong.push(`the group of ${prefix} has events left over`);
    }
    const sorted = [...lengths].sort((a, b) => a - b);
    if (sorted.join() !== this.#lengths.join())
      wrong.push(`prefixes have the lengths ${sorted.join()}, not ${this.#lengths.join()}`);
    return wrong;
  }

  #measure(): void {
    const lengths = new Set<number>();
    for (const prefix of this.#groups.keys()) lengths.add(prefix.length);
    this.#lengths = [...lengths].sort((a, b) => a - b);
  }
}
