/**
 * One process with a DaemonSet controller in a simulated cluster: its own caches over its own network, alone or as one
 * of several candidates for leadership. Every part can be replaced; bugs are planted in this way.
 */
import { setMaxListeners } from "node:events";
import { type Clock, type Log, type Random, silentMetrics } from "../base/index.ts";
import {
  type Client,
  createClient,
  createInformerFactory,
  createLeaderElector,
  type EventRecorder,
  type InformerFactory,
  type Transport,
} from "../client/index.ts";
import {
  createDaemonSetController,
  type DaemonSetController,
  type DaemonSetControllerDependencies,
  type DaemonSetControllerOptions,
  type PlacementMode,
  type Planning,
  type Snapshot,
} from "../controllers/daemonset/index.ts";

export interface ControllerSeams {
  readonly transport?: (transport: Transport) => Transport;
  /** How new its first lists have to be; default `newest`. */
  readonly firstList?: "newest" | "cached";
  readonly clock?: (clock: Clock) => Clock;
  readonly client?: (client: Client) => Client;
  readonly informers?: (informers: InformerFactory) => InformerFactory;
  readonly options?: Partial<DaemonSetControllerOptions>;
  readonly dependencies?: (dependencies: DaemonSetControllerDependencies) => DaemonSetControllerDependencies;
  /** Makes another controller in the place of ours. */
  readonly make?: (dependencies: DaemonSetControllerDependencies) => {
    run(signal: AbortSignal): Promise<void>;
  };
}

/** Calls the observer before each decision of the controller or of its replacement. */
export function observingDecisions(
  seams: ControllerSeams,
  deciding: (snapshot: Snapshot) => void,
): ControllerSeams {
  const planning = (own: Planning): Planning => {
    const inner = seams.options?.planning?.(own) ?? own;
    return {
      plan: (snapshot) => {
        deciding(snapshot);
        return inner.plan(snapshot);
      },
      planRollout: (snapshot) => {
        deciding(snapshot);
        return inner.planRollout(snapshot);
      },
    };
  };
  return { ...seams, options: { ...seams.options, planning } };
}

export interface ControllerProcessOptions {
  readonly instance: string;
  readonly transport: Transport;
  readonly placement: PlacementMode;
  readonly elect: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly seams: ControllerSeams;
  readonly signal: AbortSignal;
  /** Called when a controller begins to run, with the signal that ends it. Not called for a replacement. */
  readonly begins: (controller: DaemonSetController, signal: AbortSignal) => void;
}

const nobody: EventRecorder = { event() {}, flush: () => Promise.resolve() };

/** Runs until the signal aborts. With elections it runs again after each lost leadership, with empty caches each time. */
export async function startController(options: ControllerProcessOptions): Promise<void> {
  const { elect, signal } = options;
  if (!elect) return await runController(options, signal);
  const { clock, random, log, instance } = options;
  while (!signal.aborted) {
    const elector = createLeaderElector({
      client: createClient(options.transport),
      clock,
      random,
      log,
      name: "lares-daemonset-controller",
      namespace: "kube-system",
      identity: instance,
      onStarted: (leading) => runController(options, leading),
    });
    await elector.run(signal);
  }
}

async function runController(options: ControllerProcessOptions, signal: AbortSignal): Promise<void> {
  // Every cache of the process listens to this one signal.
  setMaxListeners(0, signal);
  const { random, log, seams, placement } = options;
  const clock = seams.clock?.(options.clock) ?? options.clock;
  const transport = seams.transport?.(options.transport) ?? options.transport;
  const plain = createClient(transport, { userAgent: options.instance });
  const client = seams.client?.(plain) ?? plain;
  const factory = createInformerFactory(client, {
    clock,
    random,
    log,
    firstList: seams.firstList ?? "newest",
  });
  const informers = seams.informers?.(factory) ?? factory;
  const dependencies = { client, informers, clock, random, log, metrics: silentMetrics, recorder: nobody };
  const given = seams.dependencies?.(dependencies) ?? dependencies;
  const other = seams.make?.(given);
  if (other !== undefined) return await other.run(signal);
  const controller = createDaemonSetController({ placement, ...seams.options }, given);
  options.begins(controller, signal);
  await controller.run(signal);
}
