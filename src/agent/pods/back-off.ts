/**
 * How long a kubelet waits before it tries a pod's containers again. Pure.
 * Not here: when the wait begins (container-table.ts). Figures are upstream's.
 */

/** First pause between pulls or starts that fail, and its cap, in ms; doubled each time. */
const failureBaseMs = 10_000;
const failureMaxMs = 300_000;
/** First pause before containers that crashed start again, and its cap, in ms; doubled each time. */
const crashBaseMs = 10_000;
const crashMaxMs = 300_000;

/** @param failures in a row before this one. */
export function failureDelayMs(failures: number): number {
  return Math.min(failureBaseMs * 2 ** failures, failureMaxMs);
}

/** The first crash is answered at once. @param restarts runs before the one that crashed. */
export function crashDelayMs(restarts: number): number {
  return restarts === 0 ? 0 : Math.min(crashBaseMs * 2 ** (restarts - 1), crashMaxMs);
}
