/**
 * The index by which the caches answer "what may be this DaemonSet's": its own objects by its UID, and the objects
 * without controller by namespace.
 * Not here: who really is an owner (claim.ts).
 */
import { controllerOf, type KubeObject } from "../../machinery/index.ts";

/** Name of the index of pods and revisions by owner; see `ownerIndexValues`. */
export const ownerIndex = "daemonset-controller/owner";

/** Files an object under its DaemonSet's UID, or under its namespace while it has no controller. */
export function ownerIndexValues(object: KubeObject): readonly string[] {
  const controller = controllerOf(object);
  if (controller !== undefined) return controller.kind === "DaemonSet" ? [controller.uid] : [];
  return [orphansOf(object.metadata.namespace ?? "")];
}

export function orphansOf(namespace: string): string {
  return `orphans of ${namespace}`;
}
