/**
 * Should this object go, and how? Pure: what is known of its owners in, one decision out.
 *
 *   an owner is there            stays; references to absent owners are dropped
 *   an owner waits for it        goes (foreground if it has dependents itself)
 *   all owners absent            goes, by the policy that its own finalizers ask for
 *   an owner was orphaned        stays; the reference is dropped
 *   an owner cannot be judged    stays
 *
 * Invariant I12 rests on the caller: an owner is `absent` only if the server said so after the reference was seen.
 * Upstream: kubernetes v1.35, pkg/controller/garbagecollector/garbagecollector.go (attemptToDeleteItem).
 * Invariants by number: docs/spec/invariants.md.
 */
import type { KubeObject, OwnerReference } from "../../machinery/index.ts";

/**
 * `waiting`: in foreground deletion. `orphaned`: gone, and its dependents were to stay. `unjudged`: its kind is not
 * known here, or it cannot be an owner of this object at all.
 */
export type OwnerState = "present" | "waiting" | "absent" | "orphaned" | "unjudged";

export interface Snapshot {
  readonly object: KubeObject;
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[];
  readonly hasDependents: boolean;
  /** One of its dependents waits for its own dependents: perhaps for this very object. */
  readonly hasWaitingDependent: boolean;
}

type Policy = "Background" | "Foreground" | "Orphan";

export type Decision =
  | { readonly do: "keep" }
  | { readonly do: "drop-references"; readonly uids: readonly string[] }
  | { readonly do: "delete"; readonly policy: Policy; readonly unblockOwners: boolean };

const keep: Decision = { do: "keep" };

export function plan({ object, owners, hasDependents, hasWaitingDependent }: Snapshot): Decision {
  if (owners.length === 0) return keep;
  const uidsOf = (...states: readonly OwnerState[]): string[] =>
    owners.filter(({ state }) => states.includes(state)).map(({ reference }) => reference.uid);
  if (owners.some(({ state }) => state === "unjudged")) return keep;
  if (owners.some(({ state }) => state === "present")) {
    const uids = uidsOf("waiting", "absent", "orphaned");
    return uids.length === 0 ? keep : { do: "drop-references", uids };
  }
  if (owners.some(({ state }) => state === "orphaned")) {
    return { do: "drop-references", uids: uidsOf("waiting", "absent", "orphaned") };
  }
  if (owners.some(({ state }) => state === "waiting") && hasDependents) {
    return { do: "delete", policy: "Foreground", unblockOwners: hasWaitingDependent };
  }
  return { do: "delete", policy: ownPolicy(object), unblockOwners: false };
}

/** Finalizers that a user set beforehand say what shall happen to the object's own dependents. */
function ownPolicy(object: KubeObject): Policy {
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes("orphan")) return "Orphan";
  return finalizers.includes("foregroundDeletion") ? "Foreground" : "Background";
}
