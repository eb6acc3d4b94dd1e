/**
 * The newest state of everything, in memory: one watch on the store feeds one cache per resource.
 *
 *   store.watch("/") ──▶ Cacher ──▶ ResourceCache(pods) ──▶ state by key, namespace, spec.nodeName
 *                          │                        └──────▶ short history of events ──▶ watchers.ts
 *                          └ `revision`: all changes up to it are in the caches
 *
 * Not here: older states (the store has them), who watches (watchers.ts), writes (writes.ts).
 */
import { assert, type Clock } from "../../base/index.ts";
import { serviceUnavailable } from "../../machinery/index.ts";
import type { KeyValue, Store, StoreEvent, StoreWatch } from "../../storage/index.ts";
import { Bucket, BucketIndex } from "./buckets.ts";
import type { ParseValue, StoredObject, WrittenObjects } from "./encode.ts";

/** What the cacher has to know of a stored resource. */
export interface CachedResource {
  /** `/core/pods/`. */
  readonly prefix: string;
  readonly namespaced: boolean;
  readonly parse: ParseValue;
  /** Objects are many and seldom read: but for the newest only the bytes are kept. */
  readonly isSeldomRead?: boolean;
  /** The value that objects are also filed under (`spec.nodeName` of pods). */
  readonly indexValue?: (state: StoredObject) => string;
}

/** One change, shared by all watchers. */
export interface CacheEvent {
  readonly type: "put" | "delete";
  readonly revision: number;
  readonly namespace: string;
  readonly name: string;
  /** The new state; for a delete the last state, under the revision of the deletion. */
  readonly current: StoredObject;
  /** The state before; absent when the object was created. */
  readonly previous?: StoredObject;
}

/** Which states a list or watch can be about; the rest is filtered. */
export interface Scope {
  readonly namespace?: string;
  readonly name?: string;
  readonly indexed?: string;
}

/**
 * Events kept per resource to start watches from. A client lists and watches within a second or so; older starts
 * are served from the store's history. Each event may hold one state that nobody else needs (about 10 kB).
 */
const historyEventsMax = 2048;

/**
 * Of resources that are seldom read, the objects of so many events are kept, for the replies and watches that are under way.
 * The others die young, which costs next to nothing.
 */
const freshObjectsMax = 256;

/** How long a read may wait for the cache to reach a revision; upstream's 3 s. */
const freshWaitMs = 3000;

export class ResourceCache {
  readonly resource: CachedResource;
  /** Called for every change after the cache has taken it in; set by the watchers of this resource. */
  onEvent: ((event: CacheEvent) => void) | undefined;
  readonly #all = new Bucket();
  readonly #byNamespace = new BucketIndex();
  readonly #byIndexed = new BucketIndex();
  #history: CacheEvent[] = [];
  #historyStart = 0;
  #lastChange = 0;

  constructor(resource: CachedResource) {
    this.resource = resource;
  }

  /** Before the first load: the revision that everything loaded belongs to. */
  begin(revision: number): void {
    this.#historyStart = revision;
    this.#lastChange = revision;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Revision of the last change of any object of this resource (or of the load). */
  get lastChange(): number {
    return this.#lastChange;
  }

  /** All events after this revision are in the history. */
  get historyStart(): number {
    return this.#historyStart;
  }

  get(namespace: string | undefined, name: string): StoredObject | undefined {
    return this.#all.get(this.keyOf(namespace, name));
  }

  byKey(key: string): StoredObject | undefined {
    return this.#all.get(key);
  }

  keyOf(namespace: string | undefined, name: string): string {
    return this.resource.namespaced
      ? `${this.resource.prefix}${namespace ?? ""}/${name}`
      : `${this.resource.prefix}${name}`;
  }

  /** The states that can be in `scope`, by key from `start` on; narrowed by the best index, not filtered further. */
  candidates(scope: Scope, start?: string): readonly StoredObject[] {
    if (scope.name !== undefined && (scope.namespace !== undefined || !this.resource.namespaced)) {
      const state = this.get(scope.namespace, scope.name);
      return state === undefined || (start !== undefined && state.key < start) ? [] : [state];
    }
    if (scope.indexed !== undefined) return this.#byIndexed.get(scope.indexed)?.sorted(start) ?? [];
    if (scope.namespace !== undefined && this.resource.namespaced) {
      return this.#byNamespace.get(scope.namespace)?.sorted(start) ?? [];
    }
    return this.#all.sorted(start);
  }

  countIn(namespace: string | undefined): number {
    if (namespace === undefined || !this.resource.namespaced) return this.#all.size;
    return this.#byNamespace.get(namespace)?.size ?? 0;
  }

  /** Events after `revision`, or undefined when the history does not reach back so far. */
  eventsAfter(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#historyStart) return undefined;
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  load(state: StoredObject): void {
    this.#put(state, undefined);
  }

  apply(event: StoreEvent, state: StoredObject): void {
    const previous = this.#all.get(event.key);
    const address = this.addressOf(event.key);
    if (event.type === "put") this.#put(state, previous);
    else this.#remove(event.key, previous);
    const current = event.type === "put" ? state : state.at(event.revision);
    const change: CacheEvent = {
      type: event.type,
      revision: event.revision,
      ...address,
      current,
      ...(previous === undefined ? {} : { previous }),
    };
    this.#lastChange = event.revision;
    this.#remember(change);
    this.onEvent?.(change);
  }

  addressOf(key: string): { readonly namespace: string; readonly name: string } {
    const rest = key.slice(this.resource.prefix.length);
    const slash = this.resource.namespaced ? rest.indexOf("/") : -1;
    return slash < 0
      ? { namespace: "", name: rest }
      : { namespace: rest.slice(0, slash), name: rest.slice(slash + 1) };
  }

  #put(state: StoredObject, previous: StoredObject | undefined): void {
    this.#all.set(state);
    if (this.resource.namespaced) this.#byNamespace.set(this.addressOf(state.key).namespace, state);
    const indexValue = this.resource.indexValue;
    if (indexValue === undefined) return;
    const value = indexValue(state);
    const before = previous === undefined ? value : indexValue(previous);
    if (before !== value) this.#byIndexed.delete(before, state.key);
    this.#byIndexed.set(value, state);
  }

  #remove(key: string, previous: StoredObject | undefined): void {
    this.#all.delete(key);
    if (this.resource.namespaced) this.#byNamespace.delete(this.addressOf(key).namespace, key);
    if (this.resource.indexValue !== undefined && previous !== undefined) {
      this.#byIndexed.delete(this.resource.indexValue(previous), key);
    }
  }

  #remember(event: CacheEvent): void {
    this.#history.push(event);
    if (this.resource.isSeldomRead === true) this.#history.at(-1 - freshObjectsMax)?.current.forgetObject();
    // Cut in halves, so that the cost per event stays constant.
    if (this.#history.length >= 2 * historyEventsMax) {
      this.#historyStart = this.#history[historyEventsMax - 1]!.revision;
      this.#history = this.#history.slice(historyEventsMax);
    }
  }
}

interface Waiter {
  readonly revision: number;
  readonly done: () => void;
  /** The cacher has stopped. */
  readonly failed: () => void;
}

export interface CacherDependencies {
  readonly store: Store;
  readonly written: WrittenObjects;
  readonly clock: Clock;
}

export class Cacher {
  readonly #store: Store;
  readonly #written: WrittenObjects;
  readonly #clock: Clock;
  readonly #caches = new Map<string, ResourceCache>();
  #waiters: Waiter[] = [];
  #revision = 0;
  #watch: StoreWatch | undefined;
  #failed: ((error: unknown) => void) | undefined;

  constructor(resources: readonly CachedResource[], dependencies: CacherDependencies) {
    this.#store = dependencies.store;
    this.#written = dependencies.written;
    this.#clock = dependencies.clock;
    for (const resource of resources) this.#caches.set(resource.prefix, new ResourceCache(resource));
  }

  /** All changes up to here are in the caches, and have been given to `onEvent`. */
  get revision(): number {
    return this.#revision;
  }

  /** False before `start` has read the store, and after `stop`: nothing can be answered. */
  get isLoaded(): boolean {
    return this.#watch !== undefined;
  }

  /** Loads everything and follows the store from there. `failed` is called when the store's watch breaks: nothing can be served then. */
  async start(failed: (error: unknown) => void): Promise<void> {
    this.#failed = failed;
    const { items, revision } = await this.#store.list({ prefix: "/" });
    for (const cache of this.#caches.values()) cache.begin(revision);
    for (const item of items) {
      const cache = this.#cacheOfKey(item.key);
      cache?.load(this.#open(item, cache));
    }
    this.#revision = revision;
    this.#watch = this.#store.watch(
      { prefix: "/", after: revision },
      { events: (batch) => this.#take(batch), failed: (error) => this.#failed?.(error) },
    );
  }

  /** Those who wait are refused: nothing more will come. */
  stop(): void {
    this.#watch?.cancel();
    this.#watch = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.failed();
  }

  cache(prefix: string): ResourceCache {
    const cache = this.#caches.get(prefix);
    assert(cache !== undefined, "a resource without cache", { prefix });
    return cache;
  }

  /** Rejects with 503 when the cacher stops meanwhile. Undefined when everything that the store has acknowledged is in the caches already: then nobody need wait. */
  catchUp(): Promise<void> | undefined {
    const newest = this.#store.currentRevision();
    if (typeof newest !== "number") return newest.then((wanted) => this.#passed(wanted));
    return newest <= this.#revision ? undefined : this.#passed(newest);
  }

  #passed(revision: number): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve();
    return new Promise((done, reject) => {
      const failed = (): void => reject(serviceUnavailable("the server is stopping"));
      this.#waiters.push({ revision, done, failed });
    });
  }

  /** Resolves to true once `revision` has been reached, to false after `freshWaitMs`. */
  reached(revision: number): Promise<boolean> {
    if (revision <= this.#revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        done: () => {
          timer.cancel();
          resolve(true);
        },
        failed: () => {
          timer.cancel();
          resolve(false);
        },
      };
      const timer = this.#clock.after(freshWaitMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(false);
      });
      this.#waiters.push(waiter);
    });
  }

  #take(batch: readonly StoreEvent[]): void {
    for (const event of batch) {
      const cache = this.#cacheOfKey(event.key);
      if (cache !== undefined) {
        const known = event.type === "delete" ? cache.byKey(event.key) : undefined;
        cache.apply(event, known ?? this.#open(event.current, cache));
      }
      this.#revision = event.revision;
    }
    if (this.#waiters.length === 0) return;
    const reached = this.#waiters.filter((waiter) => waiter.revision <= this.#revision);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of reached) waiter.done();
  }

  #open(stored: KeyValue, cache: ResourceCache): StoredObject {
    const state = this.#written.open(stored, cache.resource.parse);
    this.#written.forget(stored);
    return state;
  }

  /** Keys are `/group/resource/...`: the cache is found by the part up to the third slash. */
  #cacheOfKey(key: string): ResourceCache | undefined {
    const end = key.indexOf("/", key.indexOf("/", 1) + 1);
    return this.#caches.get(key.slice(0, end + 1));
  }
}
