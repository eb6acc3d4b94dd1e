/**
 * The API server as one thing with a life: a handler over a store, for every transport.
 *
 *   createApiServer(options, dependencies) ─▶ { handler, ready, run(signal) }
 *
 * Not here: HTTP (http-server.ts), the store's maker, real clock and random (main/).
 */
import { ipaddresses, kinds as builtInKinds, type Kind, servicecidrs, services } from "../api/index.ts";
import { assert, type Clock, type Log, type Metrics, type Random, sleep } from "../base/index.ts";
import type { ApiHandler, Resource } from "../machinery/index.ts";
import type { Store } from "../storage/index.ts";
import { AdmissionChain, type AdmissionPlugin } from "./admission/chain.ts";
import type { ObjectLister } from "./admission/lister.ts";
import { orderedPlugins } from "./admission-plugins/ordered-plugins.ts";
import { createSystemObjects } from "./resources/bootstrap.ts";
import { Cacher } from "./watch-cache/cacher.ts";
import { WrittenObjects } from "./watch-cache/encode.ts";
import { serverEndpoints } from "./discovery/endpoints.ts";
import {
  ensureKubernetesService,
  keepKubernetesService,
  type ServerEndpoint,
} from "./resources/kubernetes-service.ts";
import { type ServiceRangeOptions, Services } from "./resources/services/services.ts";
import { builtInResources } from "./resources/built-in.ts";
import type { ChainOptions } from "./filters/chain.ts";
import { createHandler } from "./handler.ts";
import type { BuildInfo } from "./discovery/health.ts";
import type { OpenApiOptions } from "./discovery/openapi.ts";
import { expireObjects } from "./registry/expiry.ts";
import type { NodeLogs } from "./resources/pods/log.ts";
import { objectLister } from "./registry/object-lister.ts";
import { Reads } from "./registry/reads.ts";
import { statusErrorOf } from "./registry/storage-errors.ts";
import { Writes } from "./registry/writes.ts";
import { ResourceHandler } from "./resource-handler.ts";
import { cachedResources, ResourceRegistry } from "./registry/resource-registry.ts";

export interface ApiServerOptions extends ChainOptions {
  /** Default: all built-in kinds. */
  readonly kinds?: readonly Kind[];
  /** Freezes every shared object, so that a test finds who changes one. */
  readonly freeze?: boolean;
  /** Shown by `/version`. */
  readonly build?: Partial<BuildInfo> & { readonly version?: string };
  /** New nodes are born with the not-ready taint, as by upstream's admission; for servers with a node life cycle controller. */
  readonly taintsNewNodes?: boolean;
  /** `127.0.0.1:6443`: what legacy discovery tells clients to use. */
  readonly serverAddress?: string;
  /** The ranges of Services' addresses and node ports. */
  readonly serviceRanges?: ServiceRangeOptions;
  /** Admission plug-ins that run after the built-in ones. */
  readonly admissionPlugins?: (lister: ObjectLister) => readonly AdmissionPlugin[];
}

export interface ApiServerDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Prometheus text for `/metrics`; without it that path is not served. */
  readonly metricsText?: () => string | Promise<string>;
  /** OpenAPI v3 document of a group version; without it `kubectl explain` has nothing to show. */
  readonly openApiDocument?: NonNullable<OpenApiOptions["document"]>;
  /** Without it pods have empty logs. */
  readonly nodeLogs?: NodeLogs;
}

export interface ApiServer {
  /** Answers 503 until `run` has loaded the store. */
  readonly handler: ApiHandler;
  /**
   * True once everything is loaded and the system's objects are there, until the server stops; false meanwhile when the store's
   * changes do not arrive.
   */
  readonly isReady: boolean;
  /** Resolves when `isReady` becomes true for the first time; rejects when `run` ends before. */
  readonly ready: Promise<void>;
  /**
   * Tells clients in the cluster where this server is, by the `kubernetes` Service. Call once it is ready and listens.
   * Resolves when the Service is there; it is looked after until the server stops.
   */
  advertise(endpoint: ServerEndpoint): Promise<void>;
  /** What is served. It may change at any time. */
  readonly resources: ResourceRegistry;
  /**
   * Serves until the signal aborts; a store that is away or does not answer is waited for. Rejects for what that cannot mend, such as
   * a store that has lost revisions. Call once.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Where caches and watchers are not what a full recount says; empty when all is well. O(everything): for tests. */
  recount(): readonly string[];
}

/** Between attempts to make the system's objects, in ms: nothing is served meanwhile. */
const bootstrapPauseMs = 1_000;

export function createApiServer(options: ApiServerOptions, dependencies: ApiServerDependencies): ApiServer {
  return new Server(options, dependencies);
}

class Server implements ApiServer {
  readonly handler: ApiHandler;
  readonly ready: Promise<void>;
  #isStarted = false;
  readonly #cacher: Cacher;
  readonly resources: ResourceRegistry;
  readonly #writes: Writes;
  /** Undefined when Services are not served. */
  readonly #services: Services | undefined;
  readonly #stopping = new AbortController();
  readonly #clock: Clock;
  readonly #log: Log;
  #settleReady!: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(options: ApiServerOptions, dependencies: ApiServerDependencies) {
    const { store, clock, random, log, metrics, metricsText, openApiDocument } = dependencies;
    const kinds = options.kinds ?? builtInKinds;
    const written = new WrittenObjects({ freeze: options.freeze === true });
    this.#clock = clock;
    this.#log = log;
    const { nodeLogs } = dependencies;
    const definitions = builtInResources(kinds, nodeLogs === undefined ? {} : { nodeLogs });
    this.#cacher = new Cacher(cachedResources(definitions), { store, written, clock, log, metrics });
    const cacher = this.#cacher;
    const resources = new ResourceRegistry(definitions, { cacher, store, clock, metrics });
    this.resources = resources;
    const admission = admissionChain(options, objectLister(resources));
    this.#writes = new Writes({
      store,
      cacher,
      written,
      admission,
      clock,
      random,
      allocatorOf: (resource) => (resource === services ? this.#services?.allocator : undefined),
    });
    const servicesNeed = { writes: this.#writes, resources, store, clock, random, log };
    const needed = [services, ipaddresses, servicecidrs] as readonly Resource[];
    this.#services = needed.every((one) => kinds.some(({ resource }) => resource === one))
      ? new Services(options.serviceRanges ?? {}, servicesNeed)
      : undefined;
    this.handler = createHandler(options, {
      resources: new ResourceHandler({
        resources,
        reads: new Reads({ cacher, store, clock, random }),
        writes: this.#writes,
        clock,
      }),
      endpoints: serverEndpoints({
        served: resources,
        clock,
        checks: [{ name: "storage-loaded", for: "ready", isHealthy: () => this.isReady }],
        ...(options.build === undefined ? {} : { build: options.build }),
        ...(options.serverAddress === undefined ? {} : { serverAddress: options.serverAddress }),
        ...(metricsText === undefined ? {} : { metricsText }),
        ...(openApiDocument === undefined ? {} : { openApiDocument }),
      }),
      isLoaded: () => this.#cacher.isLoaded,
      clock,
      log,
      metrics,
    });
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    // Those who do not wait for `ready` hear of a failure by `run`.
    this.ready.catch(() => {});
  }

  get isReady(): boolean {
    return this.#isStarted && this.#cacher.isCurrent;
  }

  recount(): readonly string[] {
    return this.resources.recount();
  }

  async run(signal: AbortSignal): Promise<void> {
    let fail: (error: unknown) => void = () => {};
    const broken = new Promise<never>((_resolve, reject) => (fail = reject));
    broken.catch(() => {});
    const work = this.#work(fail, signal);
    work.catch(() => {});
    try {
      await Promise.race([broken, aborted(signal), work]);
      this.#settleReady.reject(signal.reason);
    } catch (error) {
      this.#settleReady.reject(error);
      throw error;
    } finally {
      this.#isStarted = false;
      this.#stopping.abort(new Error("the server stops"));
      this.resources.endAllWatches();
      this.#cacher.stop();
    }
  }

  async #work(fail: (error: unknown) => void, signal: AbortSignal): Promise<void> {
    await this.#cacher.start(fail);
    await this.#createSystemObjects(signal);
    if (signal.aborted) return;
    this.#isStarted = true;
    this.#settleReady.resolve();
    this.#log.info("api server ready", { revision: this.#cacher.revision });
    await Promise.all([
      expireObjects(this.#writes, this.resources, { clock: this.#clock, signal }),
      this.#services?.run(signal),
    ]);
  }

  async advertise(endpoint: ServerEndpoint): Promise<void> {
    assert(this.#services !== undefined, "a server without Services is not told of");
    const dependencies = {
      writes: this.#writes,
      resources: this.resources,
      clock: this.#clock,
      log: this.#log,
      clusterIp: this.#services.firstIp,
    };
    await ensureKubernetesService(endpoint, dependencies);
    void keepKubernetesService(endpoint, { ...dependencies, signal: this.#stopping.signal });
  }

  /** Tries again when the store is away or an answer got lost; what is there is left alone. */
  async #createSystemObjects(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await createSystemObjects(this.#writes, this.resources);
        return await this.#services?.prepare();
      } catch (error) {
        const { code } = statusErrorOf(error).status;
        if (code !== 429 && code !== 503 && code !== 504) throw error;
        this.#log.warn("the system's objects could not be made yet", { error });
        await sleep(this.#clock, bootstrapPauseMs, signal).catch(() => {});
      }
    }
  }
}

function admissionChain(options: ApiServerOptions, lister: ObjectLister): AdmissionChain {
  const { taintsNewNodes = false, admissionPlugins, freeze = false } = options;
  const all = [...orderedPlugins(lister, { taintsNewNodes }), ...(admissionPlugins?.(lister) ?? [])];
  return new AdmissionChain(all, { checksValidate: freeze });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
