/**
 * How one slot (one node, as one DaemonSet sees it) is judged: what manage would do with it
 * (docs/spec/daemonset-controller.md#9), where it stands in a roll-out (#11) and what it adds to the status (#15). Pure;
 * looks at one slot only.
 * Not here: keeping counts and sets of slots (slots.ts), choosing among slots (plan.ts, rolling-update.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/{daemon_controller,update}.go.
 */
import { availableFromMs, comparePods, isUpToDate, type PodFacts, type SlotParams } from "./facts.ts";

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

/** Where a slot stands in a roll-out; terminating pods are not looked at. */
export type RolloutStage =
  | { readonly stage: "empty" }
  | { readonly stage: "undecidable" }
  | { readonly stage: "new"; readonly pod: PodFacts; readonly isAvailable: boolean }
  | { readonly stage: "old"; readonly pod: PodFacts; readonly isAvailable: boolean }
  | {
      readonly stage: "both";
      readonly old: PodFacts;
      readonly isOldAvailable: boolean;
      readonly isNewAvailable: boolean;
    };

const empty: RolloutStage = { stage: "empty" };
const undecidable: RolloutStage = { stage: "undecidable" };

/** #11.1 and #11.2 for one node. */
export function rolloutStage(slot: SlotFacts, params: SlotParams, nowMs: number): RolloutStage {
  let fresh: PodFacts | undefined;
  let old: PodFacts | undefined;
  for (const pod of slot.pods) {
    if (pod.isTerminating) continue;
    if (isUpToDate(pod, params)) {
      if (fresh !== undefined) return undecidable;
      fresh = pod;
    } else {
      if (old !== undefined) return undecidable;
      old = pod;
    }
  }
  const isAvailable = (pod: PodFacts): boolean => availableFromMs(pod, params.minReadyMs) <= nowMs;
  if (fresh !== undefined && old !== undefined) {
    return { stage: "both", old, isOldAvailable: isAvailable(old), isNewAvailable: isAvailable(fresh) };
  }
  if (fresh !== undefined) return { stage: "new", pod: fresh, isAvailable: isAvailable(fresh) };
  if (old !== undefined) return { stage: "old", pod: old, isAvailable: isAvailable(old) };
  return empty;
}

/**
 * A slot's view is a set of bits. Each bit is counted over all slots of a DaemonSet; those in `listedBits` have their
 * slots listed as well, because a sync has to visit them.
 */
export type SlotBit =
  /** shouldRun: counts as desired. */
  | "desired"
  | "current"
  | "misscheduled"
  | "ready"
  | "available"
  | "updated"
  /** Uses up maxUnavailable (#11.4). */
  | "unavailable"
  /** Of those the ones that may be passed over (#23.16). */
  | "unreachable"
  /** Uses up maxSurge (#11.5). */
  | "surging"
  /** Its old pod, or else its new one, is available (#11.5). */
  | "serving"
  /** manage would create a pod now. */
  | "missing"
  /** manage would delete at least one pod now. */
  | "surplus"
  /** Only an old pod, available; on an eligible node, or anywhere else. */
  | "outdated"
  | "outdatedElsewhere"
  /** Only an old pod, not available. */
  | "outdatedUnavailable"
  | "outdatedUnavailableElsewhere"
  /** Old and new, the new one available. */
  | "replaced";

const bit: Readonly<Record<SlotBit, number>> = {
  desired: 1 << 0,
  current: 1 << 1,
  misscheduled: 1 << 2,
  ready: 1 << 3,
  available: 1 << 4,
  updated: 1 << 5,
  unavailable: 1 << 6,
  unreachable: 1 << 7,
  surging: 1 << 8,
  serving: 1 << 9,
  missing: 1 << 10,
  surplus: 1 << 11,
  outdated: 1 << 12,
  outdatedElsewhere: 1 << 13,
  outdatedUnavailable: 1 << 14,
  outdatedUnavailableElsewhere: 1 << 15,
  replaced: 1 << 16,
};

/** In order of their bits. */
export const slotBits: readonly SlotBit[] = Object.keys(bit) as SlotBit[];

export const listedBits: readonly SlotBit[] = [
  "missing",
  "surplus",
  "outdated",
  "outdatedElsewhere",
  "outdatedUnavailable",
  "outdatedUnavailableElsewhere",
  "replaced",
];

export interface SlotView {
  readonly bits: number;
  /** When the passing of time alone changes the view; Infinity for never. */
  readonly wakeAtMs: number;
}

/** The view of a slot now. O(pods on this node). */
export function viewSlot(slot: SlotFacts, context: SlotContext): SlotView {
  const work = manageSlot(slot, context);
  let bits = statusBits(slot, context) | rolloutBits(slot, context, work);
  if ((bits & bit.unavailable) !== 0 && mayBePassedOver(slot, context.params)) bits |= bit.unreachable;
  if (work.create) bits |= bit.missing;
  if (work.deletes.length > 0) bits |= bit.surplus;
  return { bits, wakeAtMs: wakeAt(slot, context, work) };
}

function statusBits(slot: SlotFacts, { params, nowMs }: SlotContext): number {
  if (slot.eligibility === "gone") return 0;
  const first = slot.pods[0];
  if (slot.eligibility === "ineligible") return first === undefined ? 0 : bit.misscheduled;
  if (first === undefined) return bit.desired;
  let bits = bit.desired | bit.current;
  if (first.isReady) bits |= bit.ready;
  if (availableFromMs(first, params.minReadyMs) <= nowMs) bits |= bit.available;
  if (isUpToDate(first, params)) bits |= bit.updated;
  return bits;
}

/**
 * With surge, slots on nodes that are gone are left to the pod garbage collector, where upstream fails the whole step
 * (#23.4), a node in failed-pod back-off gets no pod beside the failed one (#23.5), and neither does one on hold
 * (#23.28).
 */
function rolloutBits(slot: SlotFacts, context: SlotContext, work: SlotWork): number {
  const { params, nowMs } = context;
  const isEligible = slot.eligibility === "eligible";
  const isLeftAlone = params.hasSurge && (work.isBackingOff || isSurgeHeld(slot, context));
  if (slot.pods.length === 0 && !isEligible) return 0;
  // Where there is no node nobody is served: counted as serving, such a pod would let another one go too soon.
  if (params.hasSurge && slot.eligibility === "gone") return 0;
  const at = rolloutStage(slot, params, nowMs);
  switch (at.stage) {
    case "empty":
      return bit.unavailable;
    case "undecidable":
      return bit.unavailable | bit.surging;
    case "new":
      return at.isAvailable ? bit.serving : bit.unavailable;
    case "both": {
      const serving = at.isOldAvailable ? bit.serving : 0;
      return bit.unavailable | serving | (at.isNewAvailable ? bit.replaced : bit.surging);
    }
    case "old":
      if (isLeftAlone) return at.isAvailable ? bit.serving : bit.unavailable;
      if (at.isAvailable) return bit.serving | (isEligible ? bit.outdated : bit.outdatedElsewhere);
      return bit.unavailable | (isEligible ? bit.outdatedUnavailable : bit.outdatedUnavailableElsewhere);
  }
}

/**
 * Where the current template has begun it may be what silenced the node: going on could silence the next one (#23.16).
 */
function mayBePassedOver({ isUnreachable, pods }: SlotFacts, params: SlotParams): boolean {
  const hasBegun = (pod: PodFacts): boolean =>
    !pod.isTerminating && pod.hasStarted && isUpToDate(pod, params);
  return isUnreachable && !pods.some(hasBegun);
}

/** With surge the node of an old pod alone may want a new one at any time. */
function isSurgeHeld(slot: SlotFacts, context: SlotContext): boolean {
  const mayGrow = context.params.hasSurge && slot.eligibility === "eligible";
  return mayGrow && context.holdUntilMs(slot.node) !== undefined;
}

function wakeAt(slot: SlotFacts, context: SlotContext, work: SlotWork): number {
  // A second failed pod beside the first has no back-off yet: it gets one, and a new look, when the first is deleted.
  let wake = work.isBackingOff ? (context.backoffUntilMs(slot.node) ?? Infinity) : Infinity;
  if (work.isHeld || isSurgeHeld(slot, context))
    wake = Math.min(wake, context.holdUntilMs(slot.node) ?? Infinity);
  if (context.params.minReadyMs === 0) return wake;
  for (const pod of slot.pods) {
    const from = availableFromMs(pod, context.params.minReadyMs);
    if (from > context.nowMs && from < wake) wake = from;
  }
  return wake;
}

/** Puts a pod into its place in a slot's list. */
export function insertPod(pods: PodFacts[], pod: PodFacts): void {
  let at = pods.length;
  while (at > 0 && comparePods(pod, pods[at - 1]!) < 0) at--;
  pods.splice(at, 0, pod);
}
