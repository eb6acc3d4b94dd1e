/**
 * An independent check of a roll-out's budget from the events of a watch alone.
 * One DaemonSet, every node wants one pod, nothing but the controller deletes pods, minReadySeconds is 0.
 *
 * At each start of a deletion (invariant I2): the nodes without an available pod must not be more than maxUnavailable.
 * At each creation (I3): the nodes with an available old pod and a new one that is not available yet must not be more than
 * maxSurge. Events are judged one by one, in the order of revisions.
 * Invariants by number: docs/spec/invariants.md.
 */
import { isPodReady, type Pod, targetNodeName } from "../../src/api/index.ts";
import type { WatchEvent } from "../../src/client/index.ts";

export interface Budget {
  readonly nodes: number;
  readonly maxUnavailable: number;
  readonly maxSurge: number;
}

interface Seen {
  readonly node: string;
  readonly isAvailable: boolean;
  readonly isTerminating: boolean;
}

export class BudgetCheck {
  readonly violations: string[] = [];
  /** The most unavailable nodes so far. */
  worstUnavailable = 0;
  worstSurge = 0;
  #budget: Budget;
  readonly #pods = new Map<string, Seen>();
  readonly #byNode = new Map<string, Map<string, Seen>>();
  #available = 0;
  #surging = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Starts the check of the next roll-out, over the pods that exist. */
  begin(budget: Budget): void {
    this.#budget = budget;
    this.worstUnavailable = 0;
    this.worstSurge = 0;
  }

  add({ type, object }: WatchEvent<Pod>): void {
    if (type === "BOOKMARK" || type === "ERROR") return;
    const uid = object.metadata.uid!;
    const before = this.#pods.get(uid);
    const isTerminating = object.metadata.deletionTimestamp !== undefined;
    const node = targetNodeName(object) ?? before?.node;
    if (node === undefined) return;
    const after = { node, isAvailable: isPodReady(object) && !isTerminating, isTerminating };
    this.#put(uid, node, type === "DELETED" ? undefined : after);
    const isDeletion = before !== undefined && !before.isTerminating && (isTerminating || type === "DELETED");
    if (isDeletion) this.#deleted(object);
    if (before === undefined && type !== "DELETED") this.#created(object);
  }

  #put(uid: string, node: string, after: Seen | undefined): void {
    const pods = this.#byNode.get(node) ?? new Map<string, Seen>();
    this.#byNode.set(node, pods);
    this.#count(pods, -1);
    if (after === undefined) {
      this.#pods.delete(uid);
      pods.delete(uid);
    } else {
      this.#pods.set(uid, after);
      pods.set(uid, after);
    }
    this.#count(pods, 1);
  }

  #count(pods: ReadonlyMap<string, Seen>, by: 1 | -1): void {
    const living = [...pods.values()].filter((pod) => !pod.isTerminating);
    const available = living.filter((pod) => pod.isAvailable).length;
    if (available > 0) this.#available += by;
    if (available > 0 && living.length > available) this.#surging += by;
  }

  #deleted({ metadata }: Pod): void {
    const { nodes, maxUnavailable } = this.#budget;
    const unavailable = nodes - this.#available;
    this.worstUnavailable = Math.max(this.worstUnavailable, unavailable);
    if (unavailable > maxUnavailable)
      this.violations.push(
        `${unavailable} nodes unavailable after the deletion of ${metadata.name}, ${maxUnavailable} allowed`,
      );
  }

  #created({ metadata }: Pod): void {
    const { maxSurge } = this.#budget;
    this.worstSurge = Math.max(this.worstSurge, this.#surging);
    if (this.#surging > maxSurge)
      this.violations.push(
        `${this.#surging} nodes surging after the creation of ${metadata.name}, ${maxSurge} allowed`,
      );
  }
}
