/**
 * Implementation of `Workqueue` (workqueue.ts holds the contract): dedupe, delays, retries, workers, two fair classes.
 *
 *   add ─▶ dirty ─▶ waiting (FIFO per class) ─▶ processing ─▶ done
 *            ▲           added while processing: stays dirty, waits again when done
 *   addAfter ─▶ heap by time, one timer ─┘
 *
 * Upstream: client-go util/workqueue {queue,delaying_queue,default_rate_limiters}.go.
 * Differs: classes of keys; on abort delayed keys are dropped and work under way is waited for.
 */
import {
  assert,
  type Clock,
  Heap,
  type Log,
  type Metrics,
  silentMetrics,
  type Timer,
  Fifo,
} from "../../base/index.ts";
import { hasStatusCause } from "../../machinery/index.ts";
import { type BucketFigures, TokenBucket } from "./token-bucket.ts";
import { isTerminal, type PriorityClass, type ReconcileResult, type Workqueue } from "./workqueue.ts";

/** First retry of a key, in ms; doubles with each further one. Upstream's figure. */
const retryBaseMs = 5;
/** Longest retry delay of a key, in ms. Upstream's figure. */
export const retryMaxMs = 1_000_000;
/** All retries of a queue together. Upstream's figures. */
const retryBucket: BucketFigures = { perSecond: 10, burst: 100 };
/** Keys of class `system` taken in a row while a `normal` one waits. They are preferred, and no class starves. */
const systemKeysPerNormal = 4;
/** Longest that the queue starts work, in ms, before it lets timers and sockets run. */
const turnMaxMs = 20;
/** Upstream's buckets: 10 ns to 1000 s. */
const durationBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

export interface WorkqueueOptions<K extends string = string> {
  /** Label of the metrics and of log lines, e.g. `daemonset`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** Absent: every key is `normal`. Called each time a key begins to wait. */
  readonly classOf?: (key: K) => PriorityClass;
}

export function createWorkqueue<K extends string = string>(options: WorkqueueOptions<K>): Workqueue<K> {
  return new RateLimitedQueue(options);
}

interface Delayed<K> {
  readonly key: K;
  readonly dueMs: number;
  readonly order: number;
  isDead: boolean;
}

type RunOptions<K extends string> = Parameters<Workqueue<K>["run"]>[0];

class RateLimitedQueue<K extends string> implements Workqueue<K> {
  readonly #options: WorkqueueOptions<K>;
  readonly #clock: Clock;
  readonly #measure: QueueMetrics;
  readonly #bucket: TokenBucket;
  readonly #waiting: Readonly<Record<PriorityClass, Fifo<K>>> = { system: new Fifo(), normal: new Fifo() };
  /** Keys to reconcile, with the time they were added. */
  readonly #dirty = new Map<K, number>();
  readonly #processing = new Set<K>();
  readonly #failures = new Map<K, number>();
  readonly #delayed = new Map<K, Delayed<K>>();
  readonly #heap = new Heap<Delayed<K>>(
    (a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order),
  );
  #order = 0;
  #timer: { readonly dueMs: number; readonly timer: Timer } | undefined;
  #systemInARow = 0;
  #run: { readonly options: RunOptions<K>; readonly finished: () => void } | undefined;
  #active = 0;
  #isShutDown = false;
  #isPumpScheduled = false;
  #turnStartMs = 0;

  constructor(options: WorkqueueOptions<K>) {
    this.#options = options;
    this.#clock = options.clock;
    this.#measure = queueMetrics(options.name, options.metrics ?? silentMetrics);
    this.#bucket = new TokenBucket(retryBucket, options.clock);
  }

  get length(): number {
    return this.#waiting.system.size + this.#waiting.normal.size;
  }

  add(key: K): void {
    if (this.#isShutDown || this.#dirty.has(key)) return;
    this.#dirty.set(key, this.#clock.monotonicMs());
    this.#measure.added();
    if (this.#processing.has(key)) return;
    if (this.#active === 0 && this.length === 0) this.#turnStartMs = this.#clock.monotonicMs();
    this.#wait(key);
  }

  addAfter(key: K, delayMs: number): void {
    if (this.#isShutDown) return;
    if (!(delayMs > 0)) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const known = this.#delayed.get(key);
    if (known !== undefined) {
      if (known.dueMs <= dueMs) return;
      known.isDead = true;
    }
    const entry: Delayed<K> = { key, dueMs, order: this.#order++, isDead: false };
    this.#delayed.set(key, entry);
    this.#heap.push(entry);
    this.#arm();
  }

  addRateLimited(key: K): void {
    if (this.#isShutDown) return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#measure.retried();
    this.addAfter(key, Math.max(Math.min(retryMaxMs, retryBaseMs * 2 ** failures), this.#bucket.reserveMs()));
  }

  forget(key: K): void {
    this.#failures.delete(key);
  }

  retries(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  run(options: RunOptions<K>): Promise<void> {
    assert(this.#run === undefined, "a workqueue runs once", this.#options.name);
    assert(options.workers >= 1, "a workqueue needs a worker", this.#options.name);
    return new Promise((finished) => {
      this.#run = { options, finished };
      if (options.signal.aborted) this.#shutDown();
      else options.signal.addEventListener("abort", () => this.#shutDown(), { once: true });
      this.#schedulePump();
    });
  }

  #wait(key: K): void {
    this.#waiting[this.#options.classOf?.(key) ?? "normal"].push(key);
    this.#measure.depth(this.length);
    this.#schedulePump();
  }

  /** Never starts work inside the caller: a handler that adds keys finishes its whole batch first. */
  #schedulePump(): void {
    if (this.#isPumpScheduled || this.#run === undefined || this.#isShutDown || this.length === 0) return;
    this.#isPumpScheduled = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpScheduled = false;
    const run = this.#run;
    while (run !== undefined && !this.#isShutDown && this.#active < run.options.workers && this.length > 0) {
      if (this.#clock.monotonicMs() - this.#turnStartMs > turnMaxMs) {
        this.#isPumpScheduled = true;
        this.#clock.after(0, () => {
          this.#turnStartMs = this.#clock.monotonicMs();
          this.#pump();
        });
        return;
      }
      void this.#work(this.#take(), run.options);
    }
  }

  #take(): K {
    const { system, normal } = this.#waiting;
    const isNormalsTurn = system.size === 0 || (normal.size > 0 && this.#systemInARow >= systemKeysPerNormal);
    this.#systemInARow = isNormalsTurn ? 0 : this.#systemInARow + 1;
    const key = (isNormalsTurn ? normal : system).shift()!;
    const addedMs = this.#dirty.get(key)!;
    this.#dirty.delete(key);
    this.#processing.add(key);
    this.#measure.depth(this.length);
    this.#measure.waited(this.#clock.monotonicMs() - addedMs);
    return key;
  }

  /** Never rejects. */
  async #work(key: K, options: RunOptions<K>): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    this.#active++;
    try {
      this.#succeeded(key, await options.reconcile(key));
    } catch (error) {
      this.#failed(key, error);
    }
    this.#measure.worked(this.#clock.monotonicMs() - startMs);
    this.#active--;
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#wait(key);
    if (this.#isShutDown && this.#active === 0) this.#run?.finished();
    this.#schedulePump();
  }

  #succeeded(key: K, result: ReconcileResult): void {
    this.forget(key);
    const again = result?.requeueAfterMs;
    if (again !== undefined) this.addAfter(key, again);
  }

  #failed(key: K, error: unknown): void {
    if (this.#isShutDown) return;
    const fields = { queue: this.#options.name, key, error, retries: this.retries(key) };
    if (isTerminal(error)) {
      this.#options.log.error("reconcile failed for good", fields);
      this.forget(key);
      return;
    }
    // What is asked for in a namespace that goes is refused. The namespace takes along what was to be done there.
    if (hasStatusCause(error, "NamespaceTerminating")) this.#options.log.debug("reconcile failed", fields);
    else this.#options.log.warn("reconcile failed", fields);
    this.addRateLimited(key);
  }

  #shutDown(): void {
    this.#isShutDown = true;
    this.#timer?.timer.cancel();
    this.#heap.clear();
    this.#delayed.clear();
    if (this.#active === 0) this.#run?.finished();
  }

  /** Keeps one timer, for the earliest delayed key. */
  #arm(): void {
    while (this.#heap.peek()?.isDead) this.#heap.pop();
    const first = this.#heap.peek();
    if (first === undefined || (this.#timer !== undefined && this.#timer.dueMs <= first.dueMs)) return;
    this.#timer?.timer.cancel();
    const delayMs = first.dueMs - this.#clock.monotonicMs();
    this.#timer = { dueMs: first.dueMs, timer: this.#clock.after(delayMs, () => this.#release()) };
  }

  #release(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs();
    for (let first = this.#heap.peek(); first !== undefined && (first.isDead || first.dueMs <= now);) {
      this.#heap.pop();
      if (!first.isDead) {
        this.#delayed.delete(first.key);
        this.add(first.key);
      }
      first = this.#heap.peek();
    }
    this.#arm();
  }
}

interface QueueMetrics {
  added(): void;
  retried(): void;
  depth(keys: number): void;
  waited(ms: number): void;
  worked(ms: number): void;
}

function queueMetrics(name: string, metrics: Metrics): QueueMetrics {
  const labels = { name };
  const names = ["name"];
  const adds = metrics.counter("workqueue_adds_total", "Keys added to the queue.", names);
  const retries = metrics.counter("workqueue_retries_total", "Keys added again after a failure.", names);
  const depth = metrics.gauge("workqueue_depth", "Keys that wait.", names);
  const waits = "Seconds a key waited before work on it began.";
  const waited = metrics.histogram("workqueue_queue_duration_seconds", waits, durationBuckets, names);
  const works = "Seconds of work on one key.";
  const worked = metrics.histogram("workqueue_work_duration_seconds", works, durationBuckets, names);
  return {
    added: () => adds.add(1, labels),
    retried: () => retries.add(1, labels),
    depth: (keys) => depth.set(keys, labels),
    waited: (ms) => waited.observe(ms / 1000, labels),
    worked: (ms) => worked.observe(ms / 1000, labels),
  };
}
