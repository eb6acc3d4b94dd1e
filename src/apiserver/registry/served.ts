/**
 * The resources that this server serves: each kind with its cache, its watchers and the shape it is stored in.
 * Not here: kinds themselves (api/), paths (machinery/request-info.ts).
 */
import { events, type Kind, schemas } from "../../api/index.ts";
import type { Clock, Metrics } from "../../base/index.ts";
import { type KubeObject, qualifiedResource, type Resource } from "../../machinery/index.ts";
import type { Store } from "../../storage/index.ts";
import { storedParser } from "./bodies.ts";
import type { CachedResource, Cacher, ResourceCache } from "../watch-cache/cacher.ts";
import type { StoredObject, WrittenObjects } from "../watch-cache/encode.ts";
import { Watchers, type WatchMetrics } from "../watch-cache/watchers.ts";

/** Between the shape that clients of a kind see and the stored one. */
export interface Shape {
  shown(stored: KubeObject): KubeObject;
  stored(shown: KubeObject): KubeObject;
}

export interface Served {
  readonly kind: Kind;
  /** The kind under which objects are stored; the same but for kinds with `storedAs`. */
  readonly storage: Kind;
  readonly shape?: Shape;
  readonly cache: ResourceCache;
  readonly watchers: Watchers;
}

/** Where the objects of a resource stand in the store. */
function storePrefix(resource: Pick<Resource, "group" | "resource">): string {
  return `/${resource.group === "" ? "core" : resource.group}/${resource.resource}/`;
}

/** Kinds that can be read are stored; the others (reviews, bindings) only answer. */
function isStored(kind: Kind): boolean {
  return kind.verbs.includes("get");
}

/** What the cacher has to know of each stored kind. */
export function cachedResources(kinds: readonly Kind[]): CachedResource[] {
  return kinds
    .filter((kind) => isStored(kind) && kind.storedAs === undefined)
    .map((kind) => {
      const { indexedField, selectableFields } = kind.rules;
      const valueOf = indexedField === undefined ? undefined : selectableFields?.[indexedField];
      return {
        prefix: storePrefix(kind.resource),
        namespaced: kind.resource.namespaced,
        parse: storedParser(kind, schemas),
        isSeldomRead: kind.resource.resource === events.resource && kind.resource.group === events.group,
        ...(valueOf === undefined ? {} : { indexValue: (state: StoredObject) => valueOf(state.object) }),
      };
    });
}

export interface ServedDependencies {
  readonly cacher: Cacher;
  readonly store: Store;
  readonly written: WrittenObjects;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The shape of a kind that is stored as another. */
  readonly shapeOf: (kind: Kind) => Shape;
}

export class ServedResources {
  readonly #byPath = new Map<string, Served>();
  readonly #watchers: Watchers[] = [];

  constructor(kinds: readonly Kind[], dependencies: ServedDependencies) {
    const metrics = watchMetrics(dependencies.metrics);
    for (const kind of kinds.filter((one) => isStored(one) && one.storedAs === undefined)) {
      const cache = dependencies.cacher.cache(storePrefix(kind.resource));
      const label = qualifiedResource(kind.resource);
      const { store, written, clock, cacher } = dependencies;
      const watchers = new Watchers({
        cache,
        store,
        written,
        clock,
        metrics,
        label,
        revision: () => cacher.revision,
        reached: (revision) => cacher.reached(revision),
      });
      this.#watchers.push(watchers);
      this.#byPath.set(pathKey(kind.resource), { kind, storage: kind, cache, watchers });
    }
    for (const kind of kinds.filter((one) => one.storedAs !== undefined)) {
      const stored = this.of(kind.storedAs!);
      this.#byPath.set(pathKey(kind.resource), { ...stored, kind, shape: dependencies.shapeOf(kind) });
    }
  }

  /** Undefined when no such resource is stored here. */
  find(group: string, version: string, resource: string): Served | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  of(resource: Resource): Served {
    const served = this.find(resource.group, resource.version, resource.resource);
    if (served === undefined) throw new Error(`defect: ${resource.resource} is not served`);
    return served;
  }

  endAllWatches(): void {
    for (const watchers of this.#watchers) watchers.endAll();
  }
}

function pathKey(resource: Resource): string {
  return `${resource.group}/${resource.version}/${resource.resource}`;
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
