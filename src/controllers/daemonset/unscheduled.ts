/**
 * Pods of one DaemonSet that the scheduler has not found a place for, until they are told of. O(1) per pod event.
 * Not here: what becomes of such a pod when its node is no longer desired (manage-slot.ts), the event for users (warnings.ts).
 */
import { type Pod, podCondition } from "../../api/index.ts";

interface Waiting {
  readonly node: string;
  /** What the scheduler says. */
  readonly reason: string;
  isTold: boolean;
}

export class Unscheduled {
  /** By UID. */
  readonly #waiting = new Map<string, Waiting>();

  /** The state of a pod that belongs to `node`. */
  see(pod: Pod, node: string): void {
    const uid = pod.metadata.uid ?? "";
    const reason = reasonOf(pod);
    if (reason === undefined) this.#waiting.delete(uid);
    else this.#waiting.set(uid, { node, reason, isTold: this.#waiting.get(uid)?.isTold ?? false });
  }

  /** The pod is gone, or belongs to no node any more. */
  forget(uid: string): void {
    this.#waiting.delete(uid);
  }

  /** Nodes whose pod has no place, with the scheduler's reason; each pod once. O(pods without a place). */
  take(isDesired: (node: string) => boolean): ReadonlyMap<string, string> {
    const taken = new Map<string, string>();
    for (const waiting of this.#waiting.values()) {
      if (waiting.isTold || !isDesired(waiting.node)) continue;
      waiting.isTold = true;
      taken.set(waiting.node, waiting.reason);
    }
    return taken;
  }
}

/** Undefined for a pod that has a node, is on its way out, or has not been looked at by a scheduler. */
function reasonOf(pod: Pod): string | undefined {
  if ((pod.spec.nodeName ?? "") !== "" || pod.metadata.deletionTimestamp !== undefined) return undefined;
  const condition = podCondition(pod, "PodScheduled");
  if (condition?.status !== "False") return undefined;
  return condition.message || condition.reason || undefined;
}
