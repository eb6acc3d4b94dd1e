/**
 * What an operator reads of each DaemonSet: the status figures, the roll-out, nodes in back-off. Read from the counts
 * of the slots when somebody asks, so events and syncs pay nothing for it.
 * Not here: the queue's and the client's own figures. All names are in docs/metrics.md.
 *
 *   roll-out:  new DaemonSet, or another template ─▶ under way ─▶ every eligible node updated and available ─▶ over
 *
 * Its start stands in the current revision. Its end stands nowhere: a controller that starts takes a roll-out for under
 * way while there are old pods. Without any, whoever is not available may well have come, or fallen ill, afterwards.
 */
import type { Clock, Gauge, Metrics } from "../../base/index.ts";
import type { SlotCounts } from "./slots.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";
import type { Tracker } from "./tracker.ts";

/** What is read of the tracker. */
type Tracked = Pick<Tracker, "get" | "all">;

interface Rollout {
  readonly hash: string;
  readonly isOver: boolean;
}

interface Figure {
  readonly gauge: Gauge;
  value(reading: Reading): number;
}

interface Reading {
  readonly tracked: TrackedDaemonSet;
  readonly counts: SlotCounts;
  readonly rollout: Rollout;
  readonly clock: Clock;
}

export class DaemonSetMetrics {
  readonly #metrics: Metrics;
  readonly #tracker: Tracked;
  readonly #clock: Clock;
  readonly #figures: readonly Figure[];
  readonly #rollouts = new WeakMap<TrackedDaemonSet, Rollout>();
  /** Keys that have series now. */
  #shown = new Map<string, Readonly<Record<string, string>>>();

  constructor(metrics: Metrics, { tracker, clock }: { readonly tracker: Tracked; readonly clock: Clock }) {
    this.#metrics = metrics;
    this.#tracker = tracker;
    this.#clock = clock;
    this.#figures = figuresOf(metrics);
  }

  /** Answers readers from now on. @returns what ends it and takes the series away. */
  start(): () => void {
    const stop = this.#metrics.onRead(() => this.#read());
    return () => {
      stop();
      for (const labels of this.#shown.values()) this.#remove(labels);
      this.#shown.clear();
    };
  }

  /** After each sync, so that a roll-out that ends between two readings does not count on. O(1). */
  synced(key: string): void {
    const tracked = this.#tracker.get(key);
    if (tracked?.isBuilt) this.#rolloutOf(tracked, tracked.slots.counts());
  }

  #read(): void {
    const shown = new Map<string, Readonly<Record<string, string>>>();
    for (const tracked of this.#tracker.all()) {
      if (!tracked.isBuilt) continue;
      const labels = { namespace: tracked.namespace, daemonset: nameOf(tracked) };
      shown.set(tracked.key, labels);
      this.#shown.delete(tracked.key);
      const counts = tracked.slots.counts();
      const rollout = this.#rolloutOf(tracked, counts);
      const reading = { tracked, counts, rollout, clock: this.#clock };
      for (const { gauge, value } of this.#figures) gauge.set(value(reading), labels);
    }
    for (const labels of this.#shown.values()) this.#remove(labels);
    this.#shown = shown;
  }

  #rolloutOf(tracked: TrackedDaemonSet, counts: SlotCounts): Rollout {
    const { hash } = tracked.slots.params;
    const known = this.#rollouts.get(tracked);
    const isDone = counts.updated === counts.desired && counts.available === counts.desired;
    if (known?.hash === hash && (known.isOver || !isDone)) return known;
    const hasBegun = known !== undefined || tracked.isNew || counts.updated < counts.current;
    const rollout = { hash, isOver: isDone || !hasBegun };
    this.#rollouts.set(tracked, rollout);
    return rollout;
  }

  #remove(labels: Readonly<Record<string, string>>): void {
    for (const { gauge } of this.#figures) gauge.remove(labels);
  }
}

function nameOf({ key, namespace }: TrackedDaemonSet): string {
  return key.slice(namespace.length + 1);
}

/** From the revision's time to ours: another clock may have set the former. */
function ageSeconds({ revised }: TrackedDaemonSet, nowMs: number): number {
  return Math.max(0, nowMs - (revised?.currentSinceMs ?? nowMs)) / 1000;
}

function figuresOf(metrics: Metrics): readonly Figure[] {
  const labels = ["namespace", "daemonset"];
  const gauge = (name: string, help: string, value: Figure["value"]): Figure => ({
    gauge: metrics.gauge(name, help, labels),
    value,
  });
  return [
    gauge("lares_daemonset_desired_nodes", "Nodes that should run the pod.", ({ counts }) => counts.desired),
    gauge("lares_daemonset_current_nodes", "Nodes of these that have a pod.", ({ counts }) => counts.current),
    gauge("lares_daemonset_ready_nodes", "Nodes of these with a ready pod.", ({ counts }) => counts.ready),
    gauge(
      "lares_daemonset_updated_nodes",
      "Nodes of these with a pod of the current template.",
      ({ counts }) => counts.updated,
    ),
    gauge(
      "lares_daemonset_available_nodes",
      "Nodes of these with an available pod.",
      ({ counts }) => counts.available,
    ),
    gauge(
      "lares_daemonset_misscheduled_nodes",
      "Nodes that have a pod and should not.",
      ({ counts }) => counts.misscheduled,
    ),
    gauge("lares_daemonset_backoff_nodes", "Nodes whose pod failed and is not replaced yet.", ({ tracked }) =>
      tracked.holds.backoffs(),
    ),
    gauge(
      "lares_daemonset_rollout_progress_ratio",
      "Updated of desired nodes; 1 when there are none.",
      ({ counts }) => (counts.desired === 0 ? 1 : counts.updated / counts.desired),
    ),
    gauge(
      "lares_daemonset_rollout_age_seconds",
      "Age of the roll-out under way; 0 when none is.",
      ({ rollout, tracked, clock }) => (rollout.isOver ? 0 : ageSeconds(tracked, clock.nowMs())),
    ),
  ];
}
