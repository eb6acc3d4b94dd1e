/**
 * What placement does with one slot, that is with one node as one DaemonSet sees it: create a pod, delete some, or wait
 * (docs/spec/daemonset-controller.md#9). Pure; looks at one slot only.
 * Not here: roll-outs (rollout-stage.ts), choosing among slots (plan.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, podsShouldBeOnNode.
 */
import { availableFromMs, type PodFacts, type SlotParams } from "./facts.ts";

/** `eligible`: the node exists and should run the pod; `gone`: there is no such node. */
export type Eligibility = "eligible" | "ineligible" | "gone";

export interface SlotFacts {
  readonly node: string;
  readonly eligibility: Eligibility;
  /** A pod that is there may stay. True for every eligible node. */
  readonly mayContinue: boolean;
  /** The node is not heard of, and the DaemonSet asked to have such nodes passed over. */
  readonly isUnreachable: boolean;
  /** In order #9.2, without departed ones. */
  readonly pods: readonly PodFacts[];
}

export interface SlotContext {
  readonly params: SlotParams;
  readonly nowMs: number;
  /** End of the failed-pod back-off of a node, if it has one that is not over. */
  backoffUntilMs(node: string): number | undefined;
  /** Until when no pod may be created on a node (Infinity: until an event says otherwise), if that is not over. */
  holdUntilMs(node: string): number | undefined;
}

export type DeleteReason =
  "ineligible" | "stray" | "failed" | "succeeded" | "duplicate" | "not-ready" | "replaced" | "outdated";

interface PodDeletion {
  readonly pod: PodFacts;
  readonly because: DeleteReason;
}

export interface SlotWork {
  readonly create: boolean;
  readonly deletes: readonly PodDeletion[];
  /** A failed pod was left alone because its node's back-off is not over. */
  readonly isBackingOff: boolean;
  /** A pod would have been created but for the node's hold. */
  readonly isHeld: boolean;
}

const nothing: SlotWork = { create: false, deletes: [], isBackingOff: false, isHeld: false };
const creation: SlotWork = { ...nothing, create: true };
const held: SlotWork = { ...nothing, isHeld: true };

/** #9 for one node. */
export function manageSlot(slot: SlotFacts, context: SlotContext): SlotWork {
  const { pods } = slot;
  if (slot.eligibility === "gone") return deletion(pods, "stray");
  if (pods.length === 0) {
    if (slot.eligibility !== "eligible") return nothing;
    return context.holdUntilMs(slot.node) === undefined ? creation : held;
  }
  if (!slot.mayContinue) return deletion(pods, "ineligible");
  const only = pods[0]!;
  if (pods.length === 1 && !only.isTerminating && only.life === "running") return nothing;
  return manageServedSlot(slot, context);
}

/** Terminating pods are never deleted again: a stray one held by a finalizer would be at every sync upstream (#23.14). */
function deletion(pods: readonly PodFacts[], because: "stray" | "ineligible"): SlotWork {
  const deletes: PodDeletion[] = [];
  for (const pod of pods) {
    if (pod.isTerminating || (because === "stray" && pod.isBound)) continue;
    deletes.push({ pod, because });
  }
  return deletes.length === 0 ? nothing : { ...nothing, deletes };
}

/** Case B: the node may keep its pod. */
function manageServedSlot(slot: SlotFacts, context: SlotContext): SlotWork {
  const running: PodFacts[] = [];
  const deletes: PodDeletion[] = [];
  let inBackoff = context.backoffUntilMs(slot.node) !== undefined;
  let isBackingOff = false;
  for (const pod of slot.pods) {
    if (pod.isTerminating) continue;
    if (pod.life === "running") running.push(pod);
    else if (pod.life === "succeeded") deletes.push({ pod, because: "succeeded" });
    else if (inBackoff) isBackingOff = true;
    else {
      deletes.push({ pod, because: "failed" });
      inBackoff = true;
    }
  }
  if (!context.params.hasSurge) {
    for (const pod of running.slice(1)) deletes.push({ pod, because: "duplicate" });
    return { ...nothing, deletes, isBackingOff };
  }
  if (running.length >= 2) deletes.push(...surplusOfSurge(running, context));
  // Upstream creates beside a failed pod that waits for its back-off, at every sync anew (#23.5).
  const isWanted = running.length === 0 && slot.eligibility === "eligible" && !isBackingOff;
  const isHeld = isWanted && context.holdUntilMs(slot.node) !== undefined;
  return { create: isWanted && !isHeld, deletes, isBackingOff, isHeld };
}

/** Two or more running pods with surge: one new and one old may stand side by side until the new one is available. */
function surplusOfSurge(running: readonly PodFacts[], context: SlotContext): PodDeletion[] {
  const { params, nowMs } = context;
  let newest: PodFacts | undefined;
  let old: PodFacts | undefined;
  const deletes: PodDeletion[] = [];
  for (const pod of running) {
    // Only the label counts here, not the template generation.
    if (pod.hash === params.hash) {
      if (newest === undefined) newest = pod;
      else deletes.push({ pod, because: "duplicate" });
    } else if (old === undefined) old = pod;
    else deletes.push({ pod, because: "duplicate" });
  }
  if (newest !== undefined && old !== undefined) {
    if (!old.isReady) deletes.push({ pod: old, because: "not-ready" });
    else if (availableFromMs(newest, params.minReadyMs) <= nowMs)
      deletes.push({ pod: old, because: "replaced" });
  }
  return deletes;
}
