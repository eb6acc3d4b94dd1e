/**
 * Keys to reconcile, with upstream's rules: a key waits at most once, is never reconciled twice at the same time,
 * and is reconciled again afterwards if it was added meanwhile. Implementation: rate-limited-queue.ts.
 * Upstream: client-go util/workqueue.
 */

/** Class of a key: `system` keys are served first but never starve `normal` ones. */
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
  /** Keys that wait now, without those that are delayed or being reconciled. */
  readonly length: number;
  /**
   * Runs `reconcile` for each key with `workers` at once until the signal aborts.
   * A throw is logged once and the key is added rate-limited. A result with `requeueAfterMs` adds it after that time. Any
   * other result forgets the key.
   */
  run(options: {
    readonly workers: number;
    readonly reconcile: (key: K) => Promise<ReconcileResult>;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

export type ReconcileResult = { readonly requeueAfterMs?: number } | undefined | void;

/** Thrown by a reconcile that would fail again. The queue logs it; the next change of the object adds the key. @public */
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
