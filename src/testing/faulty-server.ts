/**
 * The real API server over a memory store, with faults that a test orders: for tests of clients.
 *
 *   client ─▶ refused as ordered? ─▶ server ─▶ watch: passed on, ended, kept silent or repeated as ordered ─▶ client
 *
 * Not here: faults by chance (faulty-transport.ts), a server that lags behind its store (lagging-store.ts).
 */
import type { SimulatedClock } from "../base/index.ts";
import {
  type ApiHandler,
  type ApiReply,
  type KubeList,
  type KubeObject,
  type Resource,
  resourcePath,
  type StatusError,
  type WatchFrame,
  type WatchSink,
} from "../machinery/index.ts";
import { statusReply } from "../apiserver/registry/replies.ts";
import { createMemoryStore, type Store } from "../storage/index.ts";
import { TestApiServer } from "./test-api-server.ts";

/** One call of the client under test. */
export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly query: string;
}

export class FaultyServer {
  /** Calls of the client under test, in order, without those of the test itself. */
  readonly calls: SeenCall[] = [];
  readonly clock: SimulatedClock;
  #server: TestApiServer;
  readonly #watches = new Set<OrderedWatch>();
  readonly #failures: StatusError[] = [];

  private constructor(server: TestApiServer) {
    this.#server = server;
    this.clock = server.clock;
  }

  static async start(): Promise<FaultyServer> {
    return new FaultyServer(await TestApiServer.start());
  }

  readonly handler: ApiHandler = async (call) => {
    const query = call.query.map(([name, value]) => `${name}=${value}`).join("&");
    this.calls.push({ method: call.method, path: call.path, query });
    const failure = this.#failures.shift();
    if (failure !== undefined) return statusReply(failure);
    return this.#throughDoor(await this.#server.handler(call));
  };

  /** Watches that the client under test has open, silent ones too. */
  get watchers(): number {
    return this.#watches.size;
  }

  /** The next calls fail with these, in order. */
  failNext(...failures: readonly StatusError[]): void {
    this.#failures.push(...failures);
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** From now on watches stay open but deliver nothing, not even their end, like a dead connection. */
  silenceWatches(): void {
    for (const watch of this.#watches) watch.isSilent = true;
  }

  /** Each watch sends its last `count` events once more. */
  repeat(count: number): void {
    for (const watch of this.#watches) watch.repeat(count);
  }

  /** Restarts the server over the same store without its history: older watches get 410. */
  async restart(): Promise<void> {
    const { store } = this.#server;
    await store.compact(Number(await this.#resourceVersion()));
    await this.#replace(store);
  }

  /** Restarts the server over an empty store, as after the loss of a disk: revisions begin anew. */
  async restartEmpty(): Promise<void> {
    await this.#replace(createMemoryStore());
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Creates or replaces, as another client would. @throws when the server refuses. */
  async put(resource: Resource, object: KubeObject): Promise<KubeObject> {
    const { name } = object.metadata;
    const namespace = resource.namespaced ? (object.metadata.namespace ?? "default") : undefined;
    const collection = resourcePath(resource, namespace === undefined ? {} : { namespace });
    const answer = await this.#server.call("GET", `${collection}/${name}`);
    if (answer.status === 404)
      return (await this.#server.ok("POST", collection, { body: object })) as KubeObject;
    const known = answer.object as KubeObject;
    const metadata = { ...known.metadata, ...object.metadata };
    const body = { ...known, ...object, metadata };
    return (await this.#server.ok("PUT", `${collection}/${name}`, { body })) as KubeObject;
  }

  /** Removes at once, as another client would; no error when it is not there. */
  async remove(resource: Resource, name: string, namespace?: string): Promise<void> {
    const collection = resourcePath(resource, namespace === undefined ? {} : { namespace });
    await this.#server.call("DELETE", `${collection}/${name}?gracePeriodSeconds=0`);
  }

  /** The objects that the server keeps, not copies, by key. */
  async objects<T extends KubeObject>(resource: Resource<T>): Promise<readonly T[]> {
    return (await this.#list(resource)).items;
  }

  /** The newest resourceVersion of a collection. */
  async resourceVersion(resource: Resource): Promise<string> {
    return (await this.#list(resource)).metadata.resourceVersion ?? "";
  }

  async #list<T extends KubeObject>(resource: Resource<T>): Promise<KubeList<T>> {
    const { reply } = await this.#server.call("GET", resourcePath(resource));
    if (reply.body.as !== "list") throw new Error(`no list of ${resource.resource}: ${reply.status}`);
    return reply.body.list as KubeList<T>;
  }

  async #resourceVersion(): Promise<string> {
    const list = (await this.#server.ok("GET", "/api/v1/namespaces")) as KubeList;
    return list.metadata.resourceVersion ?? "0";
  }

  async #replace(store: Store): Promise<void> {
    await this.#server.stop();
    this.#server = await TestApiServer.start({ store, clock: this.clock });
  }

  #throughDoor(reply: ApiReply): ApiReply {
    const { body } = reply;
    if (body.as !== "watch") return reply;
    const start = (sink: WatchSink): (() => void) => {
      const watch = new OrderedWatch(sink, () => this.#watches.delete(watch));
      this.#watches.add(watch);
      return watch.follow(body.start);
    };
    return { ...reply, body: { as: "watch", start } };
  }
}

/** One watch as the client sees it: what the server sends, unless ordered otherwise. */
class OrderedWatch implements WatchSink {
  isSilent = false;
  readonly #sink: WatchSink;
  readonly #closed: () => void;
  readonly #sent: WatchFrame[] = [];
  #stopServer: () => void = () => {};
  #isOver = false;

  constructor(sink: WatchSink, closed: () => void) {
    this.#sink = sink;
    this.#closed = closed;
  }

  follow(start: (sink: WatchSink) => () => void): () => void {
    const stop = start(this);
    this.#stopServer = stop;
    return () => this.#close();
  }

  events(batch: readonly WatchFrame[]): boolean {
    if (this.#isOver) return false;
    if (this.isSilent) return true;
    for (const frame of batch) if (frame.type !== "BOOKMARK") this.#sent.push(frame);
    return this.#sink.events(batch);
  }

  end(): void {
    if (this.#isOver || this.isSilent) return;
    this.#close();
    this.#sink.end();
  }

  repeat(count: number): void {
    if (this.#isOver || this.isSilent || count === 0) return;
    const last = this.#sent.slice(-count);
    if (last.length > 0) this.#sink.events(last);
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closed();
    this.#stopServer();
  }
}
