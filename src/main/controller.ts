/**
 * `lares controller`: the DaemonSet controller alone, against any Kubernetes API server.
 *
 *   Lease ─▶ term: fence open ─▶ is another controller active? ─▶ newest lists ─▶ controllers, until the term ends
 *     ▲                                                                              │
 *     └────────────────── wait again ◀── fence closed, calls under way cancelled ◀───┘
 *
 *   a call:  controller ─▶ adaptive rate ─▶ fence ─▶ note created pods ─▶ measure ─▶ HTTPS
 *
 * Not here: what the controller does (controllers/daemonset), who leads (client), how others are found (foreign-*.ts).
 */
import { setMaxListeners } from "node:events";
import { hostname } from "node:os";
import { daemonsets, pods } from "../api/index.ts";
import { type Log, type Random, sleep } from "../base/index.ts";
import { UsageError } from "../cli/index.ts";
import {
  adaptiveTransport,
  type Client,
  type Connection,
  createClient,
  createEventRecorder,
  createInformerFactory,
  createLeaderElector,
  type Fence,
  fencedTransport,
  httpTransport,
  type InformerFactory,
  inNamespace,
  measuredTransport,
} from "../client/index.ts";
import { createDaemonSetController } from "../controllers/daemonset/index.ts";
import { SharedParts, statusOf } from "../machinery/index.ts";
import { connectionFor } from "./connection.ts";
import { findForeignController } from "./foreign-controller.ts";
import { ForeignPods } from "./foreign-pods.ts";
import { serveMetrics } from "./metrics-server.ts";
import { type Placement, placementModes } from "./placement.ts";
import { runUntilSignal } from "./signals.ts";
import {
  type LogLevel,
  systemClock,
  systemLog,
  systemMetrics,
  type SystemMetrics,
  systemRandom,
} from "./system.ts";
import { version } from "./version.ts";

export interface ControllerCommandOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Absent means all. */
  readonly namespaces?: readonly string[];
  readonly leaderElect: boolean;
  /** `namespace/name`. */
  readonly lease: string;
  readonly placement: Placement;
  readonly metricsPort?: number;
  readonly workers: number;
  readonly maxCallsPerSecond: number;
  readonly force: boolean;
  readonly logLevel: LogLevel;
}

/** What all terms of a process share. */
interface Setting {
  readonly options: ControllerCommandOptions;
  readonly connection: Connection;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: SystemMetrics;
}

interface Term extends Fence {
  /** Another `lares controller` led a short time ago. It has checked for other controllers, so this term need not. */
  readonly isSuccession: boolean;
}

const userAgent = `lares-controller/${version}`;
/** The manager in `managedFields`. */
const fieldManager = "lares-daemonset-controller";
/** Pause between tries to reach a server that does not answer, in ms. */
const retryMs = 2_000;
const wayOut =
  "stop it first (kube-controller-manager --controllers=*,-daemonset-controller; docs/any-cluster.md), or override with --force";

/** Runs until SIGINT or SIGTERM. @throws UsageError when another DaemonSet controller is active, and for what a user can correct. */
export async function controller(options: ControllerCommandOptions): Promise<void> {
  const log = systemLog(options.logLevel);
  const metrics = systemMetrics();
  await runUntilSignal(async (signal) => {
    const connection = await connectionFor(options);
    const setting = { options, connection, random: systemRandom(), log, metrics };
    const { metricsPort } = options;
    const server = metricsPort === undefined ? undefined : await serveMetrics(metricsPort, metrics);
    const scope = options.namespaces?.join(", ") ?? "all namespaces";
    process.stdout.write(`lares ${version}: DaemonSet controller for ${scope} of ${connection.server}\n`);
    if (server !== undefined) process.stdout.write(`metrics at ${server.url}\n`);
    try {
      if (options.leaderElect) await lead(setting, signal);
      else await runTerm(setting, { signal, isOpen: () => !signal.aborted, isSuccession: false });
    } finally {
      await server?.close();
    }
  });
}

/** Takes the Lease whenever it can; each term has its own caches. @throws the error of a term. */
async function lead(setting: Setting, signal: AbortSignal): Promise<void> {
  const { options, connection, random, log, metrics } = setting;
  const [namespace, name] = options.lease.split("/") as [string, string];
  const status = metrics.gauge("leader_election_master_status", "1 while this process leads, else 0.", [
    "name",
  ]);
  const identity = `${hostname()}_${random.uuid()}`;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  // A connection of its own, without metrics and rate limit: renewals never wait behind pods.
  const transport = httpTransport({ ...connection, clock: systemClock, log, userAgent });
  const client = createClient(transport, { userAgent, fieldManager });
  let failure: { readonly error: unknown } | undefined;
  while (!stop.signal.aborted) {
    const elector = createLeaderElector({
      client,
      clock: systemClock,
      random,
      log,
      name,
      namespace,
      identity,
      onNewLeader: (leader) => log.info("new leader", { lease: options.lease, leader }),
      onStarted: async (term) => {
        status.set(1, { name });
        const isOpen = (): boolean => elector.isLeader;
        try {
          await runTerm(setting, { signal: term, isOpen, isSuccession: elector.hasSeenOtherLeader });
          if (!term.aborted) throw new Error("the controller ended by itself");
        } catch (error) {
          if (term.aborted) return;
          failure = { error };
          stop.abort(error);
        } finally {
          status.set(0, { name });
        }
      },
    });
    status.set(0, { name });
    await elector.run(stop.signal);
  }
  await transport.close();
  if (failure !== undefined) throw failure.error;
}

/** One term, from the check for other controllers to the last call. @throws UsageError when there is another controller. */
async function runTerm(setting: Setting, term: Term): Promise<void> {
  const { options, connection, random, log, metrics } = setting;
  const clock = systemClock;
  const end = new AbortController();
  const onAbort = (): void => end.abort(term.signal.reason);
  term.signal.addEventListener("abort", onAbort, { once: true });
  if (term.signal.aborted) onAbort();
  const { signal } = end;
  setMaxListeners(0, signal, term.signal);
  let foreign: string | undefined;
  const foreignPods = new ForeignPods({
    clock,
    report: (reason) => {
      foreign = reason;
      end.abort(new Error(reason));
    },
  });
  const wire = measuredTransport(httpTransport({ ...connection, clock, log, userAgent }), { clock, metrics });
  const noted = options.force ? wire : foreignPods.noting(wire);
  const fenced = fencedTransport(noted, { signal, isOpen: term.isOpen });
  const perSecondMax = options.maxCallsPerSecond;
  const transport = adaptiveTransport(fenced, { clock, metrics, perSecondMax });
  const client = createClient(transport, { userAgent, fieldManager });
  try {
    if (!options.force && !term.isSuccession) await refuseBesideOthers(setting, client, signal);
    const parts = new SharedParts();
    const informers = createInformerFactory(client, { clock, random, log, parts, firstList: "newest" });
    await runControllers(setting, { client, informers, foreignPods, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    end.abort(new Error("the term is over"));
    await transport.close();
  }
  if (foreign !== undefined) throw new UsageError(`stopped: ${foreign}`, wayOut);
}

/** Tries again while the server does not answer, as every other call of this command. */
async function refuseBesideOthers(
  { options, log }: Setting,
  client: Client,
  signal: AbortSignal,
): Promise<void> {
  const { namespaces } = options;
  const scope = namespaces === undefined ? {} : { namespaces };
  for (;;) {
    try {
      const found = await findForeignController({ ...scope, signal }, { client, clock: systemClock, log });
      if (found === undefined) return;
      throw new UsageError(`another DaemonSet controller is active on this cluster: ${found}`, wayOut);
    } catch (error) {
      const { code = 0, message } = error instanceof UsageError ? {} : statusOf(error);
      if (code === 401 || code === 403) {
        const hint = "docs/any-cluster.md lists the rights that the controller needs";
        throw new UsageError(message ?? "no rights", hint, { cause: error });
      }
      if (code < 500 || signal.aborted) throw error;
      log.warn("not yet known whether another DaemonSet controller is active", { error });
    }
    await sleep(systemClock, retryMs, signal);
  }
}

interface Running {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly foreignPods: ForeignPods;
  readonly signal: AbortSignal;
}

/** One controller for all namespaces, or one for each of `--namespaces`: no call leaves them, and a busy one delays no other. */
async function runControllers(setting: Setting, running: Running): Promise<void> {
  const { options, random, log, metrics } = setting;
  const { client, informers, foreignPods, signal } = running;
  const clock = systemClock;
  const component = "daemonset-controller";
  const recorder = createEventRecorder({ client, component, clock, random, log, signal });
  const scopes = options.namespaces ?? [undefined];
  const placement = placementModes[options.placement];
  const controllers = scopes.map((namespace) => {
    const scoped = namespace === undefined ? informers : inNamespace(informers, namespace);
    const queueName = namespace === undefined ? "daemonset" : `daemonset-${namespace}`;
    const dependencies = { client, informers: scoped, clock, random, log, metrics, recorder };
    const made = createDaemonSetController({ placement, workers: options.workers, queueName }, dependencies);
    if (!options.force) foreignPods.watch(scoped.for(pods), scoped.for(daemonsets));
    return made;
  });
  await Promise.all(controllers.map((made) => made.run(signal)));
}
