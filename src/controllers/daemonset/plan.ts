/**
 * What one sync does to the pods because of placement: missing ones are created, unwanted, finished and surplus ones
 * deleted (docs/spec/daemonset-controller.md#9). A function of the snapshot alone: same snapshot, same plan, in order of
 * node names.
 * Not here: replacing outdated pods (rolling-update.ts), judging one node (manage-slot.ts), doing it (apply.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, manage and podsShouldBeOnNode.
 */
import type { IntOrString } from "../../machinery/index.ts";
import type { SlotParams } from "./facts.ts";
import { type DeleteReason, manageSlot, type SlotContext, type SlotFacts } from "./manage-slot.ts";
import type { Hold } from "./reasons.ts";
import type { SlotCounts } from "./slots.ts";

export interface RolloutStrategy {
  readonly type: "RollingUpdate" | "OnDelete";
  /** As the API gives them; absent is undefined. */
  readonly maxUnavailable: IntOrString | undefined;
  readonly maxSurge: IntOrString | undefined;
}

/**
 * One consistent picture of a DaemonSet: counts over all slots, and of each set that needs attention the first
 * `burst` slots by node name. More would not be acted on in one sync.
 */
export interface Snapshot {
  /** Of the DaemonSet. */
  readonly uid: string;
  readonly nowMs: number;
  readonly params: SlotParams;
  readonly strategy: RolloutStrategy;
  /** How many unreachable nodes are passed over, or what share of the desired ones; 0 without the annotation. */
  readonly maxUnreachable: IntOrString;
  /** Most creates, and separately most deletes, of one step. */
  readonly burst: number;
  readonly counts: SlotCounts;
  readonly missing: readonly SlotFacts[];
  readonly surplus: readonly SlotFacts[];
  readonly outdated: readonly SlotFacts[];
  readonly outdatedElsewhere: readonly SlotFacts[];
  readonly outdatedUnavailable: readonly SlotFacts[];
  readonly outdatedUnavailableElsewhere: readonly SlotFacts[];
  readonly replaced: readonly SlotFacts[];
  /** Ends of the failed-pod back-offs of the nodes above, where one is running. */
  readonly backoffs: ReadonlyMap<string, number>;
  /** Holds of the missing nodes above, where one is running. */
  readonly holds: ReadonlyMap<string, Hold>;
}

export type Action =
  | { readonly do: "create"; readonly node: string; readonly because: "missing" | "surge" }
  | {
      readonly do: "delete";
      readonly pod: string;
      readonly uid: string;
      readonly node: string;
      readonly because: DeleteReason;
      /** When given, the pod goes only while it has this version. */
      readonly resourceVersion?: string;
    };

/** Creates first, then deletes, each in order of node names and cut to the burst. */
export function plan(snapshot: Snapshot): readonly Action[] {
  const context = contextOf(snapshot);
  const creates: Action[] = [];
  for (const slot of snapshot.missing) {
    if (manageSlot(slot, context).create) creates.push({ do: "create", node: slot.node, because: "missing" });
  }
  const deletes: Action[] = [];
  for (const slot of snapshot.surplus) {
    for (const { pod, because, ifUnchanged } of manageSlot(slot, context).deletes) {
      const action: Action = { do: "delete", pod: pod.name, uid: pod.uid, node: slot.node, because };
      const { resourceVersion } = pod;
      deletes.push(ifUnchanged === true ? { ...action, resourceVersion } : action);
    }
  }
  return [...creates.slice(0, snapshot.burst), ...deletes.slice(0, snapshot.burst)];
}

function contextOf(snapshot: Snapshot): SlotContext {
  return {
    params: snapshot.params,
    nowMs: snapshot.nowMs,
    backoffUntilMs: (node) => snapshot.backoffs.get(node),
    holdOn: (node) => snapshot.holds.get(node),
  };
}

/** A pod that somebody else deleted, or took out of the selector. */
export interface LostPod {
  readonly ageMs: number;
  readonly wasReady: boolean;
}

/** Younger ones that were never ready count as rejected: whoever rejects pods does so at once. */
const rejectedWithinMs = 60_000;
/** Rejects in a row that are answered by a new pod at once: a user who deletes a pod twice waits for nothing. */
const rejectsFree = 2;
/** First wait after those, doubling; longest wait: 15,000 nodes then make 50 pods a second at most. */
const rejectHoldFirstMs = 1_000;
const rejectHoldMaxMs = 300_000;

/** Whether the loss looks like a reject, which the next pod will meet as well (#23.28). */
export function isReject({ ageMs, wasReady }: LostPod): boolean {
  return !wasReady && ageMs < rejectedWithinMs;
}

/** How long a node waits for its next pod after so many rejects in a row. */
export function rejectHoldMs(rejects: number): number {
  if (rejects <= rejectsFree) return 0;
  return Math.min(rejectHoldFirstMs * 2 ** (rejects - rejectsFree - 1), rejectHoldMaxMs);
}
