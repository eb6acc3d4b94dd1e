/**
 * A control plane for tests: the real API server on a memory store, over loopback, under a simulated clock.
 * Only the parts that a test starts run, and only nodes that a test creates exist. Shared objects are frozen.
 */
import { setMaxListeners } from "node:events";
import { type ApiServer, createApiServer } from "../apiserver/index.ts";
import { type Event, events } from "../api/index.ts";
import {
  type Log,
  type Metrics,
  type Random,
  seededRandom,
  silentMetrics,
  SimulatedClock,
} from "../base/index.ts";
import {
  type Client,
  createClient,
  createEventRecorder,
  createInformerFactory,
  type EventRecorder,
  type InformerFactory,
  loopbackTransport,
} from "../client/index.ts";
import { isNotFound, type KubeObject, type Resource } from "../machinery/index.ts";
import { createMemoryStore, type EmbeddedStore } from "../storage/index.ts";
import { restoredStore } from "./restored-store.ts";

/** What every controller is given. */
export interface ControllerDependencies {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder: EventRecorder;
}

/** Simulated time that `until` waits at most. */
const patienceMs = 120_000;
/** Rounds of microtasks after which all promise chains that need no time have ended. */
const settleRounds = 400;

async function settle(): Promise<void> {
  for (let i = 0; i < settleRounds; i++) await Promise.resolve();
}

export class TestCluster {
  readonly clock: SimulatedClock = new SimulatedClock();
  readonly random: Random;
  readonly client: Client;
  /** Messages of warnings and errors, for tests to check. */
  readonly complaints: string[] = [];
  /** Method and path of every call over the informers' and controllers' client, in order. */
  readonly calls: string[] = [];
  readonly #stop = new AbortController();
  readonly #parts: Promise<void>[] = [];
  readonly #informers: InformerFactory;
  readonly #recorders: EventRecorder[] = [];
  #store: EmbeddedStore;
  #server: ApiServer;
  #serverStop = new AbortController();

  constructor(seed = 1) {
    this.random = seededRandom(seed);
    const { clock, random } = this;
    // Every informer and watch of a test listens to this one signal.
    setMaxListeners(0, this.#stop.signal);
    this.#store = createMemoryStore({ clock });
    this.#server = this.#newServer();
    const user = { username: "system:test", groups: ["system:masters", "system:authenticated"] };
    const transport = loopbackTransport((call) => this.#server.handler(call), { user });
    this.client = createClient({
      ...transport,
      send: (call) => {
        this.calls.push(`${call.method} ${call.path}`);
        return transport.send(call);
      },
    });
    this.#informers = createInformerFactory(this.client, { clock, random, log: this.log });
  }

  /** What the server serves; may be changed. */
  get resources(): ApiServer["resources"] {
    return this.#server.resources;
  }

  get log(): Log {
    const complain = (message: string, fields?: object): void => {
      this.complaints.push(`${message} ${JSON.stringify(fields ?? {})}`);
    };
    return { debug() {}, info() {}, warn: complain, error: complain };
  }

  /** Starts the server; resolves when it answers. */
  async open(): Promise<this> {
    await this.#serve();
    return this;
  }

  get revision(): number {
    return this.#store.currentRevision();
  }

  /** The server comes back with its data as of an earlier revision. Informers find that out when they watch again. */
  async restore(revision: number): Promise<void> {
    this.#serverStop.abort(new Error("the server restarts"));
    this.#store = await restoredStore(this.#store, revision, this.clock);
    this.#server = this.#newServer();
    await this.#serve();
  }

  #newServer(): ApiServer {
    const { clock, random, log } = this;
    return createApiServer(
      { freeze: true },
      { store: this.#store, clock, random, log, metrics: silentMetrics },
    );
  }

  async #serve(): Promise<void> {
    const ending = new AbortController();
    this.#serverStop = ending;
    const server = this.#server;
    this.#run((signal) => {
      signal.addEventListener("abort", () => ending.abort(signal.reason), { once: true });
      return server.run(ending.signal).catch((error: unknown) => {
        if (!ending.signal.aborted) throw error;
      });
    });
    await server.ready;
  }

  dependencies(component: string): ControllerDependencies {
    const { client, clock, random, log } = this;
    const { signal } = this.#stop;
    const recorder = createEventRecorder({ client, component, clock, random, log, signal });
    this.#recorders.push(recorder);
    return { client, informers: this.#informers, clock, random, log, metrics: silentMetrics, recorder };
  }

  /** Runs the parts and their informers; resolves when nothing is left to do without time. */
  async start(...parts: readonly { run(signal: AbortSignal): Promise<void> }[]): Promise<void> {
    this.#informers.start(this.#stop.signal);
    for (const part of parts) this.#run((signal) => part.run(signal));
    await settle();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, settle);
  }

  /** Advances time until `read` returns something that is neither false nor undefined. @throws after `patienceMs`. */
  async until<T>(what: string, read: () => Promise<T | false | undefined>): Promise<T> {
    for (let waited = 0; waited <= patienceMs; waited += 500) {
      await settle();
      const answer = await read();
      if (answer !== false && answer !== undefined) return answer;
      await this.advance(500);
    }
    throw new Error(`never happened: ${what}; complaints: ${this.complaints.join("; ") || "none"}`);
  }

  /** The object, or undefined when there is none. */
  async find<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> {
    try {
      return await this.client.get(resource, namespace === undefined ? { name } : { name, namespace });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Events about the object, oldest first, as `type reason component: message`. */
  async eventsOf(name: string): Promise<string[]> {
    await settle();
    const found = await this.client.list(events);
    return found.items
      .filter((event: Event) => event.involvedObject.name === name)
      .map(({ type, reason, source, message }) => `${type} ${reason} ${source?.component}: ${message}`);
  }

  /** Stops everything; rejects when a part failed. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("test ends"));
    await Promise.all(this.#parts);
  }

  #run(run: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stop;
    const part = run(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    // `stop` reports the failure, even if it comes late.
    part.catch(() => {});
    this.#parts.push(part);
  }
}

/** Runs `body` against a fresh cluster and stops it afterwards in any case. */
export async function withCluster(body: (cluster: TestCluster) => Promise<void>, seed = 1): Promise<void> {
  const cluster = await new TestCluster(seed).open();
  try {
    await body(cluster);
  } finally {
    await cluster.stop();
  }
}
