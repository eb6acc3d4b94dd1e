/**
 * What placement does with one slot, that is with one node as one DaemonSet sees it: create a pod, delete some, or wait
 * (docs/spec/daemonset-controller.md#9). Pure; looks at one slot only.
 * Not here: roll-outs (rollout-stage.ts), choosing among slots (plan.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/daemon_controller.go, podsShouldBeOnNode.
 * Differs: a pod that was never bound does not stay for a node that is no longer desired.
 */
import { availableFromMs, isUntaken, type PodFacts, type SlotParams } from "./facts.ts";
import type { Hold, Tell } from "./reasons.ts";

/** `eligible`: the node exists and should run the pod; `gone`: there is no such node. */
export type Eligibility = "eligible" | "ineligible" | "gone";

export interface SlotFacts {
  readonly node: string;
  readonly eligibility: Eligibility;
  /** A pod that has been bound to it may stay. True for every eligible node. */
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
  /** Why no pod may be created on a node now, if that is not over. */
  holdOn(node: string): Hold | undefined;
  /** Listens to the reasons of what is decided. Absent where nobody asks; it changes no decision. */
  readonly tell?: Tell;
}

export type DeleteReason =
  "ineligible" | "stray" | "failed" | "succeeded" | "duplicate" | "not-ready" | "replaced" | "outdated";

interface PodDeletion {
  readonly pod: PodFacts;
  readonly because: DeleteReason;
  /** Only as long as the pod is as it was seen: a bind in the same moment wins. */
  readonly ifUnchanged?: true;
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
  if (slot.eligibility === "gone") return stray(pods, context);
  if (pods.length === 0) {
    if (slot.eligibility !== "eligible") return nothing;
    const hold = context.holdOn(slot.node);
    if (hold === undefined) return creation;
    context.tell?.("create", hold);
    return held;
  }
  if (!slot.mayContinue) return deletion(pods, "ineligible");
  const only = pods[0]!;
  if (pods.length === 1 && !only.isTerminating && only.life === "running" && !isUnwanted(only, slot))
    return nothing;
  return manageServedSlot(slot, context);
}

/** The node is gone. Pods that were bound to it are the pod garbage collector's. */
function stray(pods: readonly PodFacts[], context: SlotContext): SlotWork {
  context.tell?.("run", { why: "NoSuchNode" });
  for (const pod of pods)
    if (pod.isBound) context.tell?.("delete", { why: "LeftToPodGarbageCollector", pod: pod.name });
    else context.tell?.("stay", { why: "NoSuchNode" });
  const unbound = pods.filter((pod) => !pod.isBound);
  return deletion(unbound, "stray");
}

/** Terminating pods are never deleted again: a stray one held by a finalizer would be at every sync upstream (#23.14). */
function deletion(pods: readonly PodFacts[], because: "stray" | "ineligible"): SlotWork {
  const deletes: PodDeletion[] = [];
  for (const pod of pods) if (!pod.isTerminating) deletes.push({ pod, because });
  return deletes.length === 0 ? nothing : { ...nothing, deletes };
}

/** Case B: the node may keep its pod. */
function manageServedSlot(slot: SlotFacts, context: SlotContext): SlotWork {
  const { tell, params } = context;
  const running: PodFacts[] = [];
  const deletes: PodDeletion[] = [];
  const untilMs = context.backoffUntilMs(slot.node);
  let inBackoff = untilMs !== undefined;
  let isBackingOff = false;
  for (const pod of slot.pods) {
    if (pod.isTerminating) {
      if (!params.hasSurge) tell?.("create", { why: "OldPodTerminating", pod: pod.name });
    } else if (isUnwanted(pod, slot)) deletes.push({ pod, because: "ineligible", ifUnchanged: true });
    else if (pod.life === "running") running.push(pod);
    else if (pod.life === "succeeded") deletes.push({ pod, because: "succeeded" });
    else if (inBackoff) {
      isBackingOff = true;
      tellBackOff(pod, untilMs, tell);
    } else {
      deletes.push({ pod, because: "failed" });
      inBackoff = true;
    }
  }
  if (!params.hasSurge) {
    for (const pod of running.slice(1)) deletes.push({ pod, because: "duplicate" });
    return { ...nothing, deletes, isBackingOff };
  }
  if (running.length >= 2) deletes.push(...surplusOfSurge(running, context));
  // Upstream creates beside a failed pod that waits for its back-off, at every sync anew (#23.5).
  const isWanted = running.length === 0 && slot.eligibility === "eligible" && !isBackingOff;
  const hold = isWanted ? context.holdOn(slot.node) : undefined;
  if (hold !== undefined) tell?.("create", hold);
  const isHeld = hold !== undefined;
  return { create: isWanted && !isHeld, deletes, isBackingOff, isHeld };
}

/** The pod waits for a node that is no longer desired, and has never been there. */
function isUnwanted(pod: PodFacts, { eligibility }: SlotFacts): boolean {
  return eligibility === "ineligible" && pod.life === "running" && isUntaken(pod);
}

/** The failed pod stays, and as long as it does no other one is created. */
function tellBackOff({ name }: PodFacts, untilMs: number | undefined, tell: Tell | undefined): void {
  tell?.("delete", { why: "BackOff", pod: name, untilMs });
  tell?.("create", { why: "BackOff", pod: name, untilMs });
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
