/**
 * The smallest thing that lists, watches and writes like an API server, with faults to order: for tests of rooms that
 * must not import the real one. One history for all resources; objects are frozen and shared, as the real server's are.
 * Not here: admission, validation, selectors, Tables. Prefer the real server where walls allow it.
 */
import {
  type ApiCall,
  type ApiReply,
  alreadyExists,
  apiVersionOf,
  badRequest,
  conflict,
  expired,
  type KubeObject,
  notFound,
  type Resource,
  resourceVersionTooLarge,
  type StatusError,
  statusOf,
  type WatchEventType,
  type WatchFrame,
  type WatchSink,
} from "../machinery/index.ts";

interface Change {
  readonly type: WatchEventType;
  readonly collection: string;
  readonly object: KubeObject;
  readonly revision: number;
}

interface Watcher {
  readonly collection: string;
  readonly sink: WatchSink;
  isDeaf: boolean;
}

/** Any collection exists; objects are filed under `<collection path>/<name>`. */
export class ModelServer {
  revision = 100;
  /** Changes up to here are forgotten: watches from before get 410. */
  compacted = 100;
  readonly calls: { readonly method: string; readonly path: string; readonly query: string }[] = [];
  readonly #objects = new Map<string, { readonly collection: string; readonly object: KubeObject }>();
  readonly #history: Change[] = [];
  readonly #watchers = new Set<Watcher>();
  #failures: StatusError[] = [];
  #uids = 0;

  readonly handler = async (call: ApiCall): Promise<ApiReply> => {
    this.calls.push({
      method: call.method,
      path: call.path,
      query: call.query.map(([name, value]) => `${name}=${value}`).join("&"),
    });
    try {
      const failure = this.#failures.shift();
      if (failure !== undefined) throw failure;
      return this.#answer(call);
    } catch (error) {
      const status = statusOf(error);
      return objectReply(status.code ?? 500, status);
    }
  };

  get watchers(): number {
    return this.#watchers.size;
  }

  /** The next calls fail with these, in order. */
  failNext(...failures: readonly StatusError[]): void {
    this.#failures.push(...failures);
  }

  endWatches(): void {
    for (const watcher of this.#watchers) this.#end(watcher);
  }

  /** Watches stay open but hear nothing from now on, not even their end: a connection that died in silence. */
  deafenWatches(): void {
    for (const watcher of this.#watchers) watcher.isDeaf = true;
  }

  /** Sends the last `count` changes once more to those who watch. */
  repeat(count: number): void {
    const changes = this.#history.slice(-count);
    for (const change of changes) this.#publish(change);
  }

  /** Forgets all history. */
  compact(): void {
    this.compacted = this.revision;
    this.#history.length = 0;
  }

  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.revision) } };
    for (const watcher of this.#watchers)
      if (!watcher.isDeaf) watcher.sink.events([frame("BOOKMARK", object)]);
  }

  objects(collectionEnd: string): readonly KubeObject[] {
    return [...this.#objects.values()]
      .filter((o) => o.collection.endsWith(collectionEnd))
      .map((o) => o.object);
  }

  /** Creates or replaces, as if by another client. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const collection = collectionOf(resource);
    const id = idOf(collection, object.metadata.namespace, object.metadata.name ?? "");
    const known = this.#objects.get(id)?.object;
    const uid = known?.metadata.uid ?? `uid-${++this.#uids}`;
    const type = known === undefined ? "ADDED" : "MODIFIED";
    return this.#commit(type, collection, {
      ...object,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { ...object.metadata, uid },
    });
  }

  remove(resource: Resource, name: string, namespace?: string): void {
    const collection = collectionOf(resource);
    const known = this.#objects.get(idOf(collection, namespace, name));
    if (known !== undefined) this.#commit("DELETED", collection, known.object);
  }

  #commit(type: WatchEventType, collection: string, draft: KubeObject): KubeObject {
    const revision = ++this.revision;
    const metadata = Object.freeze({ ...draft.metadata, resourceVersion: String(revision) });
    const object = Object.freeze({ ...draft, metadata });
    const id = idOf(collection, metadata.namespace, metadata.name ?? "");
    if (type === "DELETED") this.#objects.delete(id);
    else this.#objects.set(id, { collection, object });
    const change: Change = { type, collection, object, revision };
    this.#history.push(change);
    this.#publish(change);
    return object;
  }

  #publish(change: Change): void {
    for (const watcher of this.#watchers) {
      if (watcher.isDeaf || watcher.collection !== change.collection) continue;
      if (!watcher.sink.events([frame(change.type, change.object)])) this.#end(watcher);
    }
  }

  #end(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher) || watcher.isDeaf) return;
    watcher.sink.end();
  }

  #answer(call: ApiCall): ApiReply {
    const { collection, namespace, name } = parsePath(call.path);
    const query = new Map(call.query);
    if (call.method === "GET" && name === undefined)
      return query.get("watch") === "true" ? this.#watch(collection, query) : this.#list(collection, query);
    if (call.method === "POST") return this.#create(collection, call.body as KubeObject, namespace);
    const id = idOf(collection, namespace, name ?? "");
    const known = this.#objects.get(id)?.object;
    if (known === undefined)
      throw notFound({ group: "", resource: collection.split("/").pop()! }, name ?? "");
    if (call.method === "GET") return objectReply(200, known);
    if (call.method === "DELETE") return objectReply(200, this.#commit("DELETED", collection, known));
    const body = call.body as KubeObject;
    const asked = body.metadata?.resourceVersion;
    if (asked !== undefined && asked !== known.metadata.resourceVersion)
      throw conflict({ group: "", resource: collection.split("/").pop()! }, name ?? "");
    if (call.method === "PUT")
      return objectReply(200, this.#commit("MODIFIED", collection, { ...body, metadata: known.metadata }));
    if (call.method === "PATCH")
      return objectReply(
        200,
        this.#commit("MODIFIED", collection, { ...known, ...body, metadata: known.metadata }),
      );
    throw badRequest(`unexpected ${call.method}`);
  }

  #create(collection: string, body: KubeObject, namespace: string | undefined): ApiReply {
    const id = idOf(collection, namespace, body.metadata.name ?? "");
    if (this.#objects.has(id))
      throw alreadyExists({ group: "", resource: collection.split("/").pop()! }, body.metadata.name ?? "");
    const metadata = {
      ...body.metadata,
      ...(namespace === undefined ? {} : { namespace }),
      uid: `uid-${++this.#uids}`,
    };
    return objectReply(201, this.#commit("ADDED", collection, { ...body, metadata }));
  }

  #list(collection: string, query: ReadonlyMap<string, string>): ApiReply {
    const asked = Number(query.get("resourceVersion") ?? 0);
    if (asked > this.revision) throw resourceVersionTooLarge(asked, this.revision);
    const items = [...this.#objects.values()].filter((o) => o.collection === collection).map((o) => o.object);
    items.sort((a, b) =>
      `${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1,
    );
    const start = Number(query.get("continue") ?? 0);
    const limit = Number(query.get("limit") ?? items.length);
    const next = start + limit < items.length ? { continue: String(start + limit) } : {};
    const metadata = { resourceVersion: String(this.revision), ...next };
    const list = { kind: "List", apiVersion: "v1", metadata, items: items.slice(start, start + limit) };
    return { status: 200, contentType: "application/json", body: { as: "list", list, pieces: () => [] } };
  }

  #watch(collection: string, query: ReadonlyMap<string, string>): ApiReply {
    const after = Number(query.get("resourceVersion"));
    const start = (sink: WatchSink): (() => void) => {
      const watcher: Watcher = { collection, sink, isDeaf: false };
      this.#watchers.add(watcher);
      if (after < this.compacted) {
        sink.events([
          frame("ERROR", expired(`too old resource version: ${after} (${this.compacted})`).status),
        ]);
        this.#end(watcher);
      } else {
        const missed = this.#history.filter((c) => c.collection === collection && c.revision > after);
        if (missed.length > 0) sink.events(missed.map((c) => frame(c.type, c.object)));
      }
      return () => void this.#watchers.delete(watcher);
    };
    return { status: 200, contentType: "application/json", body: { as: "watch", start } };
  }
}

function frame(type: WatchEventType, object: object): WatchFrame {
  return { type, object, bytes: () => new TextEncoder().encode(`${JSON.stringify({ type, object })}\n`) };
}

function objectReply(status: number, object: object): ApiReply {
  const bytes = (): Uint8Array => new TextEncoder().encode(JSON.stringify(object));
  return { status, contentType: "application/json", body: { as: "object", object, bytes } };
}

function collectionOf(resource: Resource): string {
  const root = resource.group === "" ? "/api/v1" : `/apis/${resource.group}/${resource.version}`;
  return `${root}/${resource.resource}`;
}

function idOf(collection: string, namespace: string | undefined, name: string): string {
  return `${collection}|${namespace ?? ""}|${name}`;
}

/** `/api/v1/namespaces/ns/pods/x` → collection `/api/v1/pods`; subresources count as the object itself. */
function parsePath(path: string): {
  readonly collection: string;
  readonly namespace?: string;
  readonly name?: string;
} {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const root = parts.splice(0, parts[0] === "api" ? 2 : 3).join("/");
  const scope = parts[0] === "namespaces" && parts.length > 2 ? { namespace: parts[1]! } : {};
  if ("namespace" in scope) parts.splice(0, 2);
  const collection = `/${root}/${parts[0]}`;
  return parts[1] === undefined ? { collection, ...scope } : { collection, ...scope, name: parts[1] };
}
