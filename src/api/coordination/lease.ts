/**
 * Leases: who leads, and which nodes are alive. Not here: who takes and renews them (client, agent).
 * Upstream: kubernetes v1.35, pkg/registry/coordination/lease/strategy.go, pkg/apis/coordination/validation.
 */
import { type FieldError, invalidValue, type Resource } from "../../machinery/index.ts";
import type { Lease } from "../generated/types.gen.ts";
import { checkNotNegative, type Errors } from "../parts/checks.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

/** Of the Leases by which nodes say that they live. */
const nodeLeaseNamespace = "kube-node-lease";

export const leases: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  resource: "leases",
  kind: "Lease",
  namespaced: true,
};

export const leaseKind: Kind = defineKind({
  resource: leases,
  schema: "coordination.v1.Lease",
  needsResourceVersion: true,
  allowsCreateOnUpdate: true,
  rules: {
    validate: validateLease,
    validateUpdate: validateLease,
    // Renewals of nodes: thousands in each second, and nobody waits for them.
    mayWait: ({ metadata }) => metadata.namespace === nodeLeaseNamespace,
  },
  table: {
    columns: [nameColumn, column("Holder", "Who holds the lease."), ageColumn],
    cells: (object, nowMs) => [nameOf(object), object.spec?.holderIdentity ?? "", ageOf(object, nowMs)],
  },
});

function validateLease(lease: Lease): Errors {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalidValue("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
  }
  return [...errors, ...checkNotNegative("spec.leaseTransitions", leaseTransitions)];
}
