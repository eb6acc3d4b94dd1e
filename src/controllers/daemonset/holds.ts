/**
 * Where one DaemonSet creates no pod now, or leaves a failed pod alone, and until when:
 *
 *   a failed pod was deleted ─────────────────▶ back-off of its node (backoff.ts)
 *   others take pods away, one after another ─▶ hold of the node, growing (docs/spec/daemonset-controller.md#23.28)
 *   the node has no room (controller-legacy) ─▶ hold of the node until an event frees it (legacy-placement.ts)
 *
 * Ends are kept in monotonic time and told in wall time, in which slots are judged. O(1) per question and event.
 * Not here: judging the slot again after a change (tracked-daemonset.ts), the events for users (warnings.ts).
 */
import type { Clock } from "../../base/index.ts";
import { type FailedPodBackoff, RejectedPods } from "./backoff.ts";
import type { PodFacts } from "./facts.ts";
import { rejectHoldMs } from "./plan.ts";

export class Holds {
  readonly #clock: Clock;
  readonly #backoff: FailedPodBackoff;
  readonly #rejected = new RejectedPods();
  /** Reason by node. */
  readonly #refusals = new Map<string, string>();
  /** Rejects in a row of the nodes that were put on hold since the last `takeRejects`. */
  readonly #untoldRejects = new Map<string, number>();
  /** Refusals since the last `takeRefusals`; each of them is in `#refusals`. */
  readonly #untoldRefusals = new Map<string, string>();

  constructor(clock: Clock, backoff: FailedPodBackoff) {
    this.#clock = clock;
    this.#backoff = backoff;
  }

  /** A failed pod of the node is being deleted: the next failed one waits. */
  podFailed(node: string): void {
    this.#backoff.next(node, this.#clock.monotonicMs());
  }

  /** Somebody else has taken the pod away. Told once per pod. */
  podLost(pod: PodFacts): void {
    const loss = { ageMs: this.#clock.nowMs() - pod.createdMs, wasReady: pod.isReady };
    const rejects = this.#rejected.lost(pod.node, loss, this.#clock.monotonicMs());
    if (rejectHoldMs(rejects) > 0) this.#untoldRejects.set(pod.node, rejects);
    else this.#untoldRejects.delete(pod.node);
  }

  /** The node has no room for the pod that it wants; undefined when it has. */
  setRefusal(node: string, reason: string | undefined): void {
    if (reason === undefined) {
      this.#refusals.delete(node);
      this.#untoldRefusals.delete(node);
      return;
    }
    if (this.#refusals.get(node) !== reason) this.#untoldRefusals.set(node, reason);
    this.#refusals.set(node, reason);
  }

  /** All nodes are about to be placed anew. */
  clearRefusals(): void {
    this.#refusals.clear();
    this.#untoldRefusals.clear();
  }

  /** Until when failed pods of the node are left alone, in wall time; undefined when they are not. */
  backoffUntilMs(node: string): number | undefined {
    return this.#inWallTime(this.#backoff.untilMs(node, this.#clock.monotonicMs()));
  }

  /** Until when the node gets no pod, in wall time; Infinity until an event frees it; undefined when it gets one. */
  holdUntilMs(node: string): number | undefined {
    if (this.#refusals.has(node)) return Infinity;
    return this.#inWallTime(this.#rejected.untilMs(node, this.#clock.monotonicMs()));
  }

  /** Nodes whose back-off is not over. O(nodes with one): for readers of metrics. */
  backoffs(): number {
    return this.#backoff.running(this.#clock.monotonicMs());
  }

  /** Nodes put on hold since the last call because others take their pods away, with the rejects in a row. */
  takeRejects(): ReadonlyMap<string, number> {
    const taken = new Map(this.#untoldRejects);
    this.#untoldRejects.clear();
    return taken;
  }

  /** Nodes without room, with the reason, as far as not told by an earlier call. */
  takeRefusals(): ReadonlyMap<string, string> {
    const taken = new Map(this.#untoldRefusals);
    this.#untoldRefusals.clear();
    return taken;
  }

  /**
   * Forgets failures under another observed generation, and rejects under another generation: the new spec may do
   * better. @returns whether there was anything to forget; then every slot has to be judged again.
   */
  setGenerations(observed: number, generation: number): boolean {
    const hadFailures = this.#backoff.setGeneration(observed);
    const hadRejects = this.#rejected.setGeneration(generation);
    return hadFailures || hadRejects;
  }

  /** Drops what is long over. O(dropped + 1). */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#backoff.sweep(nowMs);
    this.#rejected.sweep(nowMs);
  }

  #inWallTime(monotonicMs: number | undefined): number | undefined {
    return monotonicMs === undefined
      ? undefined
      : monotonicMs + this.#clock.nowMs() - this.#clock.monotonicMs();
  }
}
