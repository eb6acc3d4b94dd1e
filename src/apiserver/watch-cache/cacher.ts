/**
 * The newest state of everything, in memory: one watch on the store feeds one cache per resource.
 *
 *   store-follower ──▶ Cacher ──▶ ResourceCache(pods) ──▶ state by key, namespace, spec.nodeName
 *                        │                        └──────▶ short history of events ──▶ watchers.ts
 *                        └ `revision`: all changes up to it are in the caches
 *
 * Not here: how the store is followed (store-follower.ts), older states (the store has them), who watches (watchers.ts), writes (writes.ts).
 */
import { assert, type Clock, type Log, type Metrics, type Timer } from "../../base/index.ts";
import {
  resourceVersionTooLarge,
  serviceUnavailable,
  timeout,
  tooManyRequests,
} from "../../machinery/index.ts";
import type { KeyValue, Store, StoreEvent } from "../../storage/index.ts";
import { Bucket, BucketIndex } from "./buckets.ts";
import type { StoredObject, WrittenObjects } from "./encode.ts";
import { NewestRevision, RevisionWaiters } from "./freshness.ts";
import { Loading } from "./loading.ts";
import { type ReadableResource, StoredValues } from "./stored-values.ts";
import { eachPage, type FollowedCopy, type Renewal, StoreFollower } from "./store-follower.ts";

/** What the cacher has to know of a stored resource; its prefix is as `/core/pods/`. */
export interface CachedResource extends ReadableResource {
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
 * Events whose states keep their objects for the replies and watches that are under way: the superseded states of all
 * resources, and the new ones of those that are seldom read. Later they are parsed again if somebody asks.
 */
const freshObjectsMax = 256;

/** How long a read may wait for the cache to reach a revision; upstream's 3 s. */
const freshWaitMs = 3000;

/** A watch that is broken for so long, in ms, is no passing matter such as an election: readiness says so. */
const lostMaxMs = 10_000;

export class ResourceCache {
  readonly resource: CachedResource;
  /** Called for every change after the cache has taken it in; set by the watchers of this resource. */
  onEvent: ((event: CacheEvent) => void) | undefined;
  /** Called after everything has been replaced: what happened in between is not known. */
  onReplaced: (() => void) | undefined;
  #all = new Bucket();
  #byNamespace = new BucketIndex();
  #byIndexed = new BucketIndex();
  #history: CacheEvent[] = [];
  #historyStart = 0;
  #lastChange = 0;

  constructor(resource: CachedResource) {
    this.resource = resource;
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

  /** These states, as of `revision`, in place of what was there; history begins anew. */
  replace(states: readonly StoredObject[], revision: number): void {
    this.#all = new Bucket();
    this.#byNamespace = new BucketIndex();
    this.#byIndexed = new BucketIndex();
    this.#history = [];
    this.#historyStart = revision;
    this.#lastChange = revision;
    for (const state of states) this.#put(state, undefined);
    this.onReplaced?.();
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

  /** Where the indexes and the history are not what the states say; empty when all is well. O(objects): for tests. */
  recount(): readonly string[] {
    const { prefix, namespaced, indexValue } = this.resource;
    const states = this.#all.sorted();
    const wrong: string[] = [];
    const check = (isRight: boolean, what: string): void =>
      void (isRight || wrong.push(`${prefix}: ${what}`));
    check(states.length === this.#all.size, `${this.#all.size} states, ${states.length} of them listed`);
    const indexes: [string, BucketIndex, (state: StoredObject) => string][] = [];
    if (namespaced)
      indexes.push(["namespace", this.#byNamespace, ({ key }) => this.addressOf(key).namespace]);
    if (indexValue !== undefined) indexes.push(["indexed value", this.#byIndexed, indexValue]);
    for (const [name, index, valueOf] of indexes) {
      const counts = new Map<string, number>();
      for (const state of states) {
        const value = valueOf(state);
        counts.set(value, (counts.get(value) ?? 0) + 1);
        check(index.get(value)?.get(state.key) === state, `${state.key} is not under its ${name}`);
      }
      check(index.size === counts.size, `${index.size} buckets for ${counts.size} of the ${name}`);
      for (const [value, count] of counts)
        check(index.get(value)?.size === count, `${index.get(value)?.size} of ${count} under ${value}`);
    }
    let last = this.#historyStart;
    for (const { revision } of this.#history) {
      check(revision >= last, `event ${revision} after ${last}`);
      last = revision;
    }
    check(last <= this.#lastChange, `the last change is ${this.#lastChange}, not ${last}`);
    return wrong;
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
    const aged = this.#history.at(-1 - freshObjectsMax);
    aged?.previous?.forgetObject();
    if (this.resource.isSeldomRead === true) aged?.current.forgetObject();
    // Cut in halves, so that the cost per event stays constant.
    if (this.#history.length >= 2 * historyEventsMax) {
      this.#historyStart = this.#history[historyEventsMax - 1]!.revision;
      this.#history = this.#history.slice(historyEventsMax);
    }
  }
}

/** A resource whose objects are known, but which is not shown yet. One of `show` and `drop` is called, once. */
export interface LoadedResource {
  /** False once it has missed changes, because everything is or was listed anew. */
  isCurrent(): boolean;
  /** Only while it is current. From now on this cache is the one of its prefix, in place of any other. It is as new as all caches are. */
  show(): ResourceCache;
  drop(): void;
}

export interface CacherDependencies {
  readonly store: Store;
  readonly written: WrittenObjects;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class Cacher {
  readonly #written: WrittenObjects;
  readonly #values: StoredValues;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #caches = new Map<string, ResourceCache>();
  /** By prefix: resources that are being added. */
  readonly #loading = new Map<string, Loading>();
  readonly #newest: NewestRevision;
  readonly #waiters: RevisionWaiters;
  readonly #follower: StoreFollower;
  #revision = 0;
  readonly #stopped = new AbortController();
  /** How often everything has been listed, or begun to be. */
  #renewals = 0;
  #settleStart!: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
  /** Resolves when the first list is in. */
  readonly #started: Promise<void> = new Promise((resolve, reject) => {
    this.#settleStart = { resolve, reject };
  });

  constructor(resources: readonly CachedResource[], dependencies: CacherDependencies) {
    const { store, written, clock } = dependencies;
    this.#store = store;
    this.#written = written;
    this.#values = new StoredValues({ ...dependencies, isShared: store.hasOtherWriters });
    this.#clock = clock;
    this.#newest = new NewestRevision(store);
    this.#waiters = new RevisionWaiters(clock);
    for (const resource of resources) this.#caches.set(resource.prefix, new ResourceCache(resource));
    const copy: FollowedCopy = {
      revision: () => this.#revision,
      renew: () => this.#renew(),
      take: (batch) => this.#take(batch),
      pass: (revision) => this.#reach(revision),
    };
    this.#follower = new StoreFollower(copy, dependencies);
    // Those who do not load anything need not hear that the server has stopped.
    this.#started.catch(() => {});
  }

  /** All changes up to here, and none after, are in the caches and have been given to `onEvent`. Never goes back. */
  get revision(): number {
    return this.#revision;
  }

  /** False before `start` has read the store, and after `stop`: nothing can be answered. */
  get isLoaded(): boolean {
    const { phase } = this.#follower;
    return phase !== "loading" && phase !== "stopped";
  }

  /** False also while everything is listed anew, and when the store has not been followed for a while: other servers do better. */
  get isCurrent(): boolean {
    return this.isLoaded && this.#follower.phase !== "relisting" && this.#follower.lostForMs < lostMaxMs;
  }

  /**
   * Loads everything and follows the store from there, through broken watches and forgotten history. Rejects, and later calls
   * `failed`, for what trying again cannot mend: nothing can be served then.
   */
  async start(failed: (error: unknown) => void): Promise<void> {
    await this.#follower.start(failed);
    this.#settleStart.resolve();
  }

  /** Those who wait are refused: nothing more will come. */
  stop(): void {
    this.#follower.stop();
    this.#waiters.stop();
    this.#stopped.abort();
    this.#settleStart.reject(serviceUnavailable("the server is stopping"));
  }

  cache(prefix: string): ResourceCache {
    const cache = this.#caches.get(prefix);
    assert(cache !== undefined, "a resource without cache", { prefix });
    return cache;
  }

  /**
   * Gets to know the objects of one more resource, or of one that takes the place of another, while all others are served. Waits
   * for the first list of the store. Rejects when the store cannot be read, when the caches do not come to what was read, and while
   * everything is listed anew.
   */
  async load(resource: CachedResource): Promise<LoadedResource> {
    const { prefix } = resource;
    await this.#started;
    if (this.#stopped.signal.aborted) throw serviceUnavailable("the server is stopping");
    assert(!this.#loading.has(prefix), "a resource is being loaded already", { prefix });
    const loading = new Loading();
    const drop = (): void => void this.#loading.delete(prefix);
    const isCurrent = this.#untilRenewed();
    this.#loading.set(prefix, loading);
    try {
      const { signal } = this.#stopped;
      const revision = await eachPage(this.#store, { prefix, signal }, (items) => loading.add(items));
      loading.listedAt(revision);
      await this.#wait(revision, this.#clock.monotonicMs());
    } catch (error) {
      drop();
      throw error;
    }
    const show = (): ResourceCache => {
      assert(isCurrent(), "a resource is shown that has missed changes", { prefix });
      drop();
      const cache = new ResourceCache(resource);
      loading.fill(this.#revision, {
        replace: (items, revision) => cache.replace(this.#statesOf(items, cache), revision),
        apply: (event) => this.#apply(event, cache),
      });
      this.#caches.set(prefix, cache);
      return cache;
    };
    return { isCurrent, show, drop };
  }

  /** True until everything is listed anew: what happens meanwhile is told to nobody. */
  #untilRenewed(): () => boolean {
    const before = this.#renewals;
    return () => before === this.#renewals && this.isLoaded && this.#follower.phase !== "relisting";
  }

  /** The cache is fed no more, and what is stored stays. */
  remove(prefix: string): void {
    assert(this.#caches.delete(prefix), "a resource without cache", { prefix });
  }

  /**
   * Undefined when everything that the store has acknowledged is in the caches already: then nobody need wait.
   * Settles within `freshWaitMs`. Rejects with 504 when the caches are late, with 429 while everything is listed anew, with 503 when
   * the server stops, and with the store's failure.
   */
  catchUp(): Promise<void> | undefined {
    const newest = this.#newest.ask();
    return typeof newest === "number" && newest <= this.#revision ? undefined : this.#catchUp(newest);
  }

  /** As `catchUp`, for a revision that somebody has seen. */
  waitUntil(revision: number): Promise<void> | undefined {
    return revision <= this.#revision ? undefined : this.#wait(revision, this.#clock.monotonicMs());
  }

  /** Resolves to true once `revision` has been reached, to false after `freshWaitMs` or when the server stops. */
  async reached(revision: number): Promise<boolean> {
    if (revision <= this.#revision) return true;
    this.#follower.requestProgress();
    return (await this.#waiters.wait(revision, freshWaitMs)) === "reached";
  }

  async #catchUp(newest: number | Promise<number>): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    await this.#wait(typeof newest === "number" ? newest : await this.#inTime(newest), startedMs);
  }

  /** @throws StatusError 504 when the store does not say its revision in time. */
  async #inTime(newest: Promise<number>): Promise<number> {
    let timer: Timer | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = this.#clock.after(freshWaitMs, () => resolve(undefined));
    });
    const revision = await Promise.race([newest, late]).finally(() => timer?.cancel());
    if (revision !== undefined) return revision;
    throw timeout("the storage did not say its revision in time", { retryAfterSeconds: 1 });
  }

  async #wait(revision: number, startedMs: number): Promise<void> {
    if (revision <= this.#revision) return;
    this.#follower.requestProgress();
    const leftMs = freshWaitMs - (this.#clock.monotonicMs() - startedMs);
    const outcome = await this.#waiters.wait(revision, Math.max(0, leftMs));
    if (outcome === "reached") return;
    if (outcome === "stopped") throw serviceUnavailable("the server is stopping");
    this.#follower.giveUpIfSilentSince(startedMs);
    throw this.#follower.phase === "relisting"
      ? tooManyRequests("storage is (re)initializing", { retryAfterSeconds: 1 })
      : resourceVersionTooLarge(revision, this.#revision);
  }

  /** Finished in one step: nobody sees some caches new and some old. States that have not changed stay the same objects. */
  #renew(): Renewal {
    this.#renewals++;
    const states = new Map<ResourceCache, StoredObject[]>();
    for (const cache of this.#caches.values()) states.set(cache, []);
    const add = (item: KeyValue): void => {
      const cache = this.#cacheOfKey(item.key);
      if (cache === undefined) return;
      const known = cache.byKey(item.key);
      const state = known?.revision === item.modRevision ? known : this.#takeOver(item, cache);
      if (state !== undefined) states.get(cache)!.push(state);
    };
    return {
      add: (items) => items.forEach(add),
      finish: (revision) => {
        // One that was removed meanwhile is left alone.
        for (const [cache, all] of states)
          if (this.#caches.get(cache.resource.prefix) === cache) cache.replace(all, revision);
        this.#reach(revision);
      },
    };
  }

  #take(batch: readonly StoreEvent[]): void {
    const { revision } = batch[0]!;
    assert(revision > this.#revision, "the store's watch repeats itself", { revision, at: this.#revision });
    for (const event of batch) {
      if (this.#loading.size > 0) this.#loading.get(prefixOf(event.key))?.take(event);
      const cache = this.#cacheOfKey(event.key);
      if (cache !== undefined) this.#apply(event, cache);
    }
    this.#reach(batch[batch.length - 1]!.revision);
  }

  #apply(event: StoreEvent, cache: ResourceCache): void {
    const state = event.type === "put" ? this.#takeOver(event.current, cache) : undefined;
    const known = state === undefined ? cache.byKey(event.key) : undefined;
    if (state !== undefined) cache.apply(event, state);
    // What has become unreadable is gone as well.
    else if (known !== undefined) cache.apply({ ...event, type: "delete" }, known);
  }

  #statesOf(items: readonly KeyValue[], cache: ResourceCache): readonly StoredObject[] {
    return items.flatMap((item) => this.#takeOver(item, cache) ?? []);
  }

  #reach(revision: number): void {
    assert(revision >= this.#revision, "the store's watch went back", {
      from: this.#revision,
      to: revision,
    });
    this.#revision = revision;
    this.#waiters.reach(revision);
  }

  /** A state of the store's history; undefined when it is unreadable. */
  open(stored: KeyValue, cache: ResourceCache): StoredObject | undefined {
    return this.#values.open(stored, cache.resource);
  }

  #takeOver(stored: KeyValue, cache: ResourceCache): StoredObject | undefined {
    const state = this.open(stored, cache);
    this.#written.forget(stored);
    return state;
  }

  #cacheOfKey(key: string): ResourceCache | undefined {
    return this.#caches.get(prefixOf(key));
  }
}

/** Keys are `/group/resource/...`: the resource is the part up to the third slash. */
function prefixOf(key: string): string {
  return key.slice(0, key.indexOf("/", key.indexOf("/", 1) + 1) + 1);
}
