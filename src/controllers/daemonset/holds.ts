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
import { refusalText } from "./legacy-placement.ts";
import { rejectHoldMs } from "./plan.ts";
import type { Hold, RoomObstacle } from "./reasons.ts";

export class Holds {
  readonly #clock: Clock;
  readonly #backoff: FailedPodBackoff;
  readonly #rejected = new RejectedPods();
  /** Nodes without room, with every obstacle. */
  readonly #refusals = new Map<string, readonly RoomObstacle[]>();
  /** Rejects in a row of the nodes that were put on hold since the last `takeRejects`. */
  readonly #untoldRejects = new Map<string, number>();
  /** Nodes refused since the last `takeRefusals`, in upstream's words; each of them is in `#refusals`. */
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

  /** What leaves the node without room for the pod that it wants; empty when it has room. */
  setRefusal(node: string, obstacles: readonly RoomObstacle[]): void {
    const [first] = obstacles;
    if (first === undefined) {
      this.#refusals.delete(node);
      this.#untoldRefusals.delete(node);
      return;
    }
    const [known] = this.#refusals.get(node) ?? [];
    const text = refusalText(first);
    if (known === undefined || refusalText(known) !== text) this.#untoldRefusals.set(node, text);
    this.#refusals.set(node, obstacles);
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

  /** Why the node gets no pod, and until when in wall time; undefined when it gets one. */
  holdOn(node: string): Hold | undefined {
    const obstacles = this.#refusals.get(node);
    if (obstacles !== undefined) return { why: "NoRoom", obstacles, untilMs: Infinity };
    const untilMs = this.#inWallTime(this.#rejected.untilMs(node, this.#clock.monotonicMs()));
    if (untilMs === undefined) return undefined;
    return { why: "PodsRejected", rejects: this.#rejected.rejectsOn(node), untilMs };
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
