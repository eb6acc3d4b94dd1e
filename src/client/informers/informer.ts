/**
 * Shared cache of one resource: list, watch, indexes, handlers.
 * Implementation: shared-informer.ts, fed by reflector.ts.
 */
import type { KubeObject } from "../../machinery/index.ts";
import type { ApiResource } from "../transport/discovery.ts";

export interface Lister<T extends KubeObject> {
  /** By `namespace/name`, or `name` for cluster-scoped kinds. The object is shared: never change it. */
  get(key: string): T | undefined;
  /** All, or those of one namespace. No order promised. O(result). */
  list(namespace?: string): readonly T[];
  /** Objects for which the index function yielded `value`. O(result). @throws defect for an unknown index. */
  byIndex(index: string, value: string): readonly T[];
  readonly size: number;
}

export interface InformerHandler<T extends KubeObject> {
  /** `isInitial` is true while the first list is delivered. */
  added?(object: T, isInitial: boolean): void;
  updated?(before: T, after: T): void;
  /** `isStale` is true when a list found the deletion, so the object is only the last known state (a tombstone). */
  deleted?(object: T, isStale: boolean): void;
  /**
   * A list is older than what the cache has seen: the server's data was restored. Called before the changes that take the cache
   * there. Versions seen so far mean nothing any more, and what was written since may never have been.
   */
  rewound?(): void;
}

/**
 * Handlers run synchronously, in the order of events, after the cache and its indexes have changed.
 * A handler added late first gets `added` for everything cached. Handlers must not throw: a throw is logged as a defect.
 */
export interface Informer<T extends KubeObject> {
  readonly lister: Lister<T>;
  /** True once the first list has been delivered to the cache and the handlers. */
  readonly hasSynced: boolean;
  /** The newest resourceVersion the cache has seen (from objects, lists and bookmarks); "" before the first list. */
  readonly lastResourceVersion: string;
  addHandler(handler: InformerHandler<T>): void;
  /** Before or after start. `of` is the index function: the values under which an object is found. */
  addIndex(name: string, of: (object: T) => readonly string[]): void;
  /** Lists and watches until the signal aborts; survives 410, resets and time-outs by listing or watching again with back-off. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DiscoveredResourcesHandler {
  added(resource: ApiResource): void;
  /** Its objects are not visible any more; they may still exist. Its informers end after the handlers. */
  removed(resource: ApiResource): void;
}

/**
 * The resources that the server serves, each in the version that its group prefers. Discovery is read while there are handlers.
 * A resource is removed only when the server does not list it; while the server does not know its version, it stays.
 * A resource that changes in any way is removed and added as another value.
 */
export interface DiscoveredResources {
  /** None before the first reading. */
  readonly all: readonly ApiResource[];
  /** The resource that shows the objects of a kind; `apiVersion` may name any served version. */
  ofKind(apiVersion: string, kind: string): ApiResource | undefined;
  /** A handler added late first gets `added` for everything known. Handlers run synchronously and must not throw. */
  addHandler(handler: DiscoveredResourcesHandler): void;
  /** Versions (`metrics.k8s.io/v1beta1`) whose resources the server did not know at the last reading. */
  readonly unknown: readonly string[];
  /** Has discovery read soon, because something has changed. */
  refresh(): void;
  /** Resolves when a reading that began later has reached the handlers; rejects when it fails. Only while there are handlers. */
  readAnew(): Promise<void>;
}

/** One informer per resource and selector in a process, so that all controllers share caches. */
export interface InformerFactory {
  readonly resources: DiscoveredResources;
  for<T extends KubeObject>(
    resource: import("../../machinery/index.ts").Resource<T>,
    options?: {
      readonly fieldSelector?: string;
      readonly labelSelector?: string;
      readonly namespace?: string;
    },
  ): Informer<T>;
  /** Starts every informer asked for so far and later. */
  start(signal: AbortSignal): void;
  /**
   * Resolves when the resources have been discovered, if they have handlers, and all started informers have synced. Rejects
   * when the signal aborts first.
   */
  waitForSync(signal: AbortSignal): Promise<void>;
}
