/**
 * Time as a parameter: the seam through which every room sees the clock.
 * Not here: the system's clock (main/system.ts), the only implementation that reads real time.
 */

export interface Timer {
  /** Prevents the callback if it has not run yet. Safe to call at any time, any number of times. */
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since 1970-01-01 UTC. May jump; never used for ordering. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. For durations and timers. */
  monotonicMs(): number;
  /**
   * Runs `callback` once, at least `delayMs` later, never inside this call.
   * Any non-negative delay is fine: implementations split delays above 2^31-1 ms.
   */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` once, after everything that this turn of the event loop has set off; no time passes. */
  soon(callback: () => void): void;
}

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal!.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
