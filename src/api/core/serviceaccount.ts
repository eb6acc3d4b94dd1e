/**
 * ServiceAccounts. Not here: the account that every namespace has, and the account that a pod gets (apiserver).
 * Upstream: kubernetes v1.35, pkg/printers/internalversion/printers.go, printServiceAccount.
 */
import type { Resource } from "../../machinery/index.ts";
import type { ServiceAccount } from "../generated/types.gen.ts";
import { ageColumn, ageOf, integerColumn, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const serviceaccounts: Resource<ServiceAccount> = {
  group: "",
  version: "v1",
  resource: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};

const mountableSecrets = "kubernetes.io/enforce-mountable-secrets";

export const serviceAccountKind: Kind = defineKind({
  resource: serviceaccounts,
  schema: "core.v1.ServiceAccount",
  shortNames: ["sa"],
  deleteReturnsObject: true,
  rules: {
    warnings: ({ metadata }) =>
      metadata.annotations?.[mountableSecrets] === undefined
        ? []
        : [
            `metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
          ],
  },
  table: {
    columns: [
      nameColumn,
      integerColumn("Secrets", "Number of secrets that pods of the account may use."),
      ageColumn,
    ],
    cells: (object, nowMs) => [nameOf(object), object.secrets?.length ?? 0, ageOf(object, nowMs)],
  },
});
