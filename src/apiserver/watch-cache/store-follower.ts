/**
 * Keeps a copy of the store current: one list, then a watch, and another one when that breaks.
 *
 *             list taken              broke                  sign of the new watch
 *   loading ─────────────▶ following ───────▶ resuming ────────────────────────────▶ following
 *                              │ compacted       │ compacted
 *                              └────────┬────────┘
 *                                       ▼                list taken
 *                                   relisting ─────────────────────────────────────▶ following
 *
 * Pauses double and have no jitter: those who come back at once are a handful of servers.
 * Not here: the copy (cacher.ts), reads that wait for it (freshness.ts). SPEC.md says what holds in each phase.
 */
import { type Clock, type Log, sleep } from "../../base/index.ts";
import {
  type KeyValue,
  StorageError,
  storageFailureOf,
  type Store,
  type StoreEvent,
  type StoreWatch,
} from "../../storage/index.ts";

/** What is kept current. None of these may throw for what the store says; a throw is a defect and ends the following. */
export interface FollowedCopy {
  /** All changes up to here are in. A watch goes on after it, so it must be whole. */
  revision(): number;
  /** Begins a new copy beside the one that is there. */
  renew(): Renewal;
  /** Changes after `revision`, whole revisions, in order. */
  take(batch: readonly StoreEvent[]): void;
  /** Nothing else has happened up to `revision`. */
  pass(revision: number): void;
}

/** A copy in the making; one that is not finished leaves nothing behind. */
export interface Renewal {
  /** Some of the store's values at the one revision. */
  add(items: readonly KeyValue[]): void;
  /** Puts it in place of what was there, in one step. */
  finish(revision: number): void;
}

export type FollowerPhase = "loading" | "following" | "resuming" | "relisting" | "stopped";

export interface FollowerDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** First pause after a failure, in ms: an election takes longer, a broken connection less. */
const pauseMinMs = 100;
/** Longest pause, in ms: so long a store that is back may go unnoticed. */
const pauseMaxMs = 5_000;
/**
 * Objects read at a time. Upstream's reflector over etcd takes 10,000; what others have written is checked page by page, and
 * 1,000 of it hold the event loop up for some 0.1 s.
 */
const pageItemsMax = 1_000;

export class StoreFollower {
  readonly #copy: FollowedCopy;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stop = new AbortController();
  #phase: FollowerPhase = "loading";
  #watch: StoreWatch | undefined;
  #end: (error: unknown) => void = () => {};
  /** When the watch was last heard, or begun. */
  #heardMs = 0;
  #lostMs: number | undefined;
  /** Failures since the store was last heard. */
  #failures = 0;

  constructor(copy: FollowedCopy, dependencies: FollowerDependencies) {
    this.#copy = copy;
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
  }

  get phase(): FollowerPhase {
    return this.#phase;
  }

  /** For how long the store has not been followed, in ms; 0 while it is. */
  get lostForMs(): number {
    return this.#lostMs === undefined ? 0 : this.#clock.monotonicMs() - this.#lostMs;
  }

  /**
   * Resolves when the copy holds the store and follows it; until then it tries, however long that takes. Rejects, and later calls
   * `failed`, for what trying again cannot mend: then nothing is followed any more. Call once.
   */
  async start(failed: (error: unknown) => void): Promise<void> {
    await this.#list();
    if (this.#stop.signal.aborted) return;
    const broken = this.#follow();
    this.#found();
    this.#live(broken).catch(failed);
  }

  /** The copy is not changed any more. Idempotent. */
  stop(): void {
    this.#phase = "stopped";
    this.#stop.abort(new Error("the cacher stops"));
    this.#watch?.cancel();
  }

  /** Has the watch say how far it has come. */
  requestProgress(): void {
    this.#watch?.requestProgress();
  }

  /** A watch that was asked then and has said nothing since is as good as broken. A younger one gets its time. */
  giveUpIfSilentSince(timeMs: number): void {
    if (this.#heardMs > timeMs) return;
    this.#watch?.cancel();
    this.#end(new StorageError({ code: "unavailable", why: "the watch of the store fell silent" }));
  }

  async #live(firstWatch: Promise<unknown>): Promise<void> {
    for (let broken = firstWatch; ; broken = this.#follow()) {
      const error = await broken;
      const code = storageFailureOf(error)?.code;
      if (code === "unavailable") {
        this.#lose("resuming");
        await this.#pause("watch", error);
      } else if (code === "compacted") {
        this.#lose("relisting");
        this.#log.warn("the store has forgotten what the caches had still to see: listing anew", {
          revision: this.#copy.revision(),
        });
        await this.#list();
      } else throw error;
      if (this.#stop.signal.aborted) return;
      if (code === "compacted") this.#found();
    }
  }

  /** Watches from where the copy is. @returns what the watch ends with; never settles when nobody wants it any more. */
  #follow(): Promise<unknown> {
    this.#heardMs = this.#clock.monotonicMs();
    return new Promise((end) => {
      this.#end = end;
      this.#watch = this.#store.watch(
        { prefix: "/", after: this.#copy.revision() },
        {
          events: (batch) => {
            this.#hear();
            this.#copy.take(batch);
          },
          progress: (revision) => {
            this.#hear();
            this.#copy.pass(revision);
          },
          failed: end,
        },
      );
    });
  }

  async #list(): Promise<void> {
    for (;;) {
      try {
        const renewal = this.#copy.renew();
        const current = await eachPage(this.#store, { prefix: "/", signal: this.#stop.signal }, (items) =>
          renewal.add(items),
        );
        if (this.#stop.signal.aborted) return;
        const asked = this.#copy.revision();
        // Clients know newer versions: to serve older ones under the same name would be a lie.
        if (current < asked) throw new StorageError({ code: "future", asked, current });
        renewal.finish(current);
        return;
      } catch (error) {
        const code = storageFailureOf(error)?.code;
        if (code !== "unavailable" && code !== "compacted") throw error;
        await this.#pause("list", error);
        if (this.#stop.signal.aborted) return;
      }
    }
  }

  #hear(): void {
    this.#heardMs = this.#clock.monotonicMs();
    if (this.#phase === "resuming") this.#found();
  }

  #lose(phase: "resuming" | "relisting"): void {
    this.#phase = phase;
    this.#lostMs ??= this.#clock.monotonicMs();
  }

  #found(): void {
    this.#phase = "following";
    this.#lostMs = undefined;
    this.#failures = 0;
  }

  async #pause(verb: "list" | "watch", error: unknown): Promise<void> {
    const pauseMs = Math.min(pauseMaxMs, pauseMinMs * 2 ** this.#failures++);
    this.#log.warn("the store is not available", { verb, error, pauseMs });
    await sleep(this.#clock, pauseMs, this.#stop.signal).catch(() => {});
  }
}

/** Reads everything below `prefix` at one revision. @returns the revision. */
export async function eachPage(
  store: Store,
  { prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal },
  take: (items: readonly KeyValue[]) => void,
): Promise<number> {
  let page = await store.list({ prefix, limit: pageItemsMax });
  const { revision } = page;
  take(page.items);
  while (page.remaining > 0 && !signal.aborted) {
    const start = `${page.items[page.items.length - 1]!.key}\0`;
    page = await store.list({ prefix, start, limit: pageItemsMax, revision });
    take(page.items);
  }
  return revision;
}
