/**
 * Back-off of failed pods: per node and observed generation of one DaemonSet, 1 s doubling to 15 min (9.1).
 * A spec change starts it anew, because the observed generation is part of upstream's key.
 * Not here: the retry back-off of the queue (client).
 */

/** First delay after a failed pod was deleted. Upstream's figure. */
const failedPodBackoffMs = 1_000;
/** Longest delay. Upstream's figure. */
const failedPodBackoffMaxMs = 900_000;

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

  delayMs(node: string): number {
    return this.#entries.get(node)?.delayMs ?? 0;
  }

  /** Drops entries unused for twice the longest delay. O(dropped + 1). */
  sweep(nowMs: number): void {
    for (const [node, entry] of this.#entries) {
      if (nowMs - entry.atMs <= 2 * this.#options.maxMs) return;
      this.#entries.delete(node);
    }
  }
}
