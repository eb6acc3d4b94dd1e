/**
 * The client of an API server for controllers, agents and commands, and the transport below it.
 * Transports: `httpTransport` (any Kubernetes, by kubeconfig) and `loopbackTransport` (an ApiHandler in this process).
 * Not here: caches (informer.ts), queues (workqueue.ts).
 */
import type { DiscoveredVersion } from "./discovery.ts";
import type { CallHead, KubeList, KubeObject, Resource, WatchEventType } from "../../machinery/index.ts";

/** Carries calls to a server and replies back. Rejects only on abort and on a broken connection. */
export interface Transport {
  /** For single objects and lists; resolves with parsed objects (frozen and shared over loopback: never change them). */
  send(call: TransportCall): Promise<TransportReply>;
  /**
   * Opens a watch. Resolves when the server has accepted it; events may arrive before that, but never inside this call.
   * Rejects with StatusError when the server refuses; the sink is then never called. ERROR events are passed on as they are.
   */
  watch(call: TransportCall, sink: ClientWatchSink): Promise<void>;
  /** Raw text that arrives over time: `pods/log`. */
  stream(call: TransportCall): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export type TransportCall = Omit<CallHead, "ifNoneMatch" | "upgrade"> & {
  readonly body?: object | string;
};

export interface TransportReply {
  readonly status: number;
  readonly object: object;
  readonly warnings: readonly string[];
}

export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: WatchEventType;
  readonly object: T;
}

export interface ClientWatchSink<T extends KubeObject = KubeObject> {
  events(batch: readonly WatchEvent<T>[]): void;
  /** Once, last. `error` is absent at an ordinary end (time-out of the server). */
  end(error?: unknown): void;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
  readonly limit?: number;
  readonly continue?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
  readonly signal?: AbortSignal;
}

export interface ObjectAddress {
  readonly name: string;
  readonly namespace?: string;
  readonly subresource?: string;
}

export type PatchType = "merge" | "strategic" | "json" | "apply";

export interface DeleteOptions extends WriteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Every method throws `StatusError` (machinery/status.ts) with the server's Status, or the transport's error as it is. */
export interface Client {
  get<T extends KubeObject>(
    resource: Resource<T>,
    address: ObjectAddress,
    options?: { readonly signal?: AbortSignal },
  ): Promise<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>;
  /** Creates in `object.metadata.namespace`. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** POST to a subresource (`binding`, `eviction`); the reply is whatever the server answers. */
  createSubresource(
    resource: Resource,
    address: ObjectAddress,
    body: object,
    options?: WriteOptions,
  ): Promise<object>;
  /** PUT of the object, or of its subresource when named (`status`, `finalize`). */
  update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions & { readonly subresource?: string },
  ): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    address: ObjectAddress,
    patch: { readonly type: PatchType; readonly body: object | readonly object[] },
    options?: WriteOptions & { readonly force?: boolean },
  ): Promise<T>;
  delete(resource: Resource, address: ObjectAddress, options?: DeleteOptions): Promise<object>;
  /** What the server serves. Versions that it cannot tell of are not an error. */
  discover(options?: { readonly signal?: AbortSignal }): Promise<readonly DiscoveredVersion[]>;
  /** One watch, not restarted: reflectors do that. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
    sink: ClientWatchSink<T>,
  ): Promise<void>;
}
