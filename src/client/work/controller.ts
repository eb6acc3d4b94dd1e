/**
 * The frame of a controller: its context from the process, and its run from start to end.
 *
 *   run ─▶ informers start ─▶ caches are synced ─▶ begin ─▶ workers on the queue, and periodic work
 *                                                                 │ the signal aborts
 *                                                                 ▼
 *                                              work under way ends ─▶ end ─▶ run resolves
 *
 * Not here: what a controller does with a key, which controllers a process has (main/controller-descriptors.ts).
 * Upstream: cmd/kube-controller-manager/app, ControllerContext; k8s.io/sample-controller, Run.
 */
import { type Clock, type Log, type Metrics, type Random, sleep } from "../../base/index.ts";
import type { InformerFactory } from "../informers/informer.ts";
import type { Client } from "../transport/client.ts";
import type { EventRecorder } from "./event-recorder.ts";
import { createWorkqueue } from "./rate-limited-queue.ts";
import type { PriorityClass, ReconcileResult, Workqueue } from "./workqueue.ts";

/** Everything that a process gives to a controller. */
export interface ControllerContext {
  /** Calls as the controller's own user. */
  readonly client: Client;
  /** Shared by all controllers of the process. */
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Records events of the controller's own component. */
  readonly recorder: EventRecorder;
}

export interface Controller {
  /** Works until the signal aborts; resolves when the work under way has ended. Call it once. */
  run(signal: AbortSignal): Promise<void>;
}

/** A controller whose keys wait in a queue; handlers may add keys before `run`. */
export interface QueueController<K extends string> extends Controller {
  readonly queue: Workqueue<K>;
}

export interface ControllerOptions<K extends string> {
  /** Label of the queue's metrics and of log lines. */
  readonly name: string;
  /** Keys reconciled at once. */
  readonly workers: number;
  readonly reconcile: (key: K) => Promise<ReconcileResult>;
  /**
   * Called once, when the caches are synced and before the first key is reconciled.
   * @returns a function that is called at the end, if any.
   */
  readonly begin?: () => (() => void) | void;
  /** Work without an event, for the first time after `everyMs`. Must not throw. */
  readonly periodic?: { readonly everyMs: number; readonly work: () => void };
  readonly classOf?: (key: K) => PriorityClass;
  /** Where keys wait; made here when absent. */
  readonly queue?: Workqueue<K>;
}

type Parts = Pick<ControllerContext, "informers" | "clock" | "log" | "metrics">;

/** A controller asks the factory for its informers before `run`. Does nothing before `run`. */
export function createController<K extends string = string>(
  options: ControllerOptions<K>,
  { informers, clock, log, metrics }: Parts,
): QueueController<K> {
  const { name, workers, reconcile, begin, periodic, classOf } = options;
  const classes = classOf === undefined ? {} : { classOf };
  const queue = options.queue ?? createWorkqueue<K>({ name, clock, log, metrics, ...classes });
  return {
    queue,
    run: (signal) =>
      runWhenSynced(informers, signal, async () => {
        const end = begin?.();
        try {
          await Promise.all([
            queue.run({ workers, reconcile, signal }),
            periodic === undefined ? undefined : repeat(periodic, clock, signal),
          ]);
        } finally {
          end?.();
        }
      }),
  };
}

/** Starts the informers, and runs `work` when they have synced. Resolves at once if the signal aborts before. */
export async function runWhenSynced(
  informers: InformerFactory,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  informers.start(signal);
  try {
    await informers.waitForSync(signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  await work();
}

async function repeat(
  { everyMs, work }: NonNullable<ControllerOptions<string>["periodic"]>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(clock, everyMs, signal);
    } catch {
      // Aborted: the only reason for which sleep rejects.
      return;
    }
    work();
  }
}
