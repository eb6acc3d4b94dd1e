/**
 * What one slot adds to the counts and sorted sets of its DaemonSet, as a set of bits: its part of the status, its stage in
 * a roll-out, and whether there is work to do (docs/spec/daemonset-controller.md#15, #11, #9). Pure; looks at one slot only.
 * Not here: keeping counts and sets (slots.ts).
 */
import { availableFromMs, isUpToDate, type PodFacts, type SlotParams } from "./facts.ts";
import { manageSlot, type SlotContext, type SlotFacts, type SlotWork } from "./manage-slot.ts";
import type { Hold } from "./reasons.ts";
import { rolloutStage } from "./rollout-stage.ts";

/**
 * A slot is judged by a set of bits. Each bit is counted over all slots of a DaemonSet; those in `listedBits` have their
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

export function hasBit(bits: number, name: SlotBit): boolean {
  return (bits & bit[name]) !== 0;
}

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

export interface SlotJudgement {
  readonly bits: number;
  /** When the passing of time alone changes the bits; Infinity for never. */
  readonly wakeAtMs: number;
}

/** Judges a slot now. O(pods on this node). */
export function judgeSlot(slot: SlotFacts, context: SlotContext): SlotJudgement {
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
 * Three differences with surge. Slots of nodes that are gone are left to the pod garbage collector; upstream fails the whole
 * step (#23.4). A node in failed-pod back-off gets no pod beside the failed one (#23.5). Neither does a node on hold
 * (#23.28).
 */
function rolloutBits(slot: SlotFacts, context: SlotContext, work: SlotWork): number {
  const { params, nowMs } = context;
  const isEligible = slot.eligibility === "eligible";
  if (slot.pods.length === 0 && !isEligible) return 0;
  // A pod on a node that is gone serves nobody. Counted as serving, it would let another pod go too soon.
  if (params.hasSurge && slot.eligibility === "gone") {
    context.tell?.("replace", { why: "NoSuchNode" });
    return 0;
  }
  const at = rolloutStage(slot, params, nowMs);
  switch (at.stage) {
    case "empty":
      return bit.unavailable;
    case "undecidable":
      context.tell?.("replace", { why: "MoreThanOnePod" });
      return bit.unavailable | bit.surging;
    case "new":
      return at.isAvailable ? bit.serving : bit.unavailable;
    case "both": {
      const serving = at.isOldAvailable ? bit.serving : 0;
      if (!at.isNewAvailable) tellUnavailable(at.fresh, context);
      return bit.unavailable | serving | (at.isNewAvailable ? bit.replaced : bit.surging);
    }
    case "old":
      if (isLeftAlone(slot, context, work)) return at.isAvailable ? bit.serving : bit.unavailable;
      if (at.isAvailable) return bit.serving | (isEligible ? bit.outdated : bit.outdatedElsewhere);
      return bit.unavailable | (isEligible ? bit.outdatedUnavailable : bit.outdatedUnavailableElsewhere);
  }
}

/**
 * A pod of the current template that has started there may be what silenced the node, and would silence the next one (#23.16).
 */
function mayBePassedOver({ isUnreachable, pods }: SlotFacts, params: SlotParams): boolean {
  const hasBegun = (pod: PodFacts): boolean =>
    !pod.isTerminating && pod.hasStarted && isUpToDate(pod, params);
  return isUnreachable && !pods.some(hasBegun);
}

/** With surge: whether an old pod gets no new one beside it for the time being. */
function isLeftAlone(slot: SlotFacts, context: SlotContext, work: SlotWork): boolean {
  const { params, tell } = context;
  const hold = surgeHold(slot, context);
  if (hold !== undefined) tell?.("replace", hold);
  if (!params.hasSurge || !work.isBackingOff) return hold !== undefined;
  tellBackOff(slot, context);
  return true;
}

/** With surge the node of an old pod alone may want a new one at any time. */
function surgeHold(slot: SlotFacts, context: SlotContext): Hold | undefined {
  const mayGrow = context.params.hasSurge && slot.eligibility === "eligible";
  return mayGrow ? context.holdOn(slot.node) : undefined;
}

function tellBackOff({ node, pods }: SlotFacts, { tell, backoffUntilMs }: SlotContext): void {
  const failed = pods.find(({ isTerminating, life }) => !isTerminating && life === "failed");
  if (failed !== undefined)
    tell?.("replace", { why: "BackOff", pod: failed.name, untilMs: backoffUntilMs(node) });
}

function tellUnavailable(pod: PodFacts, { tell, params }: SlotContext): void {
  const fromMs = availableFromMs(pod, params.minReadyMs);
  tell?.("replace", {
    why: "NewPodUnavailable",
    pod: pod.name,
    fromMs: fromMs === Infinity ? undefined : fromMs,
  });
}

function wakeAt(slot: SlotFacts, context: SlotContext, work: SlotWork): number {
  // A second failed pod has no back-off yet. It gets one, and is judged again, when the first one is deleted.
  let wake = work.isBackingOff ? (context.backoffUntilMs(slot.node) ?? Infinity) : Infinity;
  const hold = work.isHeld ? context.holdOn(slot.node) : surgeHold(slot, context);
  if (hold !== undefined) wake = Math.min(wake, hold.untilMs);
  if (context.params.minReadyMs === 0) return wake;
  for (const pod of slot.pods) {
    const from = availableFromMs(pod, context.params.minReadyMs);
    if (from > context.nowMs && from < wake) wake = from;
  }
  return wake;
}
