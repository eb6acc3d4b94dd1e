/**
 * The whole cluster in one process, by seed: real API server on a memory store, all controllers, scheduler, simulated
 * nodes, under a simulated clock. The same seed and the same steps give the same log of revisions.
 *
 *   memory store ◀─ API server ◀─ loopback ◀─ bad network ◀─ DaemonSet controller (one process, may die)
 *        ▲              ▲  └──── loopback ◀─ bad network ◀─ the other controllers, scheduler, nodes (one process)
 *        └ log          └─────── loopback ◀─ users (no faults)
 *
 * Not here: what users do, and the invariants (test/simulation).
 */
import { setMaxListeners } from "node:events";
import { createFleet, type NodeWish, nodeObject, type Timings } from "../agent/index.ts";
import { nodes as nodeResource } from "../api/index.ts";
import { type ApiServer, createApiServer } from "../apiserver/index.ts";
import {
  type Log,
  type Random,
  seededRandom,
  silentLog,
  silentMetrics,
  SimulatedClock,
} from "../base/index.ts";
import {
  type Client,
  createClient,
  createInformerFactory,
  type EventRecorder,
  loopbackTransport,
  type Transport,
} from "../client/index.ts";
import { createGarbageCollector } from "../controllers/garbage-collector/index.ts";
import { createNamespaceController } from "../controllers/namespace/index.ts";
import {
  createNodeLifecycleController,
  createTaintEvictionController,
} from "../controllers/node-lifecycle/index.ts";
import { createPodGcController } from "../controllers/pod-gc/index.ts";
import { createRootCaController } from "../controllers/root-ca/index.ts";
import { createServiceAccountController } from "../controllers/service-account/index.ts";
import type {
  DaemonSetController,
  PlacementMode,
  Snapshot,
  Verdict,
} from "../controllers/daemonset/index.ts";
import { explain } from "../controllers/daemonset/explain.ts";
import type { ApiCall, ApiHandler, ApiReply } from "../machinery/index.ts";
import { createScheduler } from "../scheduler/index.ts";
import { createMemoryStore, type EmbeddedStore, type Store } from "../storage/index.ts";
import { type Explained, type Faults, FaultyTransport, type TransportObserver } from "./faulty-transport.ts";
import { type LaggingStore, laggingStore } from "./lagging-store.ts";
import { type ControllerSeams, startController, observingDecisions } from "./simulated-controller.ts";

/** User name of the DaemonSet controller. */
const controllerUser = "system:serviceaccount:kube-system:daemon-set-controller";
/** Calls to the server within one instant; with more, something loops. */
const callsPerInstantMax = 5_000;
/** How often `until` checks its condition, in ms. */
const pollEveryMs = 1_000;
/** Between full recounts, in ms of simulated time: each goes through the whole log. */
const recountEveryMs = 60_000;

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly nodes: readonly NodeWish[];
  /** Default: scheduler. */
  readonly placement?: PlacementMode;
  /** Network of the DaemonSet controller. */
  readonly faults?: Faults;
  /** Network of all others except users. */
  readonly otherFaults?: Faults;
  /** Processes with a DaemonSet controller. Default 1. */
  readonly controllers?: number;
  /** Whether they elect a leader. Default: when there are several. */
  readonly elect?: boolean;
  readonly timings?: Partial<Timings>;
  /** Freezes shared objects, so that a change of one throws. */
  readonly freeze?: boolean;
  readonly log?: Log;
  /** Changes to the DaemonSet controller's surroundings, for planted bugs. */
  readonly seams?: ControllerSeams;
  /** Wraps the garbage collector's transport; it then has caches of its own. */
  readonly collector?: (transport: Transport) => Transport;
  /** Makes the observer of a DaemonSet controller process, at its start. */
  readonly observe?: (instance: string) => TransportObserver;
  /** Every call that the server has answered. */
  readonly answered?: (call: ApiCall, reply: ApiReply, username: string) => void;
  /** Called whenever nothing is left to do without time. */
  readonly settled?: () => void;
}

interface ControllerProcess {
  readonly instance: string;
  readonly transport: FaultyTransport;
  readonly controller: AbortController;
}

/** Lets all promise chains run to their end: a macrotask comes only after the last microtask. */
function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class SimulatedCluster {
  readonly clock: SimulatedClock = new SimulatedClock();
  readonly store: EmbeddedStore;
  /** As a user whose network is good. */
  readonly client: Client;
  readonly #options: SimulatedClusterOptions;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #failures: unknown[] = [];
  readonly #processes: (ControllerProcess | undefined)[] = [];
  /** DaemonSet controllers that run now, by process; one that waits to be elected has none. */
  readonly #running = new Map<string, DaemonSetController>();
  #server!: ApiServer;
  #serverStop = new AbortController();
  #behind: { readonly store: LaggingStore; readonly server: ApiServer; isUsed: boolean } | undefined;
  #others: FaultyTransport | undefined;
  /** Set by `setFaults`. */
  #faults: Faults | undefined;
  /** One generator over restarts, so that names and UIDs do not repeat. */
  readonly #serverRandom: Random;
  #started = 0;
  #recountedMs = 0;
  #instantMs = 0;
  #calls = 0;

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#serverRandom = seededRandom(options.seed);
    this.store = createMemoryStore({ clock: this.clock });
    this.client = createClient(this.#loopback("system:admin"));
    setMaxListeners(0, this.#stop.signal);
  }

  /** The API server, the nodes and all controllers are up when it resolves. */
  async start(): Promise<this> {
    await this.#startServer();
    this.#startOthers();
    for (let i = 0; i < (this.#options.controllers ?? 1); i++) this.restartController(i);
    await this.settle();
    return this;
  }

  /** Runs everything that needs no time. */
  async settle(): Promise<void> {
    await drain();
    this.#options.settled?.();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.settle());
    await this.settle();
    this.#recount();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** What the store and the server keep by events is what a full recount says. */
  #recount(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#recountedMs < recountEveryMs) return;
    this.#recountedMs = nowMs;
    for (const text of [...this.store.recount(), ...this.#server.recount()])
      this.#failures.push(new Error(`a recount disagrees: ${text}`));
  }

  /** Advances time until `isSo`. @returns false when that takes longer than `patienceMs`. */
  async until(isSo: () => boolean | Promise<boolean>, patienceMs: number): Promise<boolean> {
    for (let waited = 0; ; waited += pollEveryMs) {
      if (await isSo()) return true;
      if (waited >= patienceMs) return false;
      await this.advance(pollEveryMs);
    }
  }

  /** From now on, also of processes that start later. */
  setFaults(faults: Faults, otherFaults: Faults = {}): void {
    for (const process of this.#processes) if (process !== undefined) process.transport.faults = faults;
    this.#faults = faults;
    if (this.#others !== undefined) this.#others.faults = otherFaults;
  }

  /**
   * What happens during `body` to objects of the resource reaches the DaemonSet controllers by no event: their watches are silent,
   * and end with 410.
   */
  async unwatched(resource: string, body: () => Promise<void>): Promise<void> {
    const transports = this.#processes.flatMap((process) => process?.transport ?? []);
    for (const transport of transports) transport.holdWatches(resource);
    try {
      await body();
    } finally {
      for (const transport of transports) transport.expireWatches(resource);
    }
  }

  /** Kills the process: nothing more comes from it except calls that it had sent. */
  crashController(index = 0): void {
    const process = this.#processes[index];
    if (process === undefined) return;
    this.#processes[index] = undefined;
    process.transport.cut();
    process.controller.abort(new Error("the process is dead"));
  }

  /** Dies at the `atWrite`-th write from now, which has been carried out or not. */
  crashControllerAtWrite(atWrite: number, isCarriedOut: boolean, index = 0): void {
    this.#processes[index]?.transport.dieAtWrite(atWrite, isCarriedOut, () => this.crashController(index));
  }

  isControllerRunning(index = 0): boolean {
    return this.#processes[index] !== undefined;
  }

  /** A new process with empty memory; kills the old one if it is still there. */
  restartController(index = 0): void {
    this.crashController(index);
    const instance = `daemonset-controller-${++this.#started}`;
    const { seed, seams, placement = "scheduler", controllers = 1 } = this.#options;
    const observer = this.#options.observe?.(instance);
    const transport = new FaultyTransport(
      this.#controllerLoopback(),
      this.#faults ?? this.#options.faults ?? {},
      {
        clock: this.clock,
        random: seededRandom(seed * 1000 + this.#started),
        ...(observer === undefined ? {} : { observer }),
      },
    );
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    this.#processes[index] = { instance, transport, controller };
    const run = startController({
      instance,
      transport,
      placement,
      elect: this.#options.elect ?? controllers > 1,
      clock: this.clock,
      random: seededRandom(seed * 2000 + this.#started),
      log: this.#log,
      seams: observingDecisions(seams ?? {}, (snapshot) =>
        observer?.deciding?.(snapshot.uid, this.#explained(instance, snapshot)),
      ),
      signal: controller.signal,
      begins: (made, leading) => {
        this.#running.set(instance, made);
        leading.addEventListener("abort", () => this.#running.delete(instance), { once: true });
      },
    });
    run.catch((error: unknown) => {
      if (!controller.signal.aborted) this.#failures.push(error);
    });
  }

  /** Compares the state of the running DaemonSet controllers with a recount. O(nodes + pods). @returns disagreements. */
  recountControllers(): readonly string[] {
    return [...this.#running.values()].flatMap((controller) => controller.recount());
  }

  /** What the running DaemonSet controllers say about these nodes. */
  explain(key: string, nodes: readonly string[]): readonly Verdict[] {
    return [...this.#running.values()].flatMap((controller) => {
      const verdictOf = controller.explain(key);
      return verdictOf === undefined ? [] : nodes.map(verdictOf);
    });
  }

  /** The verdicts behind a decision that is being taken, whatever the sync has written before it. */
  #explained(instance: string, snapshot: Snapshot): Explained {
    const verdictOf = explain(snapshot, []);
    return (key, node) => {
      const tracked = this.#running.get(instance)?.tracked(key);
      return tracked?.uid === snapshot.uid ? verdictOf(tracked.question(node)) : undefined;
    };
  }

  /** Restarts the API server over the same store. Watches end; calls get 503 until the caches are loaded. */
  async restartApiServer(): Promise<void> {
    this.#serverStop.abort(new Error("the server restarts"));
    this.#serverStop = new AbortController();
    await this.#startServer();
  }

  /** The DaemonSet controller reads from a second API server that lags by `lagMs`; 0: from the first one again. */
  async timeTravel(lagMs: number): Promise<void> {
    if (this.#behind === undefined) {
      if (lagMs === 0) return;
      const store = laggingStore(this.store, this.clock, lagMs);
      const server = this.#makeServer(store);
      this.#guard(server.run(this.#stop.signal));
      await server.ready;
      this.#behind = { store, server, isUsed: true };
    }
    this.#behind.store.lagMs = lagMs;
    this.#behind.isUsed = lagMs > 0;
  }

  async stop(): Promise<void> {
    for (let i = 0; i < this.#processes.length; i++) this.crashController(i);
    this.#stop.abort(new Error("the simulation ends"));
    this.#serverStop.abort(new Error("the simulation ends"));
    await drain();
  }

  async #startServer(): Promise<void> {
    const server = this.#makeServer(this.store);
    this.#server = server;
    this.#guard(server.run(this.#serverStop.signal));
    await server.ready;
  }

  #makeServer(store: Store): ApiServer {
    const { clock } = this;
    const random = this.#serverRandom;
    return createApiServer(
      { freeze: this.#options.freeze === true },
      { store, clock, random, log: this.#log, metrics: silentMetrics },
    );
  }

  #loopback(username: string): Transport {
    return loopbackTransport(
      this.#answer(() => this.#server.handler),
      { user: masters(username) },
    );
  }

  /** Writes go to the first server, reads to the lagging one while there is one. */
  #controllerLoopback(): Transport {
    const handler = this.#answer((call) =>
      call.method === "GET" && this.#behind?.isUsed === true
        ? this.#behind.server.handler
        : this.#server.handler,
    );
    return loopbackTransport(handler, { user: masters(controllerUser) });
  }

  #answer(handlerFor: (call: ApiCall) => ApiHandler): ApiHandler {
    return async (call) => {
      if (this.clock.monotonicMs() !== this.#instantMs) {
        this.#instantMs = this.clock.monotonicMs();
        this.#calls = 0;
      }
      if (++this.#calls > callsPerInstantMax) {
        this.#failures.push(new Error(`endless loop: ${usernameOf(call)} ${call.method} ${call.path}`));
        return new Promise(() => {});
      }
      const reply = await handlerFor(call)(call);
      this.#options.answered?.(call, reply, usernameOf(call));
      return reply;
    };
  }

  #startOthers(): void {
    const { seed, otherFaults = {}, timings } = this.#options;
    const { clock } = this;
    const log = this.#log;
    const random = seededRandom(seed * 3000);
    const handler = this.#answer(() => this.#server.handler);
    const over = (username: string): Transport => loopbackTransport(handler, { user: masters(username) });
    const network = new PerUserTransport(over);
    this.#others = new FaultyTransport(network, otherFaults, { clock, random: seededRandom(seed * 4000) });
    const clientOf = (username: string): Client =>
      createClient(network.as(username, this.#others!), { userAgent: username });
    const informers = createInformerFactory(clientOf("system:kube-controller-manager"), {
      clock,
      random,
      log,
    });
    const shared = { informers, clock, random, log, metrics: silentMetrics, recorder: silentRecorder };
    const as = (account: string) => ({
      ...shared,
      client: clientOf(`system:serviceaccount:kube-system:${account}`),
    });
    const tampered = (account: string): ReturnType<typeof as> => {
      const { collector } = this.#options;
      if (collector === undefined) return as(account);
      const user = `system:serviceaccount:kube-system:${account}`;
      const client = createClient(collector(network.as(user, this.#others!)), { userAgent: user });
      const own = createInformerFactory(client, { clock, random, log });
      own.start(this.#stop.signal);
      return { ...shared, client, informers: own };
    };
    const parts = [
      createNodeLifecycleController({}, as("node-controller")),
      createTaintEvictionController({}, as("taint-eviction-controller")),
      createPodGcController({}, as("pod-garbage-collector")),
      createGarbageCollector(tampered("generic-garbage-collector")),
      createNamespaceController(as("namespace-controller")),
      createServiceAccountController({}, as("service-account-controller")),
      createRootCaController({ rootCa: "simulated" }, as("root-ca-cert-publisher")),
      createFleet(
        { name: "", nodes: [], kubeletVersion: "v1.34.0", ...(timings === undefined ? {} : { timings }) },
        {
          client: clientOf("system:nodes"),
          informers,
          clock,
          random,
          log,
          recorderFor: () => silentRecorder,
        },
      ),
    ];
    if (this.#options.placement !== "controller") parts.push(createScheduler({}, as("scheduler")));
    informers.start(this.#stop.signal);
    for (const part of parts) this.#guard(part.run(this.#stop.signal));
    for (const wish of this.#options.nodes)
      this.#guard(this.client.create(nodeResource, nodeObject(wish)).then(() => {}));
  }

  #guard(part: Promise<void>): void {
    part.catch((error: unknown) => {
      if (!this.#stop.signal.aborted && !this.#serverStop.signal.aborted) this.#failures.push(error);
    });
  }
}

export async function startSimulatedCluster(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
  return await new SimulatedCluster(options).start();
}

/** Events are not recorded: nothing depends on them, and they would be half of all writes. */
const silentRecorder: EventRecorder = { event() {}, flush: () => Promise.resolve() };

function usernameOf({ credentials }: ApiCall): string {
  return credentials.from === "process" ? credentials.user.username : "";
}

function masters(username: string): { readonly username: string; readonly groups: readonly string[] } {
  return { username, groups: ["system:masters", "system:authenticated"] };
}

/** Many users over one network: the user is kept beside the call. */
class PerUserTransport implements Transport {
  readonly #over: (username: string) => Transport;
  readonly #users = new WeakMap<object, Transport>();

  constructor(over: (username: string) => Transport) {
    this.#over = over;
  }

  /** Calls through `network`, which ends in this transport, as the user. */
  as(username: string, network: Transport): Transport {
    const mine = this.#over(username);
    const marked: Transport["send"] = (call) => {
      const own = { ...call };
      this.#users.set(own, mine);
      return network.send(own);
    };
    return {
      send: marked,
      watch: (call, sink) => network.watch(call, sink),
      stream: (call) => network.stream(call),
      close: () => network.close(),
    };
  }

  send: Transport["send"] = (call) => (this.#users.get(call) ?? this.#anybody).send(call);
  watch: Transport["watch"] = (call, sink) => this.#anybody.watch(call, sink);
  stream: Transport["stream"] = (call) => this.#anybody.stream(call);
  close: Transport["close"] = () => Promise.resolve();

  get #anybody(): Transport {
    return (this.#default ??= this.#over("system:kube-controller-manager"));
  }

  #default: Transport | undefined;
}
