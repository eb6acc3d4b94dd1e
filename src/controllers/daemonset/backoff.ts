/**
 * What is remembered of nodes where pods do not last, for one DaemonSet: the back-off of failed pods per node and
 * observed generation, 1 s doubling to 15 min (docs/spec/daemonset-controller.md#9.1), and rejects in a row (#23.28; how
 * long they hold is plan.ts'). A spec change starts both anew: the observed generation is part of upstream's key.
 * Not here: the retry back-off of the queue (client).
 */
import { isReject, type LostPod, rejectHoldMs } from "./plan.ts";

/** First delay after a failed pod was deleted. Upstream's figure. */
const failedPodBackoffMs = 1_000;
/** Longest delay. Upstream's figure. */
const failedPodBackoffMaxMs = 900_000;
/** A row of rejects ends after this without another one: twice the longest wait. */
const rejectRowMs = 600_000;

interface Entry {
  readonly delayMs: number;
  readonly atMs: number;
}

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

export class FailedPodBackoff {
  readonly #options: BackoffOptions;
  /** In order of last use: the oldest first. */
  readonly #entries = new Map<string, Entry>();
  #generation = 0;

  constructor(options: BackoffOptions = { firstMs: failedPodBackoffMs, maxMs: failedPodBackoffMaxMs }) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Forgets everything when the observed generation is another one. @returns whether there was anything to forget. */
  setGeneration(generation: number): boolean {
    if (generation === this.#generation) return false;
    this.#generation = generation;
    const hadEntries = this.#entries.size > 0;
    this.#entries.clear();
    return hadEntries;
  }

  /** When the back-off of the node ends; undefined when none is running. Exactly at its end it is over. */
  untilMs(node: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(node);
    if (entry === undefined) return undefined;
    const end = entry.atMs + entry.delayMs;
    return end > nowMs ? end : undefined;
  }

  /** A failed pod of the node is being deleted: the next one waits, twice as long as the last. */
  next(node: string, nowMs: number): void {
    const entry = this.#entries.get(node);
    const isFresh = entry === undefined || nowMs - entry.atMs > 2 * this.#options.maxMs;
    const delayMs = isFresh ? this.#options.firstMs : Math.min(entry.delayMs * 2, this.#options.maxMs);
    this.#entries.delete(node);
    this.#entries.set(node, { delayMs, atMs: nowMs });
  }

  /** Nodes whose back-off is not over. O(entries): for readers of metrics. */
  running(nowMs: number): number {
    let count = 0;
    for (const { atMs, delayMs } of this.#entries.values()) if (atMs + delayMs > nowMs) count++;
    return count;
  }

  /** Drops entries unused for twice the longest delay. O(dropped + 1). */
  sweep(nowMs: number): void {
    for (const [node, entry] of this.#entries) {
      if (nowMs - entry.atMs <= 2 * this.#options.maxMs) return;
      this.#entries.delete(node);
    }
  }
}

interface Rejects {
  readonly count: number;
  readonly atMs: number;
}

/** Pods that others took away from a node, one after another, before they were ready. */
export class RejectedPods {
  readonly #entries = new Map<string, Rejects>();
  #generation = 0;

  /** @returns the rejects in a row on the node, this one included; 0 for a loss that was none, which ends the row. */
  lost(node: string, pod: LostPod, nowMs: number): number {
    const count = isReject(pod) ? (this.#entries.get(node)?.count ?? 0) + 1 : 0;
    this.#entries.delete(node);
    if (count > 0) this.#entries.set(node, { count, atMs: nowMs });
    return count;
  }

  /** Rejects in a row on the node. */
  rejectsOn(node: string): number {
    return this.#entries.get(node)?.count ?? 0;
  }

  /** Until when the node waits; undefined when it does not. */
  untilMs(node: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(node);
    if (entry === undefined) return undefined;
    const end = entry.atMs + rejectHoldMs(entry.count);
    return end > nowMs ? end : undefined;
  }

  /** Forgets everything when the generation is another one. @returns whether there was anything to forget. */
  setGeneration(generation: number): boolean {
    if (generation === this.#generation) return false;
    this.#generation = generation;
    const hadEntries = this.#entries.size > 0;
    this.#entries.clear();
    return hadEntries;
  }

  /** Drops rows whose last reject is so long ago that the next is another story. O(dropped + 1). */
  sweep(nowMs: number): void {
    for (const [node, entry] of this.#entries) {
      if (nowMs - entry.atMs <= rejectRowMs) return;
      this.#entries.delete(node);
    }
  }
}
