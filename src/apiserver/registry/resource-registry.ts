/**
 * What this server serves: an entry for each resource, made of its definition, with its cache and its watchers.
 * Not here: definitions (definition.ts, resources/), paths (machinery/request-info.ts).
 */
import { type Kind, schemas } from "../../api/index.ts";
import { assert, type Clock, type Metrics } from "../../base/index.ts";
import {
  decodeObject,
  pathNotFound,
  qualifiedResource,
  type Resource,
  type SchemaType,
  tooManyRequests,
} from "../../machinery/index.ts";
import type { Store } from "../../storage/index.ts";
import { storedParser } from "./bodies.ts";
import type { Connector, Expiry, ResourceDefinition, Shape, Subresource } from "./definition.ts";
import { checkDefinitions, hasStorage, pathOf, storePrefix, subresourcesOf } from "./definition-checks.ts";
import type { CachedResource, Cacher, LoadedResource, ResourceCache } from "../watch-cache/cacher.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import { Watchers, type WatchMetrics } from "../watch-cache/watchers.ts";

/** A resource whose objects are stored. */
export interface Served {
  readonly definition: ResourceDefinition;
  readonly kind: Kind;
  readonly type: SchemaType;
  readonly subresources: ReadonlyMap<string, Subresource>;
  readonly answers?: undefined;
  /** The kind under which objects are stored; the same but for kinds with `storedAs`. */
  readonly storage: Kind;
  readonly shape?: Shape;
  readonly expiry?: Expiry;
  readonly cache: ResourceCache;
  readonly watchers: Watchers;
  /** What took its place, once it is no longer served. Only the registry sets it. */
  readonly succession: { next: Served | "nobody" | undefined };
}

/** A resource that is never stored. */
export interface Answering {
  readonly definition: ResourceDefinition;
  readonly kind: Kind;
  readonly answers: Connector;
}

export type ServedResource = Served | Answering;

/** What is served in the place of `served` now; undefined when nothing is. */
export function successorOf(served: Served): Served | undefined {
  let newest = served;
  for (let { next } = served.succession; next !== undefined; { next } = newest.succession) {
    if (next === "nobody") return undefined;
    newest = next;
  }
  return newest;
}

/** For requests under way, after each wait. @throws StatusError 404 when the resource is not served any more. */
export function newestOf(served: Served): Served {
  const newest = successorOf(served);
  if (newest === undefined) throw pathNotFound();
  return newest;
}

export function isStored(resource: ServedResource): resource is Served {
  return resource.answers === undefined;
}

/** What the cacher has to know of each stored resource. */
export function cachedResources(definitions: readonly ResourceDefinition[]): readonly CachedResource[] {
  return definitions.filter(hasStorage).map(cachedResource);
}

function cachedResource(definition: ResourceDefinition): CachedResource {
  const { resource, rules } = definition.kind;
  const { indexedField, selectableFields } = rules;
  const valueOf = indexedField === undefined ? undefined : selectableFields?.[indexedField];
  return {
    prefix: storePrefix(resource),
    namespaced: resource.namespaced,
    parse: storedParser(typeOf(definition)),
    isSound: (object) => decodeObject(typeOf(definition), object).errors.length === 0,
    isSeldomRead: definition.isSeldomRead === true,
    ...(valueOf === undefined ? {} : { indexValue: (state: StoredObject) => valueOf(state.object) }),
  };
}

function typeOf({ kind, schemas: table = schemas }: ResourceDefinition): SchemaType {
  return { table, name: kind.schema };
}

export interface ResourceRegistryDependencies {
  readonly cacher: Cacher;
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export interface ResourceChange {
  /** A resource whose path is removed in the same change takes the place of what was there. */
  readonly add?: readonly ResourceDefinition[];
  readonly remove?: readonly Resource[];
}

export class ResourceRegistry {
  readonly #dependencies: ResourceRegistryDependencies;
  readonly #metrics: WatchMetrics;
  #all: readonly ServedResource[] = [];
  #byPath: ReadonlyMap<string, ServedResource> = new Map();
  #subscribers: readonly (() => void)[] = [];
  /** Resolves when the changes that were asked for until now have been made, or have failed. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(definitions: readonly ResourceDefinition[], dependencies: ResourceRegistryDependencies) {
    this.#dependencies = dependencies;
    this.#metrics = watchMetrics(dependencies.metrics);
    checkDefinitions(definitions);
    const cacheOf = ({ kind }: ResourceDefinition): ResourceCache =>
      dependencies.cacher.cache(storePrefix(kind.resource));
    this.#put(definitions, { leaving: new Set(), cacheOf });
  }

  /** Everything that is served, in the order of discovery; another array after each change. */
  get all(): readonly ServedResource[] {
    return this.#all;
  }

  /** Undefined when no such resource is served. */
  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  /** @throws defect when it is not served, or not stored. */
  of(resource: Resource): Served {
    const served = this.#byPath.get(pathOf(resource));
    assert(served !== undefined && isStored(served), "a resource is not served", { path: pathOf(resource) });
    return served;
  }

  /** Where caches and watchers are not what a full recount says; empty when all is well. For tests. */
  recount(): readonly string[] {
    return this.all
      .filter(isStored)
      .filter(({ kind }) => kind.storedAs === undefined)
      .flatMap(({ cache, watchers }) => [...cache.recount(), ...watchers.recount()]);
  }

  /**
   * Changes what is served, in one step, when the objects of what is added are known; changes are made one after another.
   * Watches of what leaves end without an error. What is stored stays, and shows again when its resource is added again.
   * Rejects when a resource cannot be loaded, or the definitions do not fit together; then nothing has changed.
   */
  change(asked: ResourceChange): Promise<void> {
    const change = this.#changing.then(() => this.#change(asked));
    this.#changing = change.catch(() => {});
    return change;
  }

  /** Calls back after each change; must not throw. @returns what ends that. */
  subscribe(changed: () => void): () => void {
    this.#subscribers = [...this.#subscribers, changed];
    return () => {
      this.#subscribers = this.#subscribers.filter((other) => other !== changed);
    };
  }

  endAllWatches(): void {
    for (const served of this.all) if (isStored(served)) served.watchers.endAll();
  }

  async #change({ add = [], remove = [] }: ResourceChange): Promise<void> {
    const leaving = new Set(remove.map((resource) => this.#served(resource)));
    const definitions = definitionsAfter(this.all, leaving, add);
    checkDefinitions(definitions);
    const loaded = new Map<ResourceDefinition, LoadedResource>();
    try {
      for (const definition of add.filter(hasStorage))
        loaded.set(definition, await this.#dependencies.cacher.load(cachedResource(definition)));
      // From here to the step nothing waits.
      for (const resource of loaded.values())
        if (!resource.isCurrent())
          throw tooManyRequests("storage is (re)initializing", { retryAfterSeconds: 1 });
    } catch (error) {
      for (const resource of loaded.values()) resource.drop();
      throw error;
    }
    this.#put(definitions, { leaving, cacheOf: (definition) => loaded.get(definition)!.show() });
    for (const changed of this.#subscribers) changed();
  }

  #served(resource: Resource): ServedResource {
    const served = this.#byPath.get(pathOf(resource));
    assert(served !== undefined, "a resource is not served", { path: pathOf(resource) });
    return served;
  }

  /** In one step: entries that need not change stay the same. What is stored as another comes after it. */
  #put(
    definitions: readonly ResourceDefinition[],
    step: {
      readonly leaving: ReadonlySet<ServedResource>;
      readonly cacheOf: (definition: ResourceDefinition) => ResourceCache;
    },
  ): void {
    const before = new Map(
      this.#all.filter((served) => !step.leaving.has(served)).map((served) => [served.definition, served]),
    );
    const made = new Map<string, ServedResource>();
    for (const definition of definitions) {
      const { kind } = definition;
      if (kind.storedAs === undefined)
        made.set(pathOf(kind.resource), before.get(definition) ?? this.#make(definition, step.cacheOf));
    }
    for (const definition of definitions) {
      const { kind } = definition;
      if (kind.storedAs === undefined) continue;
      const stored = made.get(pathOf(kind.storedAs)) as Served;
      const known = before.get(definition);
      const isCurrent = known !== undefined && isStored(known) && known.cache === stored.cache;
      made.set(pathOf(kind.resource), isCurrent ? known : makeServed(definition, stored));
    }
    const old = this.#all;
    this.#byPath = made;
    this.#all = definitions.map(({ kind }) => made.get(pathOf(kind.resource))!);
    this.#retire(old);
  }

  /** Says of each entry that is no longer served what took its place, and ends its watches. */
  #retire(old: readonly ServedResource[]): void {
    for (const served of old) {
      const next = this.#byPath.get(pathOf(served.kind.resource));
      if (next === served || !isStored(served)) continue;
      served.succession.next = next !== undefined && isStored(next) ? next : "nobody";
      if (!hasStorage(served.definition)) continue;
      served.watchers.endAll();
      const { prefix } = served.cache.resource;
      const isTaken = this.#all.some((one) => isStored(one) && one.cache.resource.prefix === prefix);
      if (!isTaken) this.#dependencies.cacher.remove(prefix);
    }
  }

  #make(
    definition: ResourceDefinition,
    cacheOf: (definition: ResourceDefinition) => ResourceCache,
  ): ServedResource {
    const { kind, answers } = definition;
    if (answers !== undefined) return { definition, kind, answers };
    const cache = cacheOf(definition);
    const { cacher, store, clock } = this.#dependencies;
    const watchers = new Watchers({
      cache,
      store,
      open: (stored) => cacher.open(stored, cache),
      clock,
      metrics: this.#metrics,
      label: qualifiedResource(kind.resource),
      revision: () => cacher.revision,
      reached: (revision) => cacher.reached(revision),
    });
    return makeServed(definition, { storage: kind, cache, watchers });
  }
}

function makeServed(
  definition: ResourceDefinition,
  { storage, cache, watchers }: Pick<Served, "storage" | "cache" | "watchers">,
): Served {
  const { kind, shape, expiry } = definition;
  return {
    definition,
    kind,
    type: typeOf(definition),
    subresources: subresourcesOf(definition),
    storage,
    cache,
    watchers,
    succession: { next: undefined },
    ...(shape === undefined ? {} : { shape }),
    ...(expiry === undefined ? {} : { expiry }),
  };
}

/** What takes the place of another stands in its place; what is new comes last. */
function definitionsAfter(
  all: readonly ServedResource[],
  leaving: ReadonlySet<ServedResource>,
  add: readonly ResourceDefinition[],
): readonly ResourceDefinition[] {
  const added = new Map(add.map((definition) => [pathOf(definition.kind.resource), definition]));
  const kept = all.flatMap((served) => {
    if (!leaving.has(served)) return [served.definition];
    const path = pathOf(served.kind.resource);
    const successor = added.get(path);
    added.delete(path);
    return successor === undefined ? [] : [successor];
  });
  const fresh = add.filter((definition) => added.get(pathOf(definition.kind.resource)) === definition);
  return [...kept, ...fresh];
}

function watchMetrics(metrics: Metrics): WatchMetrics {
  return {
    watchers: metrics.gauge("apiserver_watchers", "Watches open now.", ["resource"]),
    sent: metrics.counter("apiserver_watch_events_total", "Events sent to watchers.", ["resource"]),
    cutOff: metrics.counter(
      "apiserver_watchers_cut_off_total",
      "Watches ended because the reader was too slow.",
      ["resource"],
    ),
  };
}
