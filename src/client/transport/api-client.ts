/**
 * `Client` over any `Transport`: paths, queries, patch types, and failures as StatusError.
 * Not here: how a call travels (http-transport.ts, loopback-transport.ts), caches (shared-informer.ts).
 */
import { withMembers } from "../../base/index.ts";
import {
  apiVersionOf,
  type KubeList,
  type KubeObject,
  type Method,
  type PathOptions,
  type Resource,
  resourcePath,
  type Status,
  StatusError,
} from "../../machinery/index.ts";
import { discover, type DiscoveredVersion } from "./discovery.ts";
import type {
  Client,
  ClientWatchSink,
  DeleteOptions,
  ListOptions,
  ObjectAddress,
  PatchType,
  Transport,
  TransportCall,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts";

export interface ClientSettings {
  /** Sent with every write that names none itself. */
  readonly fieldManager?: string;
  readonly userAgent?: string;
}

/** A client without state of its own; any number may share one transport. */
export function createClient(transport: Transport, settings: ClientSettings = {}): Client {
  return new TransportClient(transport, settings);
}

type Pair = readonly [name: string, value: string];

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

class TransportClient implements Client {
  readonly #transport: Transport;
  readonly #settings: ClientSettings;
  /** For calls without a signal of their own. */
  readonly #never = new AbortController().signal;

  constructor(transport: Transport, settings: ClientSettings) {
    this.#transport = transport;
    this.#settings = settings;
  }

  async get<T extends KubeObject>(
    resource: Resource<T>,
    address: ObjectAddress,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return (await this.#send(this.#call("GET", resource, { address, signal: options.signal }))) as T;
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const call = this.#call("GET", resource, {
      address: scopeOf(options.namespace),
      query: listQuery(options),
      signal: options.signal,
    });
    return withItemTypes(resource, (await this.#send(call)) as KubeList<T>);
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const call = this.#call("POST", resource, {
      address: scopeOf(object.metadata.namespace),
      query: this.#writeQuery(options),
      body: withType(resource, object),
      signal: options.signal,
    });
    return (await this.#send(call)) as T;
  }

  // oxlint-disable-next-line max-params -- three and the options, as every method of the seam (#2)
  async createSubresource(
    resource: Resource,
    address: ObjectAddress,
    body: object,
    options: WriteOptions = {},
  ): Promise<object> {
    const query = this.#writeQuery(options);
    return await this.#send(this.#call("POST", resource, { address, query, body, signal: options.signal }));
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    const call = this.#call("PUT", resource, {
      address: withMembers({ name: name ?? "", ...scopeOf(namespace) }, sub(options.subresource)),
      query: this.#writeQuery(options),
      body: withType(resource, object),
      signal: options.signal,
    });
    return (await this.#send(call)) as T;
  }

  // oxlint-disable-next-line max-params -- three and the options, as every method of the seam (#2)
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    address: ObjectAddress,
    patch: { readonly type: PatchType; readonly body: object | readonly object[] },
    options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<T> {
    const query = this.#writeQuery(options);
    if (options.force !== undefined) query.push(["force", String(options.force)]);
    const call = this.#call("PATCH", resource, {
      address,
      query,
      body: patch.body,
      contentType: patchContentTypes[patch.type],
      signal: options.signal,
    });
    return (await this.#send(call)) as T;
  }

  async delete(resource: Resource, address: ObjectAddress, options: DeleteOptions = {}): Promise<object> {
    const body = deleteBody(options);
    return await this.#send(this.#call("DELETE", resource, { address, body, signal: options.signal }));
  }

  async watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
    sink: ClientWatchSink<T>,
  ): Promise<void> {
    const query = listQuery(options);
    query.push(["watch", "true"]);
    if (options.allowWatchBookmarks) query.push(["allowWatchBookmarks", "true"]);
    if (options.sendInitialEvents) query.push(["sendInitialEvents", "true"]);
    if (options.timeoutSeconds !== undefined) query.push(["timeoutSeconds", String(options.timeoutSeconds)]);
    const stop = linkedController(options.signal);
    const call = this.#call("GET", resource, {
      address: scopeOf(options.namespace),
      query,
      signal: stop.controller.signal,
    });
    const decoder = new WatchDecoder(sink as ClientWatchSink, stop);
    try {
      await this.#transport.watch(call, decoder);
    } catch (error) {
      stop.unlink();
      throw error;
    }
  }

  discover(options: { readonly signal?: AbortSignal } = {}): Promise<readonly DiscoveredVersion[]> {
    const { signal = this.#never } = options;
    const { userAgent } = this.#settings;
    const agent = userAgent === undefined ? {} : { userAgent };
    return discover((path, accept) =>
      this.#send({ method: "GET", path, query: [], accept, signal, ...agent }),
    );
  }

  #call(method: Method, resource: Resource, parts: CallParts): TransportCall {
    return {
      method,
      path: resourcePath(resource, parts.address),
      query: parts.query ?? [],
      accept: "application/json",
      signal: parts.signal ?? this.#never,
      ...(parts.contentType === undefined ? {} : { contentType: parts.contentType }),
      ...(parts.body === undefined ? {} : { body: parts.body }),
      ...(this.#settings.userAgent === undefined ? {} : { userAgent: this.#settings.userAgent }),
    };
  }

  async #send(call: TransportCall): Promise<object> {
    const reply = await this.#transport.send(call);
    if (reply.status >= 400) throw statusErrorOf(reply.status, reply.object);
    return reply.object;
  }

  #writeQuery(options: WriteOptions): Pair[] {
    const query: Pair[] = [];
    const manager = options.fieldManager ?? this.#settings.fieldManager;
    if (manager !== undefined) query.push(["fieldManager", manager]);
    if (options.dryRun) query.push(["dryRun", "All"]);
    if (options.fieldValidation !== undefined) query.push(["fieldValidation", options.fieldValidation]);
    return query;
  }
}

interface CallParts {
  readonly address: PathOptions;
  readonly query?: readonly Pair[];
  readonly body?: object;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Passes events on. An ERROR event ends the watch, and nothing is passed on after an end. */
class WatchDecoder implements ClientWatchSink {
  readonly #sink: ClientWatchSink;
  readonly #stop: Linked;
  #hasEnded = false;

  constructor(sink: ClientWatchSink, stop: Linked) {
    this.#sink = sink;
    this.#stop = stop;
  }

  events(batch: readonly WatchEvent[]): void {
    if (this.#hasEnded) return;
    const at = batch.findIndex((event) => event.type === "ERROR");
    if (at < 0) {
      this.#sink.events(batch);
      return;
    }
    if (at > 0) this.#sink.events(batch.slice(0, at));
    this.end(statusErrorOf(500, batch[at]!.object));
    this.#stop.controller.abort(new Error("the server reported an error on the watch"));
  }

  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stop.unlink();
    this.#sink.end(error);
  }
}

interface Linked {
  readonly controller: AbortController;
  /** Takes the listener off the outer signal; it may live much longer than one watch. */
  unlink(): void;
}

/** A controller that aborts with `signal`. */
export function linkedController(signal: AbortSignal): Linked {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return { controller, unlink: () => signal.removeEventListener("abort", onAbort) };
}

function scopeOf(namespace: string | undefined): { readonly namespace?: string } {
  return namespace === undefined || namespace === "" ? {} : { namespace };
}

function sub(subresource: string | undefined): { readonly subresource?: string } {
  return subresource === undefined ? {} : { subresource };
}

function listQuery(options: ListOptions): Pair[] {
  const query: Pair[] = [];
  if (options.labelSelector) query.push(["labelSelector", options.labelSelector]);
  if (options.fieldSelector) query.push(["fieldSelector", options.fieldSelector]);
  if (options.resourceVersion) query.push(["resourceVersion", options.resourceVersion]);
  if (options.resourceVersionMatch) query.push(["resourceVersionMatch", options.resourceVersionMatch]);
  if (options.limit !== undefined) query.push(["limit", String(options.limit)]);
  if (options.continue) query.push(["continue", options.continue]);
  return query;
}

/** DeleteOptions are sent in the body, as kubectl and client-go do. */
function deleteBody(options: DeleteOptions): object {
  return {
    apiVersion: "v1",
    kind: "DeleteOptions",
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
    ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
    ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
    ...(options.dryRun ? { dryRun: ["All"] } : {}),
  };
}

function withType<T extends KubeObject>(resource: Resource<T>, object: T): T {
  if (object.apiVersion !== undefined && object.kind !== undefined) return object;
  return withMembers(object, { apiVersion: apiVersionOf(resource), kind: resource.kind });
}

/** Adds apiVersion and kind to list items, which servers may leave out. */
function withItemTypes<T extends KubeObject>(resource: Resource<T>, list: KubeList<T>): KubeList<T> {
  const items = list.items ?? [];
  if (
    list.items !== undefined &&
    items.every((item) => item.kind !== undefined && item.apiVersion !== undefined)
  )
    return list;
  return { ...list, items: items.map((item) => withType(resource, item)) };
}

/** The server's Status as an error. A body that is no Status becomes an error with the code. */
export function statusErrorOf(code: number, body: object): StatusError {
  const status = body as Partial<Status>;
  if (status.kind === "Status" && typeof status.code === "number") return new StatusError(status as Status);
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: status.message ?? `the server answered with code ${code}`,
    reason: status.reason ?? reasonOfCode(code),
    code,
  } as Status);
}

function reasonOfCode(code: number): string {
  const reasons: Readonly<Record<number, string>> = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
  };
  return reasons[code] ?? "";
}
