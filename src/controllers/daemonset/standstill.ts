/**
 * Why nothing is decided for a DaemonSet now, before anything of it is looked at (docs/spec/daemonset-controller.md#5).
 * Not here: what a sync does about it (reconcile.ts).
 */
import type { DaemonSet } from "../../api/index.ts";
import type { Standstill } from "./reasons.ts";
import type { UnconfirmedWrites, WrittenResource } from "./unconfirmed-writes.ts";

/**
 * All reasons; a sync ends by the first one.
 * @param seen the newest version that each cache has seen.
 */
export function standstills(
  daemonSet: DaemonSet,
  writes: UnconfirmedWrites,
  seen: (resource: WrittenResource) => string,
): readonly Standstill[] {
  const found: Standstill[] = [];
  const behind = writes.behind(seen);
  if (behind !== undefined) found.push({ why: "CacheBehind", resource: behind });
  if (hasEmptySelector(daemonSet)) found.push({ why: "SelectsAllPods" });
  if (daemonSet.metadata.deletionTimestamp !== undefined) found.push({ why: "BeingDeleted" });
  if (writes.isGone(daemonSet.metadata.resourceVersion)) found.push({ why: "AlreadyGone" });
  return found;
}

function hasEmptySelector(daemonSet: DaemonSet): boolean {
  const { matchLabels, matchExpressions } = daemonSet.spec.selector ?? {};
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0;
}
