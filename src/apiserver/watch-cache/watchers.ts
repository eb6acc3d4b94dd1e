/**
 * Who watches one resource, filed so that an event finds them without looking at the others:
 *
 *   event ──▶ by name ─┐
 *         ──▶ by spec.nodeName (before and after) ─┼─▶ matching watchers ─▶ pending frames ─▶ one sink call per turn
 *         ──▶ by namespace ─┤
 *         ──▶ all ──────────┘
 *
 * Each event is turned into a frame once per type and format, shared by all watchers that want it.
 * Not here: what a request asks for (reads.ts), states (cacher.ts).
 */
import type { Clock, Counter, Gauge, Timer } from "../../base/index.ts";
import {
  expired,
  internalError,
  type KubeObject,
  serviceUnavailable,
  type StatusError,
  type WatchEventType,
  type WatchFrame,
  type WatchSink,
} from "../../machinery/index.ts";
import {
  type KeyValue,
  type Store,
  storageFailureOf,
  type StoreEvent,
  type StoreWatch,
} from "../../storage/index.ts";
import type { CacheEvent, ResourceCache, Scope } from "./cacher.ts";
import { frameOfObject, type StoredObject } from "./encode.ts";

/** How states become frames; `key` names the format, equal keys share frames. */
export interface FrameFormat {
  readonly key: string;
  /** Table columns come only with the first frame of a watch. */
  readonly hasSpecialFirst: boolean;
  frame(type: WatchEventType, state: StoredObject, isFirst: boolean): WatchFrame;
  /** A bookmark in the form of the other frames: clients decode all by one type. */
  bookmark(object: KubeObject, isFirst: boolean): WatchFrame;
}

export interface WatchSpec {
  readonly scope: Scope;
  /** Absent when every object of the scope is wanted. */
  readonly matches?: (state: StoredObject) => boolean;
  readonly format: FrameFormat;
  /** Revision to begin after, or the present state as ADDED events first. */
  readonly from: { readonly after: number } | { readonly state: true; readonly marksEnd: boolean };
  readonly allowsBookmarks: boolean;
  readonly lastsMs: number;
  readonly signal: AbortSignal;
  /** The object of a bookmark before it takes the form: its kind, a resourceVersion, and what no object of the kind lacks. */
  bookmark(resourceVersion: string, annotations?: Readonly<Record<string, string>>): KubeObject;
}

export interface WatchMetrics {
  readonly watchers: Gauge;
  readonly sent: Counter;
  readonly cutOff: Counter;
}

/** Upstream's rhythm of bookmarks. */
const bookmarkEveryMs = 60_000;
/** The last bookmark stands this long before the deadline, so that the client goes on from there. */
const bookmarkLeadMs = 2_000;

interface Watcher {
  readonly spec: WatchSpec;
  readonly sink: WatchSink;
  pending: WatchFrame[];
  isFirst: boolean;
  hasEnded: boolean;
  timer: Timer | undefined;
  readonly stop: () => void;
  /** The store's watch while the watcher is behind the cache's history. */
  behind: StoreWatch | undefined;
  /** Fed by the cache. */
  isLive: boolean;
}

export interface WatchersDependencies {
  readonly cache: ResourceCache;
  readonly store: Store;
  /** A state of the store's history; undefined when it is unreadable. */
  open(stored: KeyValue): StoredObject | undefined;
  readonly clock: Clock;
  readonly metrics: WatchMetrics;
  /** The resource's name in metrics. */
  readonly label: string;
  /** The cacher's revision: bookmarks promise that everything up to it was delivered. */
  revision(): number;
  /** Resolves when the cacher has come to the revision (true), or has not for some seconds (false). */
  reached(revision: number): Promise<boolean>;
}

export class Watchers {
  readonly #cache: ResourceCache;
  readonly #deps: WatchersDependencies;
  readonly #labels: { readonly resource: string };
  readonly #all = new Set<Watcher>();
  readonly #everything = new Set<Watcher>();
  readonly #byNamespace = new Map<string, Set<Watcher>>();
  readonly #byName = new Map<string, Set<Watcher>>();
  readonly #byIndexed = new Map<string, Set<Watcher>>();
  #dirty: Watcher[] = [];

  constructor(dependencies: WatchersDependencies) {
    this.#deps = dependencies;
    this.#cache = dependencies.cache;
    this.#labels = { resource: dependencies.label };
    this.#cache.onEvent = (event) => this.#deliver(event);
    this.#cache.onReplaced = () => this.#endLive();
  }

  get size(): number {
    return this.#all.size;
  }

  /** Begins at once; nothing is missed or doubled between the first frames and the changes that follow. @returns what stops it. */
  start(spec: WatchSpec, sink: WatchSink): () => void {
    const stop = (): void => this.#end(watcher);
    const watcher: Watcher = {
      spec,
      sink,
      pending: [],
      isFirst: true,
      hasEnded: false,
      timer: undefined,
      stop,
      behind: undefined,
      isLive: false,
    };
    this.#all.add(watcher);
    this.#deps.metrics.watchers.set(this.#all.size, this.#labels);
    if ("state" in spec.from) this.#begin(watcher, spec.from.marksEnd);
    else this.#resume(watcher, spec.from.after);
    if (spec.signal.aborted) stop();
    else spec.signal.addEventListener("abort", stop, { once: true });
    this.#setTimer(watcher, this.#deps.clock.monotonicMs() + spec.lastsMs);
    return stop;
  }

  /** Where the indexes are not what the watchers say; empty when all is well. O(watchers): for tests. */
  recount(): readonly string[] {
    const wrong: string[] = [];
    const check = (isRight: boolean, what: string): void =>
      void (isRight || wrong.push(`watchers of ${this.#deps.label}: ${what}`));
    const filed = new Map<Watcher, number>();
    const indexes = [this.#byNamespace, this.#byName, this.#byIndexed];
    for (const set of [this.#everything, ...indexes.flatMap((index) => [...index.values()])])
      for (const watcher of set) filed.set(watcher, (filed.get(watcher) ?? 0) + 1);
    for (const index of indexes)
      for (const [value, set] of index) check(set.size > 0, `nobody is filed under ${value}`);
    for (const watcher of this.#all) {
      const { isLive, hasEnded, behind, spec, pending } = watcher;
      check(!hasEnded, "one is over and still here");
      check((filed.get(watcher) ?? 0) === (isLive ? 1 : 0), `one is filed ${filed.get(watcher) ?? 0} times`);
      check(!isLive || behind === undefined, "one is fed twice");
      const place = this.#placeOf(spec.scope);
      const home = place === undefined ? this.#everything : place.index.get(place.value);
      check(!isLive || home?.has(watcher) === true, "one is filed in a wrong place");
      check(pending.length === 0 || this.#dirty.includes(watcher), "frames of one wait for nothing");
    }
    for (const watcher of filed.keys()) check(this.#all.has(watcher), "one is filed and gone");
    return wrong;
  }

  /** When the server stops. */
  endAll(): void {
    for (const watcher of this.#all) this.#end(watcher);
  }

  /**
   * What happened between the old and the new state of the cache is not known, so those that it fed cannot go on. Their clients
   * come back with their last resourceVersion. Those that read from the store's history go on.
   */
  #endLive(): void {
    for (const watcher of this.#all) {
      if (!watcher.isLive) continue;
      this.#send(watcher);
      this.#end(watcher);
    }
  }

  #begin(watcher: Watcher, marksEnd: boolean): void {
    const { spec } = watcher;
    for (const state of this.#cache.candidates(spec.scope)) {
      if (isWanted(spec, this.#cache, state)) this.#push(watcher, this.#fresh(watcher, "ADDED", state));
    }
    if (marksEnd) this.#pushBookmark(watcher, { "k8s.io/initial-events-end": "true" });
    this.#file(watcher);
  }

  /**
   * From a revision: by the cache's history if that reaches back so far, else by the store's until it does. A store's watch
   * may be ahead of the cache; then the watcher waits, or it would see changes again when the cache comes to them.
   */
  #resume(watcher: Watcher, after: number): void {
    if (watcher.hasEnded) return;
    if (after > this.#deps.revision()) {
      void this.#deps.reached(after).then(() => this.#resume(watcher, after));
      return;
    }
    const events = this.#cache.eventsAfter(after);
    if (events === undefined) this.#readHistory(watcher, after);
    else {
      for (const event of events) this.#offerIfInScope(watcher, event);
      this.#file(watcher);
    }
  }

  #readHistory(watcher: Watcher, after: number): void {
    const passed = (revision: number): void => {
      if (watcher.hasEnded || revision < this.#cache.historyStart) return;
      watcher.behind?.cancel();
      watcher.behind = undefined;
      this.#resume(watcher, revision);
    };
    watcher.behind = this.#deps.store.watch(
      { prefix: this.#prefixOf(watcher.spec.scope), after },
      {
        events: (batch) => {
          for (const event of batch) {
            const change = this.#changeOf(event);
            if (change !== undefined) this.#offerIfInScope(watcher, change);
          }
          passed(batch[batch.length - 1]!.revision);
        },
        progress: passed,
        failed: (error) => this.#fail(watcher, watchError(error)),
      },
    );
  }

  /** The event as the cache would have made it: an unreadable value counts as absent. Undefined when that leaves no change. */
  #changeOf(event: StoreEvent): CacheEvent | undefined {
    const current = event.type === "put" ? this.#deps.open(event.current) : undefined;
    const last = event.type === "put" ? event.previous : event.current;
    const before = last && this.#deps.open(last);
    const state = current ?? before?.at(event.revision);
    if (state === undefined) return undefined;
    return {
      type: current === undefined ? "delete" : "put",
      revision: event.revision,
      ...this.#cache.addressOf(event.key),
      current: state,
      ...(before === undefined ? {} : { previous: before }),
    };
  }

  #prefixOf(scope: Scope): string {
    const { prefix, namespaced } = this.#cache.resource;
    return namespaced && scope.namespace !== undefined ? `${prefix}${scope.namespace}/` : prefix;
  }

  #deliver(event: CacheEvent): void {
    const frames = new EventFrames(event);
    for (const watcher of this.#everything) this.#offer(watcher, event, frames);
    this.#deliverTo(this.#byNamespace.get(event.namespace), event, frames);
    if (this.#byName.size > 0) {
      this.#deliverTo(this.#byName.get(`${event.namespace}/${event.name}`), event, frames);
      if (event.namespace !== "") this.#deliverTo(this.#byName.get(`/${event.name}`), event, frames);
    }
    const indexValue = this.#cache.resource.indexValue;
    if (indexValue === undefined || this.#byIndexed.size === 0) return;
    const now = indexValue(event.current);
    const before = event.previous === undefined ? now : indexValue(event.previous);
    this.#deliverTo(this.#byIndexed.get(now), event, frames);
    if (before !== now) this.#deliverTo(this.#byIndexed.get(before), event, frames);
  }

  #deliverTo(watchers: Set<Watcher> | undefined, event: CacheEvent, frames: EventFrames): void {
    if (watchers === undefined) return;
    for (const watcher of watchers) this.#offer(watcher, event, frames);
  }

  #offerIfInScope(watcher: Watcher, event: CacheEvent): void {
    const { namespace, name } = watcher.spec.scope;
    if (namespace !== undefined && this.#cache.resource.namespaced && event.namespace !== namespace) return;
    if (name !== undefined && event.name !== name) return;
    this.#offer(watcher, event, new EventFrames(event));
  }

  /** The transition that this watcher sees, if any. Its scope's namespace and name are known to fit. */
  #offer(watcher: Watcher, event: CacheEvent, frames: EventFrames): void {
    const { matches, format } = watcher.spec;
    const did = event.previous !== undefined && (matches === undefined || matches(event.previous));
    const does = event.type === "put" && (matches === undefined || matches(event.current));
    if (!did && !does) return;
    const type: WatchEventType = does ? (did ? "MODIFIED" : "ADDED") : "DELETED";
    this.#push(watcher, frames.of(format, type, watcher.isFirst));
    watcher.isFirst = false;
  }

  #fresh(watcher: Watcher, type: WatchEventType, state: StoredObject): WatchFrame {
    const frame = watcher.spec.format.frame(type, state, watcher.isFirst);
    watcher.isFirst = false;
    return frame;
  }

  #pushBookmark(watcher: Watcher, annotations?: Readonly<Record<string, string>>): void {
    const { format, bookmark } = watcher.spec;
    const object = bookmark(String(this.#deps.revision()), annotations);
    this.#push(watcher, format.bookmark(object, watcher.isFirst));
    watcher.isFirst = false;
  }

  /** Frames wait until the microtasks of this turn are through, so that a burst of writes is one call of the sink. */
  #push(watcher: Watcher, frame: WatchFrame): void {
    if (watcher.hasEnded) return;
    if (watcher.pending.length === 0) {
      if (this.#dirty.length === 0) queueMicrotask(() => this.#flush());
      this.#dirty.push(watcher);
    }
    watcher.pending.push(frame);
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const watcher of dirty) this.#send(watcher);
  }

  #send(watcher: Watcher): void {
    const frames = watcher.pending;
    if (frames.length === 0 || watcher.hasEnded) return;
    watcher.pending = [];
    this.#deps.metrics.sent.add(frames.length, this.#labels);
    if (watcher.sink.events(frames)) return;
    this.#deps.metrics.cutOff.add(1, this.#labels);
    this.#end(watcher);
  }

  #fail(watcher: Watcher, error: StatusError): void {
    this.#push(watcher, frameOfObject("ERROR", error.status));
    // Not before `start` has returned: the caller has no handle on the watch yet.
    queueMicrotask(() => {
      this.#send(watcher);
      this.#end(watcher);
    });
  }

  #end(watcher: Watcher): void {
    if (watcher.hasEnded) return;
    watcher.hasEnded = true;
    watcher.pending = [];
    watcher.timer?.cancel();
    watcher.behind?.cancel();
    watcher.spec.signal.removeEventListener("abort", watcher.stop);
    this.#all.delete(watcher);
    this.#unfile(watcher);
    this.#deps.metrics.watchers.set(this.#all.size, this.#labels);
    watcher.sink.end();
  }

  #setTimer(watcher: Watcher, deadlineMs: number): void {
    if (watcher.hasEnded) return;
    const { clock } = this.#deps;
    const leftMs = deadlineMs - clock.monotonicMs();
    if (!watcher.spec.allowsBookmarks || leftMs <= bookmarkLeadMs) {
      watcher.timer = clock.after(Math.max(0, leftMs), () => {
        this.#send(watcher);
        this.#end(watcher);
      });
      return;
    }
    watcher.timer = clock.after(Math.min(bookmarkEveryMs, leftMs - bookmarkLeadMs), () => {
      if (watcher.isLive) this.#pushBookmark(watcher);
      this.#setTimer(watcher, deadlineMs);
    });
  }

  #file(watcher: Watcher): void {
    if (watcher.hasEnded) return;
    watcher.isLive = true;
    const place = this.#placeOf(watcher.spec.scope);
    if (place === undefined) {
      this.#everything.add(watcher);
      return;
    }
    const watchers = place.index.get(place.value);
    if (watchers === undefined) place.index.set(place.value, new Set([watcher]));
    else watchers.add(watcher);
  }

  #unfile(watcher: Watcher): void {
    const place = this.#placeOf(watcher.spec.scope);
    if (place === undefined) {
      this.#everything.delete(watcher);
      return;
    }
    const watchers = place.index.get(place.value);
    watchers?.delete(watcher);
    if (watchers?.size === 0) place.index.delete(place.value);
  }

  /** The narrowest index; each watcher stands in exactly one. */
  #placeOf(scope: Scope): { readonly index: Map<string, Set<Watcher>>; readonly value: string } | undefined {
    const namespace = this.#cache.resource.namespaced ? (scope.namespace ?? "") : "";
    if (scope.name !== undefined) return { index: this.#byName, value: `${namespace}/${scope.name}` };
    if (scope.indexed !== undefined && scope.namespace === undefined)
      return { index: this.#byIndexed, value: scope.indexed };
    if (namespace !== "") return { index: this.#byNamespace, value: namespace };
    return undefined;
  }
}

/** The error that a client gets when the store's watch has failed. Only forgotten history is 410, which makes it list anew. */
function watchError(error: unknown): StatusError {
  const failure = storageFailureOf(error);
  if (failure?.code === "compacted")
    return expired(`too old resource version: ${failure.asked} (${failure.oldest})`);
  return failure?.code === "unavailable"
    ? serviceUnavailable("the storage is not available")
    : internalError(error);
}

/** The frames of one event, each made when the first watcher asks. */
class EventFrames {
  readonly #event: CacheEvent;
  #format: FrameFormat | undefined;
  #type: WatchEventType | undefined;
  #frame: WatchFrame | undefined;
  #others: Map<string, WatchFrame> | undefined;
  #departed: StoredObject | undefined;

  constructor(event: CacheEvent) {
    this.#event = event;
  }

  of(format: FrameFormat, type: WatchEventType, isFirst: boolean): WatchFrame {
    // Nearly all watchers of an event want the same frame: no key is built for them.
    if (format === this.#format && type === this.#type && !format.hasSpecialFirst) return this.#frame!;
    const key = `${type}/${format.key}${format.hasSpecialFirst && isFirst ? "/first" : ""}`;
    const known = this.#others?.get(key);
    const frame = known ?? format.frame(type, this.#stateFor(type), isFirst);
    if (known === undefined) (this.#others ??= new Map()).set(key, frame);
    this.#format = format;
    this.#type = type;
    this.#frame = frame;
    return frame;
  }

  /** An object that stopped matching is shown as it was, under the revision of the change. */
  #stateFor(type: WatchEventType): StoredObject {
    if (type !== "DELETED" || this.#event.type === "delete") return this.#event.current;
    return (this.#departed ??= this.#event.previous!.at(this.#event.revision));
  }
}

/** Whether a candidate of the scope's index is really wanted. */
export function isWanted(
  spec: Pick<WatchSpec, "scope" | "matches">,
  cache: ResourceCache,
  state: StoredObject,
): boolean {
  const { namespace, name } = spec.scope;
  if (namespace !== undefined || name !== undefined) {
    const address = cache.addressOf(state.key);
    if (namespace !== undefined && cache.resource.namespaced && address.namespace !== namespace) return false;
    if (name !== undefined && address.name !== name) return false;
  }
  return spec.matches === undefined || spec.matches(state);
}
