/**
 * Maker of `Informer` and `InformerFactory` (informer.ts holds the contracts): reflector → cache and indexes → handlers.
 * What handlers are told, folded, equals the cache at every call; an update never changes the UID.
 * Upstream: client-go tools/cache/shared_informer.go. Differs: no resync; handlers run at once, without a queue of their own.
 */
import { assert, type Clock, type Log, type Random } from "../../base/index.ts";
import {
  keyOf,
  type KubeObject,
  type Resource,
  resourcePath,
  type SharedParts,
} from "../../machinery/index.ts";
import { linkedController } from "../transport/api-client.ts";
import type { Client } from "../transport/client.ts";
import { FollowedDiscovery } from "./discovered-resources.ts";
import type { Informer, InformerFactory, InformerHandler, Lister } from "./informer.ts";
import { ObjectCache } from "./object-cache.ts";
import { isOlder } from "./resource-version.ts";
import { type FirstList, reflect, type ReflectorTarget, type Selection } from "./reflector.ts";

export interface InformerDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How new the first list has to be; default `cached`. */
  readonly firstList?: FirstList;
  /**
   * Equal parts of cached objects become one: for objects that come over a network. A server in this process hands out
   * objects whose parts are shared already.
   */
  readonly parts?: SharedParts;
  /** Freezes every cached object to its depth, so that a change of a shared object throws. For tests: it costs time. */
  readonly freeze?: boolean;
}

export function createInformerFactory(client: Client, dependencies: InformerDependencies): InformerFactory {
  return new Factory(client, dependencies);
}

class SharedInformer<T extends KubeObject> implements Informer<T>, ReflectorTarget<T> {
  readonly #client: Client;
  readonly #subject: { readonly resource: Resource<T>; readonly selection?: Selection };
  readonly #dependencies: InformerDependencies;
  readonly #cache = new ObjectCache<T>();
  readonly #freeze: (object: T) => T;
  /** Replaced, never changed: a dispatch goes to those who were there when it began. */
  #handlers: readonly InformerHandler<T>[] = [];
  readonly #ending = new AbortController();
  #isRunning = false;
  #hasSynced = false;
  #lastResourceVersion = "";
  #resolveSynced!: () => void;
  /** Resolves once, when `hasSynced` turns true. */
  readonly synced: Promise<void> = new Promise((resolve) => (this.#resolveSynced = resolve));

  constructor(
    client: Client,
    subject: { readonly resource: Resource<T>; readonly selection?: Selection },
    dependencies: InformerDependencies,
  ) {
    this.#client = client;
    this.#subject = subject;
    this.#dependencies = dependencies;
    const frozen = new WeakSet<object>();
    this.#freeze = dependencies.freeze ? (object) => deepFreeze(object, frozen) : (object) => object;
  }

  isOf(resource: Resource): boolean {
    return resourcePath(this.#subject.resource) === resourcePath(resource);
  }

  get lister(): Lister<T> {
    return this.#cache;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get lastResourceVersion(): string {
    return this.#lastResourceVersion;
  }

  /** Lists and watches no more; what is cached stays, and whoever waits for the first list waits no longer. */
  stop(): void {
    this.#ending.abort(new Error("the resource is not served any more"));
    this.#resolveSynced();
  }

  addHandler(handler: InformerHandler<T>): void {
    this.#handlers = [...this.#handlers, handler];
    for (const object of this.#cache.list()) this.#guard(() => handler.added?.(object, true));
  }

  addIndex(name: string, of: (object: T) => readonly string[]): void {
    this.#cache.addIndex(name, of);
  }

  async run(signal: AbortSignal): Promise<void> {
    assert(!this.#isRunning, "an informer runs once", this.#subject.resource.resource);
    this.#isRunning = true;
    const { resource, selection } = this.#subject;
    const { clock, random, log, firstList = "cached" } = this.#dependencies;
    const options = { client: this.#client, resource, selection: selection ?? {}, target: this };
    const { controller, unlink } = linkedController(signal);
    const ending = this.#ending.signal;
    if (ending.aborted) controller.abort(ending.reason);
    else ending.addEventListener("abort", () => controller.abort(ending.reason), { once: true });
    await reflect({ ...options, clock, random, log, firstList }, controller.signal);
    unlink();
  }

  replace(items: readonly T[], resourceVersion: string): void {
    const fresh = new Map<string, T>();
    for (const item of items) fresh.set(keyOf(item), item);
    if (this.#hasSynced && isOlder(resourceVersion, this.#lastResourceVersion))
      for (const handler of this.#handlers) this.#guard(() => handler.rewound?.());
    for (const key of this.#cache.keys()) if (!fresh.has(key)) this.#remove(key, undefined);
    for (const [key, item] of fresh) this.#put(key, item);
    this.#lastResourceVersion = resourceVersion;
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  changed(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    const key = keyOf(object);
    this.#lastResourceVersion = object.metadata.resourceVersion ?? this.#lastResourceVersion;
    if (type !== "DELETED") this.#put(key, object);
    else if (sameUid(this.#cache.get(key), object)) this.#remove(key, this.#freeze(object));
  }

  bookmark(resourceVersion: string): void {
    this.#lastResourceVersion = resourceVersion;
  }

  #put(key: string, incoming: T): void {
    const known = this.#cache.get(key);
    if (known !== undefined && !sameUid(known, incoming)) this.#remove(key, undefined);
    else if (known !== undefined && isSameRevision(known, incoming)) return;
    const shared = this.#dependencies.parts?.share(incoming, known) ?? incoming;
    const object = this.#freeze(shared);
    const before = this.#cache.set(key, object);
    const isInitial = !this.#hasSynced;
    for (const handler of this.#handlers) {
      if (before === undefined) this.#guard(() => handler.added?.(object, isInitial));
      else this.#guard(() => handler.updated?.(before, object));
    }
  }

  /** @param last the state that the deletion came with; absent when it was found out otherwise (a tombstone). */
  #remove(key: string, last: T | undefined): void {
    const known = this.#cache.remove(key);
    if (known === undefined) return;
    for (const handler of this.#handlers)
      this.#guard(() => handler.deleted?.(last ?? known, last === undefined));
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#dependencies.log.error("informer handler failed", {
        resource: this.#subject.resource.resource,
        error,
      });
    }
  }
}

class Factory implements InformerFactory {
  readonly resources: FollowedDiscovery;
  readonly #client: Client;
  readonly #dependencies: InformerDependencies;
  readonly #informers = new Map<string, SharedInformer<KubeObject>>();
  #signal: AbortSignal | undefined;

  constructor(client: Client, dependencies: InformerDependencies) {
    this.#client = client;
    this.#dependencies = dependencies;
    const onRemoved = (resource: Resource): void => this.#stop(resource);
    this.resources = new FollowedDiscovery({ client, ...dependencies, onRemoved });
  }

  for<T extends KubeObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> {
    const { namespace, labelSelector, fieldSelector } = selection;
    const id = JSON.stringify([
      resourcePath(resource),
      namespace ?? "",
      labelSelector ?? "",
      fieldSelector ?? "",
    ]);
    const known = this.#informers.get(id);
    if (known !== undefined) return known as unknown as Informer<T>;
    const informer = new SharedInformer<T>(this.#client, { resource, selection }, this.#dependencies);
    this.#informers.set(id, informer as unknown as SharedInformer<KubeObject>);
    if (this.#signal !== undefined) void informer.run(this.#signal);
    return informer;
  }

  start(signal: AbortSignal): void {
    if (this.#signal !== undefined) return;
    this.#signal = signal;
    this.resources.start(signal);
    for (const informer of this.#informers.values()) void informer.run(signal);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      signal.throwIfAborted();
      for (let late = this.#unsynced(); late.length > 0; late = this.#unsynced())
        await Promise.race([aborted, Promise.all(late.map((informer) => informer.synced))]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #unsynced(): readonly { readonly synced: Promise<void> }[] {
    return [this.resources, ...this.#informers.values()].filter((one) => !one.hasSynced);
  }

  /** Whoever wants the resource again gets a new informer. */
  #stop(resource: Resource): void {
    for (const [id, informer] of this.#informers) {
      if (!informer.isOf(resource)) continue;
      this.#informers.delete(id);
      informer.stop();
    }
  }
}

/** Unknown UIDs count as equal: then the key is all there is. */
function sameUid(a: KubeObject | undefined, b: KubeObject): boolean {
  const [left, right] = [a?.metadata.uid, b.metadata.uid];
  return left === undefined || right === undefined || left === right;
}

function isSameRevision(a: KubeObject, b: KubeObject): boolean {
  const revision = a.metadata.resourceVersion;
  return revision !== undefined && revision === b.metadata.resourceVersion;
}

function deepFreeze<V extends object>(value: V, done: WeakSet<object>): V {
  if (done.has(value) || ArrayBuffer.isView(value)) return value;
  done.add(value);
  Object.freeze(value);
  for (const child of Object.values(value))
    if (typeof child === "object" && child !== null) deepFreeze(child, done);
  return value;
}
