/**
 * The seam that tells whether a pod's containers serve. Made by runtime/simulated today.
 * Not here: what follows (pods/). CRI knows no probes: a maker for real containers asks over the network or by an exec.
 */
import type { Pod } from "../../api/index.ts";

export interface Probing {
  /** What is known now. */
  readonly isReady: boolean;
  /** Nothing is told any more. */
  stop(): void;
}

export interface Prober {
  /**
   * Watches one run of a pod's containers. `tell` is called after each change of `isReady`, never within this call.
   * @param since when the run began, and whether it was ready when an agent before this one last said so.
   */
  watch(
    pod: Pod,
    since: { readonly startedMs: number; readonly wasReady?: boolean },
    tell: () => void,
  ): Probing;
}
