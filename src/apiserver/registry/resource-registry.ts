/**
 * What this server serves: an entry for each resource, made of its definition, with its cache and its watchers.
 * Not here: definitions (definition.ts, resources/), paths (machinery/request-info.ts).
 */
import { type Kind, schemas } from "../../api/index.ts";
import { assert, type Clock, type Metrics } from "../../base/index.ts";
import { decodeObject, qualifiedResource, type Resource, type SchemaType } from "../../machinery/index.ts";
import type { Store } from "../../storage/index.ts";
import { storedParser } from "./bodies.ts";
import type { Connector, Expiry, ResourceDefinition, Shape, Subresource } from "./definition.ts";
import type { CachedResource, Cacher, ResourceCache } from "../watch-cache/cacher.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import { statusView } from "./status-view.ts";
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
}

/** A resource that is never stored. */
export interface Answering {
  readonly definition: ResourceDefinition;
  readonly kind: Kind;
  readonly answers: Connector;
}

export type ServedResource = Served | Answering;

export function isStored(resource: ServedResource): resource is Served {
  return resource.answers === undefined;
}

/** Where the objects of a resource stand in the store. */
function storePrefix(resource: Pick<Resource, "group" | "resource">): string {
  return `/${resource.group === "" ? "core" : resource.group}/${resource.resource}/`;
}

/** What the cacher has to know of each stored resource. */
export function cachedResources(definitions: readonly ResourceDefinition[]): readonly CachedResource[] {
  return definitions.filter(hasStorage).map(cachedResource);
}

function hasStorage({ kind, answers }: ResourceDefinition): boolean {
  return answers === undefined && kind.storedAs === undefined;
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

export class ResourceRegistry {
  readonly #byPath = new Map<string, ServedResource>();
  readonly #dependencies: ResourceRegistryDependencies;
  readonly #metrics: WatchMetrics;

  constructor(definitions: readonly ResourceDefinition[], dependencies: ResourceRegistryDependencies) {
    this.#dependencies = dependencies;
    this.#metrics = watchMetrics(dependencies.metrics);
    for (const definition of definitions) checkDefinition(definition);
    // What is stored as another comes last; discovery keeps the order of the definitions.
    const made = new Map<ResourceDefinition, ServedResource>();
    for (const definition of definitions.filter(({ kind }) => kind.storedAs === undefined))
      this.#put(definition, made);
    for (const definition of definitions.filter(({ kind }) => kind.storedAs !== undefined))
      this.#put(definition, made);
    this.all = definitions.map((definition) => made.get(definition)!);
  }

  /** Everything that is served, in the order of discovery. */
  readonly all: readonly ServedResource[];

  /** Undefined when no such resource is served. */
  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  /** @throws defect when it is not served, or not stored. */
  of({ group, version, resource }: Resource): Served {
    const served = this.find(group, version, resource);
    assert(served !== undefined && isStored(served), "a resource is not served", {
      group,
      version,
      resource,
    });
    return served;
  }

  /** Where caches and watchers are not what a full recount says; empty when all is well. For tests. */
  recount(): readonly string[] {
    return this.all
      .filter(isStored)
      .filter(({ kind }) => kind.storedAs === undefined)
      .flatMap(({ cache, watchers }) => [...cache.recount(), ...watchers.recount()]);
  }

  endAllWatches(): void {
    for (const served of this.all) if (isStored(served)) served.watchers.endAll();
  }

  #put(definition: ResourceDefinition, made: Map<ResourceDefinition, ServedResource>): void {
    const { group, version, resource } = definition.kind.resource;
    const path = `${group}/${version}/${resource}`;
    assert(!this.#byPath.has(path), "a resource is served already", { group, version, resource });
    const served = this.#make(definition);
    this.#byPath.set(path, served);
    made.set(definition, served);
  }

  #make(definition: ResourceDefinition): ServedResource {
    const { kind, answers, shape, expiry } = definition;
    if (answers !== undefined) return { definition, kind, answers };
    const own = {
      definition,
      kind,
      type: typeOf(definition),
      subresources: subresourcesOf(definition),
      ...(shape === undefined ? {} : { shape }),
      ...(expiry === undefined ? {} : { expiry }),
    };
    if (kind.storedAs === undefined) return { ...own, storage: kind, ...this.#storageOf(kind.resource) };
    const { storage, cache, watchers } = this.of(kind.storedAs);
    return { ...own, storage, cache, watchers };
  }

  #storageOf(resource: Resource): { readonly cache: ResourceCache; readonly watchers: Watchers } {
    const { cacher, store, clock } = this.#dependencies;
    const cache = cacher.cache(storePrefix(resource));
    const watchers = new Watchers({
      cache,
      store,
      open: (stored) => cacher.open(stored, cache),
      clock,
      metrics: this.#metrics,
      label: qualifiedResource(resource),
      revision: () => cacher.revision,
      reached: (revision) => cacher.reached(revision),
    });
    return { cache, watchers };
  }
}

function subresourcesOf({ kind, subresources }: ResourceDefinition): ReadonlyMap<string, Subresource> {
  const own = Object.entries(subresources ?? {});
  return new Map(kind.hasStatusSubresource ? [...own, ["status", statusView(kind.rules)]] : own);
}

const viewVerbs = new Set(["get", "update", "patch"]);

/** What a definition promises by its verbs somebody does. */
function checkDefinition(definition: ResourceDefinition): void {
  const { kind, answers, shape } = definition;
  const { resource, verbs } = kind;
  const about = { group: resource.group, resource: resource.resource };
  const isRead = verbs.includes("get");
  assert(isRead !== (answers !== undefined), "a resource is either stored or answers", about);
  assert(
    (kind.storedAs === undefined) === (shape === undefined),
    "what is stored as another has a shape",
    about,
  );
  if (answers !== undefined) checkVerbs(answers, verbs, about);
  const given = subresourcesOf(definition);
  assert(given.size === kind.subresources.length, "discovery tells of other subresources", about);
  for (const { name, verbs: promised } of kind.subresources) {
    const subresource = given.get(name);
    assert(subresource !== undefined, "nobody does what a subresource promises", { ...about, name });
    checkVerbs(subresource, promised, { ...about, name });
  }
}

function checkVerbs(subresource: Subresource, promised: readonly string[], about: object): void {
  const done =
    subresource.as === "view"
      ? promised.filter((verb) => viewVerbs.has(verb))
      : Object.keys(subresource.verbs);
  const isSame = done.length === promised.length && promised.every((verb) => done.includes(verb));
  assert(isSame, "verbs that are promised are not those that are done", { ...about, promised, done });
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
