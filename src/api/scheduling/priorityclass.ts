/**
 * PriorityClasses. Not here: how a pod gets its priority (apiserver).
 * Upstream: kubernetes v1.35, pkg/apis/scheduling/v1/defaults.go, pkg/apis/scheduling/validation/validation.go,
 * pkg/printers/internalversion/printers.go (printPriorityClass).
 */
import { type FieldError, forbiddenField, notSupported, type Resource } from "../../machinery/index.ts";
import type { PriorityClass } from "../generated/types.gen.ts";
import { checkImmutable, type Errors } from "../parts/checks.ts";
import { ageColumn, ageOf, column, integerColumn, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const priorityclasses: Resource<PriorityClass> = {
  group: "scheduling.k8s.io",
  version: "v1",
  resource: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false,
};

export const priorityClassKind: Kind = defineKind({
  resource: priorityclasses,
  schema: "scheduling.v1.PriorityClass",
  shortNames: ["pc"],
  rules: {
    setDefaults(object) {
      object.preemptionPolicy ??= "PreemptLowerPriority";
    },
    // It never becomes another one.
    prepareForCreate(object) {
      object.metadata.generation = 1;
    },
    validate: validatePriorityClass,
    validateUpdate: validatePriorityClassUpdate,
  },
  table: {
    columns: [
      nameColumn,
      integerColumn("Value", "Priority of pods of this class."),
      {
        name: "Global-Default",
        type: "boolean",
        description: "Whether pods without a class get it.",
        priority: 0,
      },
      ageColumn,
      column("PreemptionPolicy", "Whether pods of this class make room for themselves."),
    ],
    cells: (object, nowMs) => [
      nameOf(object),
      object.value ?? 0,
      object.globalDefault ?? false,
      ageOf(object, nowMs),
      object.preemptionPolicy ?? "",
    ],
  },
});

/** The two classes that every cluster has. */
export const systemPriorities: ReadonlyMap<string, number> = new Map([
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

/** Highest value of a class that users make. Higher ones are kept for the system. */
const userPriorityMax = 1_000_000_000;
const preemptionPolicies: readonly string[] = ["PreemptLowerPriority", "Never"];

function validatePriorityClass(object: PriorityClass): Errors {
  const errors: FieldError[] = [];
  const name = object.metadata.name ?? "";
  const value = object.value ?? 0;
  if (name.startsWith("system-")) {
    if (systemPriorities.get(name) !== value) {
      const text = "priority class names with 'system-' prefix are reserved for system use only. error:";
      const cause = systemPriorities.has(name)
        ? `value of ${name} PriorityClass must be ${systemPriorities.get(name)}`
        : `${name} is not a known system priority class`;
      errors.push(forbiddenField("metadata.name", `${text} ${cause}`));
    }
  } else if (value > userPriorityMax) {
    errors.push(
      forbiddenField("value", `maximum allowed value of a user defined priority is ${userPriorityMax}`),
    );
  }
  const policy = object.preemptionPolicy;
  if (policy !== undefined && !preemptionPolicies.includes(policy)) {
    errors.push(notSupported("preemptionPolicy", policy, preemptionPolicies));
  }
  return errors;
}

function validatePriorityClassUpdate(object: PriorityClass, before: PriorityClass): Errors {
  const errors: FieldError[] = [];
  if ((object.value ?? 0) !== (before.value ?? 0)) {
    errors.push(forbiddenField("value", "may not be changed in an update."));
  }
  return [
    ...errors,
    ...checkImmutable("preemptionPolicy", object.preemptionPolicy, before.preemptionPolicy),
    ...validatePriorityClass(object),
  ];
}
