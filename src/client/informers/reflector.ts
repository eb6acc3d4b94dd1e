/**
 * Keeps a target equal to a collection on the server: one list, then watches that resume where the last one ended.
 *
 *             ┌────────── 410 ───────────┐
 *             ▼                          │
 *   list (RV 0 or newest, later the last RV) ─▶ watch ─▶ end, silence, error: watch again from the last RV
 *     └─ too old or from the future: newest data, in pages
 *
 * Not here: the cache and its handlers (shared-informer.ts).
 * Upstream: client-go tools/cache/reflector.go. Differs: a watch that is silent for `silentMs` is ended and begun anew.
 */
import { type Clock, type Log, type Random, sleep, type Timer } from "../../base/index.ts";
import {
  hasStatusCause,
  isExpired,
  type KubeList,
  type KubeObject,
  type Resource,
  suggestedRetrySeconds,
} from "../../machinery/index.ts";
import { linkedController } from "../transport/api-client.ts";
import type { Client, ClientWatchSink, WatchEvent } from "../transport/client.ts";
import { isOlder } from "./resource-version.ts";

/** First pause after a failure, in ms; doubles up to `backoffMaxMs`. Upstream's figures. */
const backoffBaseMs = 800;
const backoffMaxMs = 30_000;
/** Watches end after 5 to 10 minutes, at random so that not all reconnect at once. Upstream's figure. */
const watchSecondsMin = 300;
/** Longest silence of a watch, in ms: three bookmarks of a server that sends one a minute. */
const silentMs = 180_000;
/** Ms after its time-out at which a watch that the server has not ended is given up. */
const watchGraceMs = 30_000;
/** Longest that a list may take, in ms; 15,000 pods over a slow line take seconds. */
const listTimeoutMs = 300_000;
/** Page size where pages are used; upstream's figure. */
const pageItemsMax = 500;
/** A watch shorter than this (ms) without an event counts as a failure, so that a broken server is not flooded. */
const shortWatchMs = 1000;
/** A watch that lasted this long (ms) resets the back-off, even without an event. */
const healthyWatchMs = 60_000;

export interface ReflectorTarget<T extends KubeObject> {
  /** The whole collection as of `resourceVersion`. */
  replace(items: readonly T[], resourceVersion: string): void;
  /** One change, not older than those before. It may be one that the target has had. */
  changed(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void;
  /** Everything up to this has been delivered. */
  bookmark(resourceVersion: string): void;
}

/** Part of a collection. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client;
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly target: ReflectorTarget<T>;
  /** See `InformerDependencies.firstList`. */
  readonly firstList?: FirstList;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * `cached` lets a server answer the first list from a cache of any age; `newest` makes it read its store.
 * A new leader needs `newest`, to see everything that the last leader wrote.
 */
export type FirstList = "cached" | "newest";

/** Runs until the signal aborts; never rejects. Does not call the target after it has resolved. */
export function reflect<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  return new Reflector(options).run(signal);
}

interface WatchOutcome {
  readonly error?: unknown;
  readonly isSilent: boolean;
  readonly events: number;
  readonly lastedMs: number;
}

class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  #resourceVersion = "";
  #needsList = true;
  #failures = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.#step(signal);
      if (pauseMs > 0 && !signal.aborted) await sleep(this.#options.clock, pauseMs, signal).catch(() => {});
    }
  }

  /** One list or one watch. @returns how long to wait before the next. */
  async #step(signal: AbortSignal): Promise<number> {
    try {
      if (!this.#needsList) {
        const outcome = await this.#watch(signal);
        return signal.aborted ? 0 : this.#afterWatch(outcome);
      }
      await this.#list(signal);
      this.#needsList = false;
      return 0;
    } catch (error) {
      return signal.aborted ? 0 : this.#afterFailure(error, "list");
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { clock, target } = this.#options;
    const bounded = linkedController(signal);
    const timer = clock.after(listTimeoutMs, () =>
      bounded.controller.abort(new Error("the list took too long")),
    );
    try {
      const list = await this.#fetch(bounded.controller.signal);
      signal.throwIfAborted();
      this.#resourceVersion = list.metadata.resourceVersion ?? "";
      target.replace(list.items, this.#resourceVersion);
    } finally {
      timer.cancel();
      bounded.unlink();
    }
  }

  /** A list as new as what was seen, or the newest when the server has none (410, or it restarted from older data). */
  async #fetch(signal: AbortSignal): Promise<KubeList<T>> {
    const { client, resource, selection, firstList } = this.#options;
    if (this.#resourceVersion === "" && firstList === "newest")
      return await client.list(resource, { ...selection, signal });
    try {
      return await client.list(resource, {
        ...selection,
        resourceVersion: this.#resourceVersion || "0",
        signal,
      });
    } catch (error) {
      if (!isExpired(error) && !hasStatusCause(error, "ResourceVersionTooLarge")) throw error;
    }
    try {
      return await this.#fetchPages(signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
    }
    return await client.list(resource, { ...selection, signal });
  }

  async #fetchPages(signal: AbortSignal): Promise<KubeList<T>> {
    const { client, resource, selection } = this.#options;
    const items: T[] = [];
    let token: string | undefined;
    for (;;) {
      const position = token === undefined ? {} : { continue: token };
      const page = await client.list(resource, { ...selection, ...position, limit: pageItemsMax, signal });
      for (const item of page.items) items.push(item);
      const next = page.metadata.continue || undefined;
      if (next === undefined) return { ...page, items };
      if (next === token) throw new Error("the server repeats a continue token");
      token = next;
    }
  }

  #watch(signal: AbortSignal): Promise<WatchOutcome> {
    const { client, resource, selection, clock, random } = this.#options;
    const timeoutSeconds = Math.floor(watchSecondsMin * (1 + random.next()));
    const session = new WatchSession<T>(clock, timeoutSeconds * 1000 + watchGraceMs, (event) =>
      this.#take(event),
    );
    const linked = linkedController(signal);
    session.start(() => {
      linked.unlink();
      linked.controller.abort(new Error("the watch is over"));
    });
    const options = {
      ...selection,
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds,
      signal: linked.controller.signal,
    };
    linked.controller.signal.addEventListener("abort", () => session.end(signal.reason), { once: true });
    if (signal.aborted) session.end(signal.reason);
    else client.watch(resource, options, session).catch((error: unknown) => session.end(error));
    return session.outcome;
  }

  /**
   * Drops late events: they are older than what was seen. Equal versions pass, as a transaction of another writer can change several
   * objects at one; the target knows which states it has.
   */
  #take(event: WatchEvent<T>): void {
    const resourceVersion = event.object.metadata.resourceVersion ?? "";
    if (event.type === "BOOKMARK") {
      if (resourceVersion === "" || isOlder(resourceVersion, this.#resourceVersion)) return;
      this.#resourceVersion = resourceVersion;
      this.#options.target.bookmark(resourceVersion);
    } else if (event.type !== "ERROR" && !isOlder(resourceVersion, this.#resourceVersion)) {
      this.#resourceVersion = resourceVersion;
      this.#options.target.changed(event.type, event.object);
    }
  }

  #afterWatch(outcome: WatchOutcome): number {
    if (outcome.events > 0 || outcome.lastedMs >= healthyWatchMs) this.#failures = 0;
    const { log, resource } = this.#options;
    if (isExpired(outcome.error)) {
      log.debug("watch expired, listing again", { resource: resource.resource });
      this.#needsList = true;
      return this.#failures++ === 0 ? 0 : this.#backoffMs();
    }
    // The server's data is older than ours: it was restored, or is another server. Only a list shows what it has.
    if (hasStatusCause(outcome.error, "ResourceVersionTooLarge")) this.#needsList = true;
    if (outcome.error !== undefined) return this.#afterFailure(outcome.error, "watch");
    if (outcome.isSilent) log.info("watch fell silent, watching again", { resource: resource.resource });
    if (outcome.events > 0 || outcome.lastedMs >= shortWatchMs) return 0;
    return this.#afterFailure(new Error("the watch ended at once without an event"), "watch");
  }

  #afterFailure(error: unknown, verb: "list" | "watch"): number {
    this.#failures++;
    const pauseMs = Math.max(this.#backoffMs(), suggestedRetrySeconds(error) * 1000);
    const { log, resource } = this.#options;
    log.warn("reflector failed", {
      verb,
      resource: resource.resource,
      error,
      failures: this.#failures,
      pauseMs,
    });
    return pauseMs;
  }

  #backoffMs(): number {
    const base = backoffBaseMs * 2 ** Math.min(this.#failures - 1, 10);
    return Math.min(backoffMaxMs, base * (1 + this.#options.random.next()));
  }
}

/** One watch from its request to its end, however it ends. Nothing is passed on afterwards. */
class WatchSession<T extends KubeObject> implements ClientWatchSink<T> {
  readonly outcome: Promise<WatchOutcome>;
  readonly #clock: Clock;
  readonly #take: (event: WatchEvent<T>) => void;
  readonly #startMs: number;
  readonly #deadlineMs: number;
  #resolve!: (outcome: WatchOutcome) => void;
  #release: () => void = () => {};
  #timer: Timer | undefined;
  #heardMs: number;
  #events = 0;
  #isOver = false;

  constructor(clock: Clock, durationMaxMs: number, take: (event: WatchEvent<T>) => void) {
    this.#clock = clock;
    this.#take = take;
    this.#startMs = clock.monotonicMs();
    this.#heardMs = this.#startMs;
    this.#deadlineMs = this.#startMs + durationMaxMs;
    this.outcome = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** @param release runs once, when the session is over. */
  start(release: () => void): void {
    this.#release = release;
    this.#check();
  }

  events(batch: readonly WatchEvent<T>[]): void {
    this.#heardMs = this.#clock.monotonicMs();
    for (const event of batch) {
      if (this.#isOver) return;
      this.#events++;
      this.#take(event);
    }
  }

  end(error?: unknown): void {
    this.#finish(error, false);
  }

  /** Ends a silent watch, or checks again when the silence could be long enough. One timer per watch, none per event. */
  #check(): void {
    const now = this.#clock.monotonicMs();
    const dueMs = Math.min(this.#heardMs + silentMs, this.#deadlineMs);
    if (now >= dueMs) this.#finish(undefined, true);
    else this.#timer = this.#clock.after(dueMs - now, () => this.#check());
  }

  #finish(error: unknown, isSilent: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    const lastedMs = this.#clock.monotonicMs() - this.#startMs;
    this.#resolve({ error, isSilent, events: this.#events, lastedMs });
    this.#release();
  }
}
