/**
 * Puts the control plane together in this process: store, API server, HTTP shell, controllers, scheduler.
 * Not here: nodes (up.ts, fleet.ts), what each part does.
 *
 *   store ◀── API server ◀── HTTPS (kubectl, agents)
 *                 ▲
 *                 └── loopback ── informers ── controllers, scheduler, and the fleet of `lares up`
 */
import { setMaxListeners } from "node:events";
import { rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { type FleetDependencies, simulatedLog } from "../agent/index.ts";
import { openApiDocument } from "../api/index.ts";
import {
  type ApiServer,
  bearerTokens,
  certificates,
  createApiServer,
  type NodeLogs,
  parseClusterIpRanges,
  parsePortRange,
  serveHttp,
  type ServiceRangeOptions,
  writeKubeconfig,
} from "../apiserver/index.ts";
import type { Log, Random } from "../base/index.ts";
import { UsageError } from "../cli/index.ts";
import {
  type Client,
  type ControllerContext,
  createClient,
  createEventRecorder,
  createInformerFactory,
  type EventRecorder,
  type InformerFactory,
  loopbackTransport,
} from "../client/index.ts";
import { adminToken, tokenAuthenticator } from "./admin-token.ts";
import { type ApiHandler, parseTimeMs, type UserInfo } from "../machinery/index.ts";
import { createScheduler } from "../scheduler/index.ts";
import { type ControllerDescriptor, nodeLifecycle, selectControllers } from "./controller-descriptors.ts";
import { openSqliteStore, type Store, storageFailureOf } from "../storage/index.ts";
import { type FleetRecorderOptions, fleetRecorders } from "./fleet-recorders.ts";
import { controllerManager, kubeScheduler, systemServiceAccount } from "./identities.ts";
import { type Placement, placementModes } from "./placement.ts";
import { systemClock, systemMetrics, systemRandom } from "./system.ts";
import { version } from "./version.ts";

export interface ControlPlaneOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly port: number;
  /** Absent means `kubeconfig` in the data directory. */
  readonly kubeconfig?: string;
  readonly fresh: boolean;
  readonly placement: Placement;
  /** As upstream's option: `*,-daemonset-controller` runs all but one. Absent means all. */
  readonly controllers?: string;
  /** `10.96.0.0/16`, or a range of each family. */
  readonly serviceClusterIpRange?: string;
  /** `30000-32767`. */
  readonly serviceNodePortRange?: string;
  /** Absent means a store in the data directory. */
  readonly store?: Store;
  readonly log: Log;
}

/** Only this machine. No option lets other machines connect yet. */
const host = "127.0.0.1";

export interface ControlPlane {
  readonly url: string;
  /** Absolute path of the kubeconfig that was written. */
  readonly kubeconfig: string;
  /** Shared by all parts in this process. */
  readonly informers: InformerFactory;
  /** For clients in this process that send the same credentials as over HTTPS. */
  readonly handler: ApiHandler;
  client(user: UserInfo, userAgent: string): Client;
  agentDependencies(user: UserInfo): FleetDependencies;
  /** Runs a part until the control plane stops; its failure ends the control plane. */
  start(name: string, run: (signal: AbortSignal) => Promise<void>): void;
  /** Resolves when the signal aborts; rejects when a part or the store fails. */
  ended(signal: AbortSignal): Promise<void>;
  /** Stops parts, then the HTTP shell, then the store. Idempotent. */
  stop(): Promise<void>;
}

/** @throws UsageError for a taken port, a locked or damaged data directory. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const plane = new RunningControlPlane(options);
  try {
    await plane.open();
  } catch (error) {
    await plane.stop();
    throw asUsageError(error, options);
  }
  return plane;
}

class RunningControlPlane implements ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #random: Random = systemRandom();
  readonly #metrics = systemMetrics();
  /** Ends the controllers, the scheduler and the fleet. The API server, which they need until then, ends after them. */
  readonly #controller = new AbortController();
  readonly #serverController = new AbortController();
  readonly #parts: Promise<void>[] = [];
  #serverRun: Promise<void> | undefined;
  #store: Store | undefined;
  #server: ApiServer | undefined;
  #informers: InformerFactory | undefined;
  #http: { readonly port: number; close(): Promise<void> } | undefined;
  #fail: (error: unknown) => void = () => {};
  readonly #failed = new Promise<never>((_, reject) => (this.#fail = reject));
  #kubeconfig = "";
  readonly #controllers: ReadonlySet<ControllerDescriptor>;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#controllers = selectControllers(options.controllers ?? "*");
    this.#failed.catch(() => {});
    // Every part of the process listens to this one signal.
    setMaxListeners(0, this.#controller.signal);
  }

  get url(): string {
    return `https://${host}:${this.#http!.port}`;
  }

  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  get informers(): InformerFactory {
    return this.#informers!;
  }

  get handler(): ApiHandler {
    return this.#server!.handler;
  }

  async open(): Promise<void> {
    const { dataDir, log, port, fresh } = this.#options;
    const ranges = serviceRanges(this.#options);
    const onFailure = (error: unknown): void => this.#fail(error);
    if (!(await exists(dataDir))) await checkPort(port);
    if (fresh) await clear(dataDir, log);
    this.#store =
      this.#options.store ??
      (await openSqliteStore({
        directory: dataDir,
        clock: systemClock,
        log,
        metrics: this.#metrics,
        onFailure,
      }));
    const pki = await certificates({ dir: join(dataDir, "pki") }, { clock: systemClock });
    const adminByToken = bearerTokens(tokenAuthenticator(await adminToken(join(dataDir, "pki"))));
    this.#server = createApiServer(
      {
        build: { version },
        taintsNewNodes: this.#controllers.has(nodeLifecycle),
        authenticators: [adminByToken],
        serviceRanges: ranges,
      },
      {
        store: this.#store,
        clock: systemClock,
        random: this.#random,
        log,
        metrics: this.#metrics,
        metricsText: () => this.#metrics.text(),
        nodeLogs: simulatedLogs,
        openApiDocument,
      },
    );
    this.#serverRun = this.#guard("api server", this.#server.run(this.#serverController.signal));
    await this.#server.ready;
    this.#http = await serveHttp({
      host,
      port,
      handler: this.#server.handler,
      tls: { ...pki.server, clientCa: pki.caCert },
      clock: systemClock,
      random: this.#random,
      log,
      metrics: this.#metrics,
    });
    await this.#server.advertise({ ip: host, port: this.#http.port });
    this.#informers = createInformerFactory(this.client(controllerManager, "lares"), {
      clock: systemClock,
      random: this.#random,
      log,
    });
    const { resources } = this.#informers;
    this.#server.resources.subscribe(() => resources.refresh());
    this.#startControllers(pki.caCert);
    this.#informers.start(this.#controller.signal);
    const path = this.#options.kubeconfig ?? join(dataDir, "kubeconfig");
    await writeKubeconfig({ path, server: this.url, caCert: pki.caCert, user: pki.admin });
    this.#kubeconfig = resolve(path);
  }

  client(user: UserInfo, userAgent: string): Client {
    return createClient(loopbackTransport(this.handler, { user, userAgent }), { userAgent });
  }

  agentDependencies(user: UserInfo): FleetDependencies {
    const client = this.client(user, "lares-fleet");
    return {
      client,
      informers: this.informers,
      clock: systemClock,
      random: this.#random,
      log: this.#options.log,
      recorderFor: fleetRecorders(this.#eventOptions(client)),
    };
  }

  start(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    this.#parts.push(this.#guard(name, run(this.#controller.signal)));
  }

  async #guard(name: string, part: Promise<void>): Promise<void> {
    try {
      await part;
    } catch (error) {
      if (this.#controller.signal.aborted) return;
      this.#options.log.error("a part of the control plane failed", { part: name, error: String(error) });
      this.#fail(error);
    }
  }

  async ended(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      await Promise.race([aborted, this.#failed]);
    } catch (error) {
      throw asUsageError(error, this.#options);
    }
  }

  async stop(): Promise<void> {
    this.#controller.abort(new Error("control plane stops"));
    await this.#http?.close();
    await Promise.all(this.#parts);
    this.#serverController.abort(new Error("control plane stops"));
    await this.#serverRun;
    await this.#store?.close();
  }

  #recorder(client: Client, component: string): EventRecorder {
    return createEventRecorder({ ...this.#eventOptions(client), component });
  }

  #eventOptions(client: Client): FleetRecorderOptions {
    const { signal } = this.#controller;
    return { client, clock: systemClock, random: this.#random, log: this.#options.log, signal };
  }

  #startControllers(rootCa: string): void {
    const { log, placement } = this.#options;
    const setting = { placement: placementModes[placement], rootCa };
    const contextOf = (user: UserInfo, component: string): ControllerContext => {
      const client = this.client(user, component);
      return {
        client,
        informers: this.informers,
        clock: systemClock,
        random: this.#random,
        log,
        metrics: this.#metrics,
        recorder: this.#recorder(client, component),
      };
    };
    const scheduler = createScheduler({}, contextOf(kubeScheduler, "default-scheduler"));
    this.start("scheduler", (signal) => scheduler.run(signal));
    for (const descriptor of this.#controllers) {
      const controller = descriptor.make(
        contextOf(systemServiceAccount(descriptor.account), descriptor.component),
        setting,
      );
      this.start(descriptor.name, (signal) => controller.run(signal));
    }
  }
}

/** @throws UsageError. */
function serviceRanges(options: ControlPlaneOptions): ServiceRangeOptions {
  const { serviceClusterIpRange: clusterIpRange, serviceNodePortRange: nodePortRange } = options;
  const wrong = [
    clusterIpRange === undefined ? [] : parseClusterIpRanges(clusterIpRange),
    nodePortRange === undefined ? [] : parsePortRange(nodePortRange),
  ].find((parsed) => typeof parsed === "string");
  if (typeof wrong === "string")
    throw new UsageError(wrong, "see --service-cluster-ip-range and --service-node-port-range");
  return {
    ...(clusterIpRange === undefined ? {} : { clusterIpRange }),
    ...(nodePortRange === undefined ? {} : { nodePortRange }),
  };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Called before a data directory is made, so that none is left behind when the port is taken. @throws the system's error then. */
function checkPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/** Files and folders that Lares makes in a data directory; `--fresh` removes these and nothing else. */
const storeFiles = ["store.db", "store.db-wal", "store.db-shm", "store.db.new", "store.lock", "store.owner"];
const ownEntries = [...storeFiles, "pki", "kubeconfig"];

async function clear(dataDir: string, log: Log): Promise<void> {
  if (!(await exists(dataDir))) return;
  try {
    const store = await openSqliteStore({ directory: dataDir, clock: systemClock, log });
    await store.close();
  } catch (error) {
    // A damaged store is what --fresh is for; one that is in use is not.
    if (storageFailureOf(error)?.code !== "corrupt") throw error;
  }
  for (const entry of ownEntries) await rm(join(dataDir, entry), { recursive: true, force: true });
}

function asUsageError(error: unknown, options: ControlPlaneOptions): unknown {
  const failure = storageFailureOf(error);
  if (failure?.code === "corrupt") {
    return new UsageError(
      `${failure.path}: ${failure.why.split(". ", 1)[0]!}`,
      "restore it from a copy, name another --data-dir, or begin anew with --fresh",
      { cause: error },
    );
  }
  if (failure?.code === "unavailable") {
    // The last sentence of the store's message is the hint.
    const [why, wayOut = "name another --data-dir"] = failure.why.split(/\. (?=[^.]*$)/);
    return new UsageError(why!, wayOut, { cause: error });
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return new UsageError(
      `port ${options.port} on ${host} is taken`,
      "stop what listens there, or choose another with --port (0 takes a free one)",
      { cause: error },
    );
  }
  if (code === "EACCES" && options.port < 1024) {
    return new UsageError(
      `port ${options.port} may not be opened by this user`,
      "choose one above 1023 with --port",
      { cause: error },
    );
  }
  if (code === "BAD_CERTIFICATE_FILE" || code === "BAD_KUBECONFIG")
    return new UsageError(message, "or begin anew with --fresh", { cause: error });
  return error;
}

/** Logs of simulated containers; `sinceSeconds` and `sinceTime` become one time. */
const simulatedLogs: NodeLogs = ({ pod, query, podNow, signal }) => {
  const { sinceSeconds, sinceTime, ...rest } = query;
  const sinceMs =
    sinceSeconds === undefined ? parseTimeMs(sinceTime ?? "") : systemClock.nowMs() - sinceSeconds * 1_000;
  const since = sinceMs === undefined ? {} : { sinceMs };
  return Promise.resolve(simulatedLog(pod, { ...rest, ...since }, { clock: systemClock, podNow, signal }));
};
