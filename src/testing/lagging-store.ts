/**
 * A store whose watch delivers changes late. An API server over it lags: lists at resourceVersion 0 and watches show the
 * past. Reads of the newest data wait, as upstream.
 * Not here: the server itself.
 */
import type { Clock } from "../base/index.ts";
import type { Store, StoreEvent, StoreWatch, StoreWatcher, WatchRequest } from "../storage/index.ts";

export interface LaggingStore extends Store {
  /** Delay of changes from now on, in ms; changes that wait already keep theirs. Infinity: until it is set again. */
  lagMs: number;
}

export function laggingStore(inner: Store, clock: Clock, lagMs: number): LaggingStore {
  let lag = lagMs;
  const watches = new Set<Delay>();
  return {
    hasOtherWriters: inner.hasOtherWriters,
    currentRevision: () => inner.currentRevision(),
    get lagMs() {
      return lag;
    },
    set lagMs(value: number) {
      lag = value;
      if (value === 0) for (const watch of watches) watch.catchUp();
    },
    create: (key, value) => inner.create(key, value),
    update: (key, value, expected) => inner.update(key, value, expected),
    delete: (key, expected) => inner.delete(key, expected),
    get: (key) => inner.get(key),
    list: (request) => inner.list(request),
    compact: (revision) => inner.compact(revision),
    close: () => Promise.resolve(),
    watch(request: WatchRequest, watcher: StoreWatcher): StoreWatch {
      const delay = new Delay(watcher, clock, { lagMs: () => lag, after: request.after });
      watches.add(delay);
      const watch = inner.watch(request, delay);
      return {
        requestProgress: () => watch.requestProgress(),
        cancel: () => {
          watches.delete(delay);
          delay.cancel();
          watch.cancel();
        },
      };
    },
  };
}

/** Keeps the order: a batch never overtakes one before it. */
class Delay implements StoreWatcher {
  readonly #watcher: StoreWatcher;
  readonly #clock: Clock;
  readonly #lagMs: () => number;
  #waiting: (readonly StoreEvent[])[] = [];
  #deliveredUpTo: number;
  #isCancelled = false;

  constructor(
    watcher: StoreWatcher,
    clock: Clock,
    options: { readonly lagMs: () => number; readonly after: number },
  ) {
    this.#watcher = watcher;
    this.#clock = clock;
    this.#lagMs = options.lagMs;
    this.#deliveredUpTo = options.after;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#waiting = [];
  }

  catchUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of waiting) if (!this.#isCancelled) this.#deliver(batch);
  }

  events(batch: readonly StoreEvent[]): void {
    const lag = this.#lagMs();
    if (lag === 0 && this.#waiting.length === 0) {
      this.#deliver(batch);
      return;
    }
    this.#waiting.push(batch);
    if (lag === Infinity) return;
    this.#clock.after(lag, () => this.#release(batch));
  }

  /** Passes on the inner store's progress when nothing waits, and the revision of the last delivered change before that. */
  progress(revision: number): void {
    if (this.#waiting.length === 0) this.#deliveredUpTo = revision;
    this.#watcher.progress?.(this.#deliveredUpTo);
  }

  failed(error: unknown): void {
    this.#watcher.failed(error);
  }

  #deliver(batch: readonly StoreEvent[]): void {
    this.#deliveredUpTo = batch.at(-1)!.revision;
    this.#watcher.events(batch);
  }

  /** `batch` and all before it. */
  #release(batch: readonly StoreEvent[]): void {
    const at = this.#waiting.indexOf(batch);
    if (at < 0) return;
    for (const due of this.#waiting.splice(0, at + 1)) if (!this.#isCancelled) this.#deliver(due);
  }
}
