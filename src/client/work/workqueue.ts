/**
 * Keys to do, with upstream's rules: a key waits at most once, is never worked on twice at the same time,
 * and is done again afterwards if it was added meanwhile. Maker: `createWorkqueue`.
 * Upstream: client-go util/workqueue.
 */

/** Class of a key in a fair queue: higher classes are served first but never starve lower ones. */
export type PriorityClass = "system" | "normal";

export interface Workqueue<K extends string = string> {
  /** Adds now. */
  add(key: K): void;
  /** Adds after `delayMs`; if the key already waits for a later time, the earlier time wins. */
  addAfter(key: K, delayMs: number): void;
  /** Adds after the larger of per-key back-off (5 ms doubling to 1000 s) and the overall bucket (10/s, burst 100). */
  addRateLimited(key: K): void;
  /** Forgets the per-key back-off. */
  forget(key: K): void;
  /** How often the key was added rate-limited since it was forgotten. */
  retries(key: K): number;
  /** Keys waiting now (not those delayed, not those worked on). */
  readonly length: number;
  /**
   * Runs `reconcile` for each key with `workers` at once until the signal aborts.
   * A throw is logged once and the key is added rate-limited; a result with `requeueAfterMs` adds it after that; else it is forgotten.
   */
  run(options: {
    readonly workers: number;
    readonly reconcile: (key: K) => Promise<ReconcileResult>;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

export type ReconcileResult = { readonly requeueAfterMs?: number } | undefined | void;

/** Thrown by a reconcile that a retry cannot help. The queue logs it and does the key again when its object changes. @public */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
}

export function isTerminal(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    (error as { readonly name?: unknown }).name === "TerminalError"
  );
}
