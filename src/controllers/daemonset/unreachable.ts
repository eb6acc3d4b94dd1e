/**
 * Nodes that are not heard of, for DaemonSets that ask to have some of them passed over in a roll-out
 * (docs/spec/daemonset-controller.md#23.16). Pure.
 * Not here: what is passed over (judge-slot.ts), how many (rolling-update.ts).
 * Upstream has no such thing: there each of them uses up maxUnavailable.
 */
import type { Node } from "../../api/index.ts";

/** The node life cycle has lost sight of it. A node that says itself that it is not ready can still be worked on. */
export function isUnreachable({ status }: Node): boolean {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status === "Unknown";
}
