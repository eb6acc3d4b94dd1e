/**
 * Nodes that are not heard of, for DaemonSets that ask to have some of them passed over in a roll-out (23.16). Pure.
 * Not here: what is passed over (slot-view.ts), how many (rolling-update.ts).
 * Upstream has no such thing: there each of them uses up maxUnavailable.
 */
import type { DaemonSet, Node } from "../../api/index.ts";
import type { IntOrString } from "../../machinery/index.ts";

/** On a DaemonSet: how many nodes, or what share of the desired ones, may be passed over. */
export const maxUnreachableAnnotation = "lares.dev/max-unreachable";

/** The annotation's value; undefined when it is absent or neither a number from 0 on nor a percentage up to 100. */
export function maxUnreachableOf({ metadata }: DaemonSet): IntOrString | undefined {
  const text = metadata.annotations?.[maxUnreachableAnnotation] ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  return /^(100|[0-9]{1,2})%$/.test(text) ? text : undefined;
}

/** The node life cycle has lost sight of it. A node that says itself that it is not ready can still be worked on. */
export function isUnreachable({ status }: Node): boolean {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status === "Unknown";
}
