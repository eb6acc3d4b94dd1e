/**
 * The placement of nodes for one DaemonSet as it is now: the template's rule, room with `controller-legacy` placement, and
 * reach where the DaemonSet asked for it. A value that never changes: another template or annotation needs another one.
 * Not here: the rule itself (placement.ts), room (legacy-placement.ts), remembering answers (slots.ts, holds.ts).
 */
import { type DaemonSet, maxUnreachableOf, mayStayDespite, type Node, type Pod } from "../../api/index.ts";
import { controllerOf } from "../../machinery/index.ts";
import { legacyAnswer, legacyFingerprint, takenPorts } from "./legacy-placement.ts";
import { type NodeChange, placementRule } from "./placement.ts";
import type { Obstacle, RoomObstacle } from "./reasons.ts";
import type { Placement } from "./slots.ts";
import { isUnreachable } from "./unreachable.ts";

export interface PlacerAnswer {
  readonly placement: Placement;
  /** Why a node that wants a pod cannot take one. Never any but with `controller-legacy` placement. */
  readonly refusal: readonly RoomObstacle[];
}

export interface NodePlacer {
  /** Equal texts give equal answers for every node and its pods. */
  readonly fingerprint: string;
  place(node: Node): PlacerAnswer;
  /** Everything that keeps pods off the node, so that it does not want one. None for a node that wants one. */
  obstacles(node: Node): readonly Obstacle[];
  /** False when the answer for the node cannot have changed. */
  isConcernedBy(change: NodeChange): boolean;
}

const noObstacles: readonly RoomObstacle[] = [];

/** @param podsOn all pods that are bound to a node; given with `controller-legacy` placement only. */
export function nodePlacer(
  daemonSet: DaemonSet,
  podsOn: ((node: string) => readonly Pod[]) | undefined,
): NodePlacer {
  const spec = daemonSet.spec.template.spec!;
  const { uid } = daemonSet.metadata;
  const rule = placementRule(spec);
  const watchesReach = maxUnreachableOf(daemonSet) !== undefined;
  const othersOn = ({ metadata }: Node): readonly Pod[] =>
    (podsOn?.(metadata.name ?? "") ?? []).filter((pod) => controllerOf(pod)?.uid !== uid);
  const withRoom = (node: Node): PlacerAnswer => {
    const basic = rule.place(node);
    return podsOn === undefined
      ? { placement: basic, refusal: noObstacles }
      : legacyAnswer(spec, node, { basic, others: othersOn(node) });
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
    obstacles: (node) => [
      ...rule.obstacles(node).map((reason) => ({ reason, mayStay: mayStayDespite(reason) })),
      ...takenPorts(spec, othersOn(node)).map((reason) => ({ reason, mayStay: false })),
    ],
    isConcernedBy: (change) => rule.isConcernedBy(change) || (watchesReach && change.isReach),
  };
}
