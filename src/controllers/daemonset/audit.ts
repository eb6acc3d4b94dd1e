/**
 * Heals what events have left wrong: a defect in a handler, or an event that never came.
 *
 *   every ten minutes ─▶ recount, slice by slice ─▶ something disagrees ─┐
 *   a handler throws ────────────────────────────────────────────────────┴▶ log, count, build anew at the next sync
 *
 * Not here: what is recounted (recount.ts, tracked-daemonset.ts), building (tracked-daemonset.ts).
 */
import { type Clock, type Counter, type Log, type Metrics, sleep } from "../../base/index.ts";
import type { InformerHandler } from "../../client/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import { buildSlice, type TrackedDaemonSet } from "./tracked-daemonset.ts";
import type { Tracker } from "./tracker.ts";

/** Pause between two audits. A sync that goes wrong for want of an event is wrong no longer than that. */
export const auditEveryMs = 600_000;
/** Disagreements of a DaemonSet that are written out; the rest is a number. */
const textsMax = 5;

export interface AuditDependencies {
  readonly tracker: Tracker;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  enqueue(key: string): void;
}

export class Audit {
  readonly #dependencies: AuditDependencies;
  readonly #repairs: Counter;
  #isRunning = false;

  constructor(dependencies: AuditDependencies) {
    this.#dependencies = dependencies;
    this.#repairs = dependencies.metrics.counter(
      "lares_daemonset_repairs_total",
      "Times that what the controller keeps of a DaemonSet was built anew because it was wrong, or may have been",
      ["reason"],
    );
  }

  /** One pass over all DaemonSets, giving way after each slice. Does nothing while one is under way. Never rejects. */
  async pass(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (const tracked of this.#dependencies.tracker.all()) await this.#audit(tracked);
    } catch (error) {
      this.#dependencies.log.error("an audit failed", { error });
    } finally {
      this.#isRunning = false;
    }
  }

  async #audit(tracked: TrackedDaemonSet): Promise<void> {
    const { clock, log } = this.#dependencies;
    const found: string[] = [];
    for (const wrong of tracked.recountInSlices(buildSlice)) {
      found.push(...wrong);
      await sleep(clock, 0);
    }
    if (found.length === 0) return;
    const fields = { daemonSet: tracked.key, disagreements: found.length, first: found.slice(0, textsMax) };
    log.error("an audit found a DaemonSet's counts wrong, building them anew", fields);
    this.#repair(tracked, "audit");
  }

  /** A handler that tells of its failures: nobody knows how far it got, so everything is built anew. The informer logs the error. */
  watched<T extends KubeObject>(handler: InformerHandler<T>): InformerHandler<T> {
    const guard = <A extends readonly unknown[]>(
      call: ((...given: A) => void) | undefined,
    ): ((...given: A) => void) => {
      return (...given) => {
        try {
          call?.(...given);
        } catch (error) {
          for (const tracked of this.#dependencies.tracker.all()) this.#repair(tracked, "handler");
          throw error;
        }
      };
    };
    return {
      added: guard(handler.added),
      updated: guard(handler.updated),
      deleted: guard(handler.deleted),
      rewound: guard(handler.rewound),
    };
  }

  #repair(tracked: TrackedDaemonSet, reason: "audit" | "handler"): void {
    this.#repairs.add(1, { reason });
    tracked.invalidate();
    this.#dependencies.enqueue(tracked.key);
  }
}
