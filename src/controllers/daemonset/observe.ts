/**
 * One consistent picture of a DaemonSet for the planners: counts, and the head of each set that needs attention.
 * O(burst); no pass over nodes or pods.
 */
import { type DaemonSet, maxUnreachableOf } from "../../api/index.ts";
import { type SlotParams, templateGenerationOf } from "./facts.ts";
import type { History } from "./history.ts";
import type { RolloutStrategy, Snapshot } from "./plan.ts";
import { hasSurge } from "./rolling-update.ts";
import type { SlotBit } from "./judge-slot.ts";
import type { SlotFacts } from "./manage-slot.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";

export interface ObserveOptions {
  readonly nowMs: number;
  readonly burst: number;
}

export function observe(
  daemonSet: DaemonSet,
  tracked: TrackedDaemonSet,
  { nowMs, burst }: ObserveOptions,
): Snapshot {
  const { slots } = tracked;
  const first = (bit: SlotBit): readonly SlotFacts[] => slots.first(bit, burst);
  const surplus = first("surplus");
  const missing = first("missing");
  return {
    uid: tracked.uid,
    nowMs,
    burst,
    params: slots.params,
    strategy: strategyOf(daemonSet),
    maxUnreachable: maxUnreachableOf(daemonSet) ?? 0,
    counts: slots.counts(),
    missing,
    surplus,
    outdated: first("outdated"),
    outdatedElsewhere: first("outdatedElsewhere"),
    outdatedUnavailable: first("outdatedUnavailable"),
    outdatedUnavailableElsewhere: first("outdatedUnavailableElsewhere"),
    replaced: first("replaced"),
    backoffs: ofNodes([...missing, ...surplus], (node) => tracked.holds.backoffUntilMs(node)),
    holds: ofNodes(missing, (node) => tracked.holds.holdOn(node)),
  };
}

/** What is told of the nodes of these slots, where something is. */
function ofNodes<T>(
  slots: readonly SlotFacts[],
  tell: (node: string) => T | undefined,
): ReadonlyMap<string, T> {
  const told = new Map<string, T>();
  for (const { node } of slots) {
    const one = tell(node);
    if (one !== undefined) told.set(node, one);
  }
  return told;
}

export function strategyOf(daemonSet: DaemonSet): RolloutStrategy {
  const { type, rollingUpdate } = daemonSet.spec.updateStrategy ?? {};
  return {
    type: type === "OnDelete" ? "OnDelete" : "RollingUpdate",
    maxUnavailable: rollingUpdate?.maxUnavailable,
    maxSurge: rollingUpdate?.maxSurge,
  };
}

/** What the slots of the DaemonSet are judged by. */
export function paramsOf(daemonSet: DaemonSet, history: History): SlotParams {
  return {
    hash: history.hash,
    generation: templateGenerationOf(daemonSet),
    knownHashes: history.knownHashes,
    minReadyMs: (daemonSet.spec.minReadySeconds ?? 0) * 1000,
    hasSurge: hasSurge(strategyOf(daemonSet)),
  };
}
