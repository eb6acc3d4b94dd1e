/**
 * Why a DaemonSet does no more on a node than it does: a closed set of reasons, and for each what would change it.
 * A decision tells its reasons itself, while it decides, to whoever listens (`SlotContext.tell`). Pure.
 * Not here: the decisions, putting reasons together for one node (explain.ts).
 * The words are those of docs/spec/daemon-policy.md#2 where it has them.
 */
import type { PlacementObstacle } from "../../api/index.ts";

/** With `controller-legacy` placement: what makes a node unfit beside the pods that it has. */
export type RoomObstacle =
  /** Another pod of the node has the port. */
  | { readonly why: "HostPortTaken"; readonly port: string; readonly by: string }
  | { readonly why: "NodePressure"; readonly condition: string }
  /** Amounts in units; of processors in thousandths. */
  | {
      readonly why: "InsufficientResource";
      readonly resource: string;
      readonly requested: number;
      readonly used: number;
      readonly capacity: number;
    };

/** Why a node that wants a pod gets none before a time; Infinity: before an event frees it. */
export type Hold =
  /** Others have taken so many pods in a row away from the node. */
  | { readonly why: "PodsRejected"; readonly rejects: number; readonly untilMs: number }
  | { readonly why: "NoRoom"; readonly obstacles: readonly RoomObstacle[]; readonly untilMs: number };

/** Why nothing at all is decided for a DaemonSet now. */
export type Standstill =
  | { readonly why: "BeingDeleted" }
  /** The server does not have it any more; the cache will learn that. */
  | { readonly why: "AlreadyGone" }
  /** Its selector is empty. */
  | { readonly why: "SelectsAllPods" }
  /** A cache has not seen the controller's own last write. */
  | { readonly why: "CacheBehind"; readonly resource: string }
  /** Pods that the controller created or deleted have not been seen yet. */
  | { readonly why: "WritesUnseen" }
  /** No sync has looked at this specification yet, or one is still going through the nodes. */
  | { readonly why: "NotSynced" };

export type Reason =
  | PlacementObstacle
  | RoomObstacle
  | Hold
  | Standstill
  | { readonly why: "NoSuchNode" }
  /** The pod is bound to a node that is gone. */
  | { readonly why: "LeftToPodGarbageCollector"; readonly pod: string }
  | { readonly why: "OldPodTerminating"; readonly pod: string }
  /** A failed pod is left alone; without an end while the back-off has not begun. */
  | { readonly why: "BackOff"; readonly pod: string; readonly untilMs: number | undefined }
  /** Old ones or new ones twice: placement cleans up first. */
  | { readonly why: "MoreThanOnePod" }
  /** With surge the old pod stays until the new one is available; from `fromMs` on, if that is known. */
  | { readonly why: "NewPodUnavailable"; readonly pod: string; readonly fromMs: number | undefined }
  /** The strategy leaves old pods to the user. */
  | { readonly why: "OnDelete" }
  /** maxUnavailable or maxSurge cannot be read. */
  | { readonly why: "InvalidLimits" }
  /** So many places must become free before it is the node's turn. */
  | { readonly why: "BudgetExhausted"; readonly budget: Budget; readonly place: number }
  /** A step does not do more at once. */
  | { readonly why: "RateLimited"; readonly perStep: number };

/** `desired`: with surge, a spare pod goes when more nodes are served than should be. */
export interface Budget {
  readonly limit: "maxUnavailable" | "maxSurge" | "desired";
  readonly allowed: number;
  readonly used: number;
}

/** What a reason has stopped. */
export type Stopped =
  /** The node should have a pod. */
  | "run"
  /** A pod that is there may stay. */
  | "stay"
  | "create"
  | "delete"
  /** An old pod makes way for a new one. */
  | "replace";

export type Tell = (stopped: Stopped, reason: Reason) => void;

/** One thing that keeps pods off a node, so that the node is not wanted. */
export interface Obstacle {
  readonly reason: PlacementObstacle | RoomObstacle;
  /** A pod that is on the node may stay all the same. */
  readonly mayStay: boolean;
}

/** What would make a reason go away. */
export type Change =
  /** Nothing has to be done. */
  | { readonly by: "time"; readonly atMs: number }
  /** Somebody has to change this object. */
  | { readonly by: "edit"; readonly of: "Node" | "DaemonSet"; readonly how: string }
  /** Something has to happen in the cluster. */
  | { readonly by: "event"; readonly what: string };

const byNode = (how: string): Change => ({ by: "edit", of: "Node", how });
const byDaemonSet = (how: string): Change => ({ by: "edit", of: "DaemonSet", how });
const byEvent = (what: string): Change => ({ by: "event", what });

/** A time where one is known, else the event that has to come first. */
function byTime(atMs: number | undefined, what: string): Change {
  return atMs === undefined || atMs === Infinity ? byEvent(what) : { by: "time", atMs };
}

export function changeOf(reason: Reason): Change {
  switch (reason.why) {
    case "NodeNameMismatch":
      return byDaemonSet("take nodeName out of the template");
    case "SelectorMismatch":
      return byNode(`label it ${reason.key}=${reason.wanted}`);
    case "AffinityMismatch":
      return byNode("label it so that a term of the template's required node affinity matches");
    case "UntoleratedTaint":
      return byDaemonSet(
        `tolerate ${reason.taint.key}:${reason.taint.effect}, or take the taint off the node`,
      );
    case "NoSuchNode":
      return byEvent("the node registers");
    case "HostPortTaken":
      return byEvent(`pod ${reason.by} frees port ${reason.port}`);
    case "NodePressure":
      return byEvent(`the node's ${reason.condition} ends`);
    case "InsufficientResource":
      return byEvent(
        `${reason.used + reason.requested - reason.capacity} more of ${reason.resource} become free`,
      );
    case "NoRoom":
      return byEvent("each of its obstacles goes away");
    case "PodsRejected":
      return byTime(reason.untilMs, "a pod of the node becomes ready");
    case "LeftToPodGarbageCollector":
      return byEvent("the pod garbage collector removes the pod");
    case "OldPodTerminating":
      return byEvent(`pod ${reason.pod} is gone`);
    case "BackOff":
      return byTime(reason.untilMs, "the failed pod before it is deleted");
    case "MoreThanOnePod":
      return byEvent("all but one old and one new pod are gone");
    case "NewPodUnavailable":
      return byTime(reason.fromMs, `pod ${reason.pod} becomes ready`);
    case "OnDelete":
      return byDaemonSet("choose the strategy RollingUpdate, or delete the pod");
    case "BudgetExhausted":
      return byEvent(
        `${reason.place} other nodes are served again, or ${reason.budget.limit} is raised by as many`,
      );
    case "InvalidLimits":
      return byDaemonSet("give maxUnavailable and maxSurge numbers or percentages");
    case "RateLimited":
      return byEvent("the next step begins");
    default:
      return changeOfStandstill(reason);
  }
}

function changeOfStandstill(standstill: Standstill): Change {
  switch (standstill.why) {
    case "BeingDeleted":
    case "AlreadyGone":
      return byDaemonSet("create it again");
    case "SelectsAllPods":
      return byDaemonSet("give it a selector");
    case "CacheBehind":
    case "WritesUnseen":
      return byEvent("the watch shows what was written");
    case "NotSynced":
      return byEvent("its next sync has gone through all nodes");
  }
}
