/**
 * The DaemonSet controller: caches → handlers → slots and queue → syncs. See SPEC.md for states and invariants.
 * Not here: what a sync does (reconcile.ts).
 */
import { controllerrevisions, type DaemonSet, daemonsets, nodes, type Pod, pods } from "../../api/index.ts";
import type { Metrics } from "../../base/index.ts";
import {
  type Controller,
  type ControllerContext,
  createController,
  createExpectations,
  type Expectations,
  type Informer,
  type PriorityClass,
  type QueueController,
  type ReconcileResult,
  type Workqueue,
} from "../../client/index.ts";
import { Audit, auditEveryMs } from "./audit.ts";
import { type BackoffOptions, FailedPodBackoff } from "./backoff.ts";
import type { Verdict } from "./explain.ts";
import { createHandlers } from "./handlers.ts";
import { DaemonSetMetrics } from "./metrics.ts";
import { ownerIndex, ownerIndexValues } from "./owner-index.ts";
import type { Action } from "./plan.ts";
import { ownPlanning, type Planning, Reconciler } from "./reconcile.ts";
import { RevisionKeeper } from "./revisions.ts";
import type { PlacementMode } from "./template.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";
import { Tracker } from "./tracker.ts";

/**
 * DaemonSets worked on at once. Upstream's two starve the others behind big ones
 * (docs/spec/daemonset-controller.md#23.23).
 */
const workersDefault = 4;
/** Pods created, and separately deleted, per step of a sync. 250 as upstream: more at once floods image registries. */
const burstDefault = 250;
/** Pause between sweeps of unused failed-pod back-offs. Upstream's figure. */
const backoffSweepMs = 60_000;

export interface DaemonSetControllerOptions {
  /** Who binds the pods: a scheduler, by the affinity put into each pod, or this controller, by `spec.nodeName`. */
  readonly placement: PlacementMode;
  readonly workers?: number;
  /** Label of the queue's metrics and log lines; for several controllers in one process. */
  readonly queueName?: string;
  readonly burst?: number;
  readonly failedPodBackoff?: BackoffOptions;
  /** Stands between observing and applying: may look at, change or hold back what was decided. */
  readonly planning?: (own: Planning) => Planning;
}

export interface DaemonSetControllerDependencies extends ControllerContext {
  /** Where keys wait; made here when absent. A caller that gives one can see what events enqueue. */
  readonly queue?: Workqueue;
  /** What was sent and not seen yet; made here when absent. */
  readonly expectations?: Expectations;
}

export interface DaemonSetController extends Controller {
  /** One sync of one key, for tests and tools; never while `run` works on the same key. */
  reconcile(key: string): Promise<ReconcileResult>;
  /** What is known of a DaemonSet. */
  tracked(key: string): TrackedDaemonSet | undefined;
  /**
   * Why a DaemonSet does on a node what it does: one look, then one node at a time. It holds until the next event.
   * Undefined when there is no such DaemonSet.
   */
  explain(key: string): ((node: string) => Verdict) | undefined;
  /** Counts everything again, of every DaemonSet. O(nodes + pods). @returns what disagrees with what events have kept. */
  recount(): readonly string[];
}

export function createDaemonSetController(
  options: DaemonSetControllerOptions,
  dependencies: DaemonSetControllerDependencies,
): DaemonSetController {
  return new TrackingController(options, dependencies);
}

class TrackingController implements DaemonSetController {
  readonly #tracker: Tracker;
  readonly #reconciler: Reconciler;
  readonly #controller: QueueController<string>;
  readonly #metrics: DaemonSetMetrics;
  readonly #audit: Audit;
  #sinceAuditMs = 0;

  constructor(options: DaemonSetControllerOptions, dependencies: DaemonSetControllerDependencies) {
    const { client, clock, random, informers, log, metrics, recorder } = dependencies;
    const caches = {
      daemonSets: informers.for(daemonsets),
      pods: informers.for(pods),
      nodes: informers.for(nodes),
      revisions: informers.for(controllerrevisions),
    };
    caches.pods.addIndex(ownerIndex, ownerIndexValues);
    caches.revisions.addIndex(ownerIndex, ownerIndexValues);
    const trackerDependencies = {
      clock,
      pods: caches.pods.lister,
      nodes: caches.nodes.lister,
      ...(options.placement === "controller-legacy" ? { podsOn: podsByNode(caches.pods) } : {}),
    };
    this.#tracker = new Tracker(trackerDependencies, () => new FailedPodBackoff(options.failedPodBackoff));
    const classOf = (key: string): PriorityClass => priorityOf(caches.daemonSets.lister.get(key));
    this.#metrics = new DaemonSetMetrics(metrics, { tracker: this.#tracker, clock });
    this.#controller = createController<string>(
      {
        name: options.queueName ?? "daemonset",
        workers: options.workers ?? workersDefault,
        reconcile: (key) => this.reconcile(key),
        begin: () => this.#metrics.start(),
        periodic: { everyMs: backoffSweepMs, work: () => this.#sweep() },
        classOf,
        ...(dependencies.queue === undefined ? {} : { queue: dependencies.queue }),
      },
      dependencies,
    );
    const expectations = dependencies.expectations ?? createExpectations({ clock });
    const revisions = new RevisionKeeper({
      client,
      revisions: caches.revisions,
      pods: caches.pods.lister,
      clock,
    });
    const shared = { tracker: this.#tracker, expectations };
    const enqueue = (key: string): void => this.#controller.queue.add(key);
    const handlers = createHandlers({ ...shared, enqueue });
    this.#audit = new Audit({ tracker: this.#tracker, clock, log, metrics, enqueue });
    caches.nodes.addHandler(this.#audit.watched(handlers.nodes));
    caches.daemonSets.addHandler(this.#audit.watched(handlers.daemonSets));
    caches.revisions.addHandler(this.#audit.watched(handlers.revisions));
    caches.pods.addHandler(this.#audit.watched(handlers.pods));
    this.#reconciler = new Reconciler(
      {
        placement: options.placement,
        burst: options.burst ?? burstDefault,
        planning: options.planning?.(ownPlanning) ?? ownPlanning,
      },
      {
        ...shared,
        ...measures(metrics),
        client,
        clock,
        random,
        log,
        recorder,
        revisions,
        daemonSets: caches.daemonSets,
        pods: caches.pods,
      },
    );
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    try {
      return await this.#reconciler.reconcile(key);
    } finally {
      this.#metrics.synced(key);
    }
  }

  tracked(key: string): TrackedDaemonSet | undefined {
    return this.#tracker.get(key);
  }

  explain(key: string): ((node: string) => Verdict) | undefined {
    return this.#reconciler.explain(key);
  }

  recount(): readonly string[] {
    return [...this.#tracker.all()].flatMap((tracked) =>
      tracked.recount().map((text) => `${tracked.key}: ${text}`),
    );
  }

  #sweep(): void {
    for (const tracked of this.#tracker.all()) tracked.holds.sweep();
    this.#sinceAuditMs += backoffSweepMs;
    if (this.#sinceAuditMs < auditEveryMs) return;
    this.#sinceAuditMs = 0;
    void this.#audit.pass();
  }
}

const nodeIndex = "daemonset-controller/node";

function nodeIndexValues({ spec }: Pod): readonly string[] {
  return spec.nodeName ? [spec.nodeName] : [];
}

function podsByNode(cache: Informer<Pod>): (node: string) => readonly Pod[] {
  cache.addIndex(nodeIndex, nodeIndexValues);
  return (node) => cache.lister.byIndex(nodeIndex, node);
}

const systemClasses: ReadonlySet<string> = new Set(["system-node-critical", "system-cluster-critical"]);

/** System-critical DaemonSets are not kept waiting behind big ordinary ones. */
function priorityOf(daemonSet: DaemonSet | undefined): PriorityClass {
  return systemClasses.has(daemonSet?.spec.template.spec?.priorityClassName ?? "") ? "system" : "normal";
}

function measures(metrics: Metrics): {
  staleSkipped(resource: string): void;
  acting(daemonSet: DaemonSet, actions: readonly Action[]): void;
} {
  const skips = metrics.counter(
    "daemonset_controller_stale_sync_skips_total",
    "Syncs skipped because a cache had not seen the controller's own last write",
    ["group", "resource"],
  );
  const decisions = metrics.counter(
    "lares_daemonset_pod_decisions_total",
    "Pods that a sync decided to create or delete, by reason",
    ["action", "reason"],
  );
  return {
    staleSkipped: (resource) => skips.add(1, { group: resource === "pods" ? "" : "apps", resource }),
    acting: (_daemonSet, actions) => {
      for (const action of actions) decisions.add(1, { action: action.do, reason: action.because });
    },
  };
}
