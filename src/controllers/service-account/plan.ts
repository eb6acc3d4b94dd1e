/**
 * Which service accounts a namespace lacks. Pure.
 * Not here: tokens. Upstream: kubernetes v1.35, pkg/controller/serviceaccount/serviceaccounts_controller.go.
 */
import type { Namespace, ServiceAccount } from "../../api/index.ts";

export interface Snapshot {
  readonly namespace: Namespace | undefined;
  /** Names wanted in every namespace. */
  readonly wanted: readonly string[];
  /** True when the namespace has a service account of this name. */
  readonly has: (name: string) => boolean;
}

/** Accounts to create, in the order wanted; none for a namespace that is going or gone. */
export function plan({ namespace, wanted, has }: Snapshot): readonly ServiceAccount[] {
  const name = namespace?.metadata.name;
  if (name === undefined || namespace?.metadata.deletionTimestamp !== undefined) return [];
  if (namespace?.status?.phase === "Terminating") return [];
  return wanted
    .filter((account) => !has(account))
    .map((account) => ({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { namespace: name, name: account },
    }));
}
