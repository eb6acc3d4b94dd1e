/**
 * Where one slot stands in a roll-out (docs/spec/daemonset-controller.md#11): which of its pods is new, which is old, and
 * which is available. Pure; looks at one slot only.
 * Not here: which slots go on (rolling-update.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/update.go, findUpdatedPodsOnNode.
 */
import { availableFromMs, isUpToDate, type PodFacts, type SlotParams } from "./facts.ts";
import type { SlotFacts } from "./manage-slot.ts";

/** Where a slot stands in a roll-out; terminating pods are not looked at. */
export type RolloutStage =
  | { readonly stage: "empty" }
  | { readonly stage: "undecidable" }
  | { readonly stage: "new"; readonly pod: PodFacts; readonly isAvailable: boolean }
  | { readonly stage: "old"; readonly pod: PodFacts; readonly isAvailable: boolean }
  | {
      readonly stage: "both";
      readonly fresh: PodFacts;
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
    return {
      stage: "both",
      fresh,
      old,
      isOldAvailable: isAvailable(old),
      isNewAvailable: isAvailable(fresh),
    };
  }
  if (fresh !== undefined) return { stage: "new", pod: fresh, isAvailable: isAvailable(fresh) };
  if (old !== undefined) return { stage: "old", pod: old, isAvailable: isAvailable(old) };
  return empty;
}
