/**
 * The placement of nodes for one DaemonSet as it is now: the template's rule, room with `controller-legacy` placement, and
 * reach where the DaemonSet asked for it. A value that never changes: another template or annotation needs another one.
 * Not here: the rule itself (placement.ts), room (legacy-placement.ts), remembering answers (slots.ts, holds.ts).
 */
import { type DaemonSet, maxUnreachableOf, type Node, type Pod } from "../../api/index.ts";
import { controllerOf } from "../../machinery/index.ts";
import { legacyAnswer, legacyFingerprint } from "./legacy-placement.ts";
import { type NodeChange, placementRule } from "./placement.ts";
import type { Placement } from "./slots.ts";
import { isUnreachable } from "./unreachable.ts";

export interface PlacerAnswer {
  readonly placement: Placement;
  /** Why a node that wants a pod cannot take one. Given with `controller-legacy` placement only. */
  readonly refusal?: string | undefined;
}

export interface NodePlacer {
  /** Equal texts give equal answers for every node and its pods. */
  readonly fingerprint: string;
  place(node: Node): PlacerAnswer;
  /** False when the answer for the node cannot have changed. */
  isConcernedBy(change: NodeChange): boolean;
}

/** @param podsOn all pods that are bound to a node; given with `controller-legacy` placement only. */
export function nodePlacer(
  daemonSet: DaemonSet,
  podsOn: ((node: string) => readonly Pod[]) | undefined,
): NodePlacer {
  const spec = daemonSet.spec.template.spec!;
  const { uid } = daemonSet.metadata;
  const rule = placementRule(spec);
  const watchesReach = maxUnreachableOf(daemonSet) !== undefined;
  const withRoom = (node: Node): PlacerAnswer => {
    const basic = rule.place(node);
    if (podsOn === undefined) return { placement: basic };
    const others = podsOn(node.metadata.name ?? "").filter((pod) => controllerOf(pod)?.uid !== uid);
    return legacyAnswer(spec, node, { basic, others });
  };
  const withReach = (node: Node): PlacerAnswer => {
    const { placement, refusal } = withRoom(node);
    return isUnreachable(node)
      ? { placement: { ...placement, isUnreachable: true }, refusal }
      : { placement, refusal };
  };
  const room = podsOn === undefined ? "" : legacyFingerprint(spec);
  return {
    fingerprint: [rule.fingerprint, room, watchesReach].join("\n"),
    place: watchesReach ? withReach : withRoom,
    isConcernedBy: (change) => rule.isConcernedBy(change) || (watchesReach && change.isReach),
  };
}
