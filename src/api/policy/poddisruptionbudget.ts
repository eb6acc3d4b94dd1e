/**
 * PodDisruptionBudgets. They are stored; no controller of ours counts their pods.
 * Not here: what an eviction asks of them (apiserver).
 * Upstream: kubernetes v1.35, pkg/apis/policy/validation/validation.go, pkg/printers/internalversion/printers.go.
 */
import {
  childPath,
  type FieldError,
  invalidValue,
  notSupported,
  type Resource,
} from "../../machinery/index.ts";
import type { PodDisruptionBudget } from "../generated/types.gen.ts";
import { addAll, checkIntOrPercent, type Errors } from "../parts/checks.ts";
import { ageColumn, ageOf, column, integerColumn, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { checkLabelSelector } from "../parts/selectors.ts";

export const poddisruptionbudgets: Resource<PodDisruptionBudget> = {
  group: "policy",
  version: "v1",
  resource: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
  namespaced: true,
};

export const podDisruptionBudgetKind: Kind = defineKind({
  resource: poddisruptionbudgets,
  schema: "policy.v1.PodDisruptionBudget",
  shortNames: ["pdb"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("PodDisruptionBudgets", "no deletion is held back"),
  rules: {
    prepareForCreate(object) {
      object.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    },
    validate: validatePodDisruptionBudget,
    validateUpdate: validatePodDisruptionBudget,
  },
  table: {
    columns: [
      nameColumn,
      column("Min Available", "Pods that must stay available."),
      column("Max Unavailable", "Pods that may be unavailable."),
      integerColumn("Allowed Disruptions", "Pods that may be evicted now."),
      ageColumn,
    ],
    cells: (object, nowMs) => [
      nameOf(object),
      String(object.spec.minAvailable ?? "N/A"),
      String(object.spec.maxUnavailable ?? "N/A"),
      object.status?.disruptionsAllowed ?? 0,
      ageOf(object, nowMs),
    ],
  },
});

const evictionPolicies: readonly string[] = ["AlwaysAllow", "IfHealthyBudget"];

function validatePodDisruptionBudget(object: PodDisruptionBudget): Errors {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = object.spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(invalidValue("spec", object.spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  addAll(errors, checkIntOrPercent(childPath("spec", "minAvailable"), minAvailable));
  addAll(errors, checkIntOrPercent(childPath("spec", "maxUnavailable"), maxUnavailable));
  if (policy !== undefined && !evictionPolicies.includes(policy)) {
    errors.push(notSupported("spec.unhealthyPodEvictionPolicy", policy, evictionPolicies));
  }
  return [...errors, ...checkLabelSelector("spec.selector", selector)];
}
