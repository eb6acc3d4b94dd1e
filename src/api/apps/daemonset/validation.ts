/**
 * What DaemonSets are valid, and what of them may change.
 * Not here: the template, which other kinds have too (parts/pod-template.ts).
 * Upstream: kubernetes v1.35, pkg/apis/apps/validation/validation.go, ValidateDaemonSet and its kin.
 */
import {
  childPath,
  type FieldError,
  forbiddenField,
  type IntOrString,
  invalidValue,
  notSupported,
  percentErrors,
  required,
} from "../../../machinery/index.ts";
import type {
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from "../../generated/types.gen.ts";
import {
  addAll,
  checkImmutable,
  checkIntOrPercent,
  checkNotNegative,
  type Errors,
} from "../../parts/checks.ts";
import { checkSelectorMatches, isEmptySelector, validatePodTemplate } from "../../parts/pod-template.ts";
import { checkLabelSelector } from "../../parts/selectors.ts";

/** A stored DaemonSet may keep a writable disk that a new one may not have. */
export function validateDaemonSetCreate(object: DaemonSet): Errors {
  return [...validateDaemonSet(object), ...checkReadOnlyDisks(object.spec)];
}

export function validateDaemonSetUpdate(object: DaemonSet, before: DaemonSet): Errors {
  return [
    ...checkImmutable("spec.selector", object.spec.selector, before.spec.selector),
    ...validateDaemonSet(object),
  ];
}

/** What holds for a DaemonSet at all times. */
function validateDaemonSet(object: DaemonSet): Errors {
  const { spec } = object;
  const errors = checkLabelSelector("spec.selector", spec.selector);
  addAll(errors, checkSelectorMatches("spec.template.metadata.labels", spec.selector, spec.template));
  if (isEmptySelector(spec.selector)) {
    errors.push(invalidValue("spec.selector", spec.selector, "empty selector is invalid for daemonset"));
  }
  addAll(errors, validatePodTemplate("spec.template", spec.template));
  const pod = spec.template.spec;
  if (pod.restartPolicy !== "Always") {
    errors.push(notSupported("spec.template.spec.restartPolicy", pod.restartPolicy ?? "", ["Always"]));
  }
  if (pod.activeDeadlineSeconds !== undefined) {
    const text = "activeDeadlineSeconds in DaemonSet is not Supported";
    errors.push(forbiddenField("spec.template.spec.activeDeadlineSeconds", text));
  }
  addAll(errors, checkNotNegative("spec.minReadySeconds", spec.minReadySeconds));
  addAll(errors, checkStrategy("spec.updateStrategy", spec.updateStrategy ?? {}));
  return [...errors, ...checkNotNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit)];
}

function checkStrategy(field: string, strategy: DaemonSetUpdateStrategy): FieldError[] {
  switch (strategy.type) {
    case "OnDelete":
      return [];
    case "RollingUpdate": {
      const path = childPath(field, "rollingUpdate");
      return strategy.rollingUpdate === undefined
        ? [required(path)]
        : checkRollingUpdate(path, strategy.rollingUpdate);
    }
    default:
      return [notSupported(field, strategy, ["RollingUpdate", "OnDelete"])];
  }
}

function checkRollingUpdate(field: string, rolling: RollingUpdateDaemonSet): FieldError[] {
  const { maxUnavailable, maxSurge } = rolling;
  const unavailablePath = childPath(field, "maxUnavailable");
  const surgePath = childPath(field, "maxSurge");
  const errors = checkIntOrPercent(unavailablePath, maxUnavailable);
  addAll(errors, checkIntOrPercent(surgePath, maxSurge));
  addAll(errors, checkAtMostAll(unavailablePath, maxUnavailable));
  addAll(errors, checkAtMostAll(surgePath, maxSurge));
  const hasUnavailable = amountOf(maxUnavailable) !== 0;
  const hasSurge = amountOf(maxSurge) !== 0;
  if (hasUnavailable && hasSurge) {
    errors.push(invalidValue(surgePath, maxSurge, "may not be set when maxUnavailable is non-zero"));
  } else if (!hasUnavailable && !hasSurge) {
    errors.push(required(unavailablePath, "cannot be 0 when maxSurge is 0"));
  }
  return errors;
}

function checkAtMostAll(field: string, value: IntOrString | undefined): FieldError[] {
  const isTooMuch = typeof value === "string" && amountOf(value) > 100;
  return isTooMuch ? [invalidValue(field, value, "must not be greater than 100%")] : [];
}

/** The number, or the number of the percentage. 0 for what is neither. */
function amountOf(value: IntOrString | undefined): number {
  if (typeof value === "number") return value;
  return value !== undefined && percentErrors(value).length === 0 ? Number(value.slice(0, -1)) : 0;
}

function checkReadOnlyDisks(spec: DaemonSetSpec): FieldError[] {
  return (spec.template.spec.volumes ?? []).flatMap((volume, index) => {
    if (volume.gcePersistentDisk === undefined || volume.gcePersistentDisk.readOnly) return [];
    const path = `spec.template.spec.volumes[${index}].gcePersistentDisk.readOnly`;
    const text =
      "must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only";
    return [invalidValue(path, false, text)];
  });
}

const counters = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
] as const;

export function validateDaemonSetStatusUpdate(object: DaemonSet, before: DaemonSet): Errors {
  const errors: FieldError[] = [];
  for (const name of counters) addAll(errors, checkNotNegative(`status.${name}`, object.status?.[name]));
  const collisions = object.status?.collisionCount;
  const stored = before.status?.collisionCount;
  if (stored !== undefined && (collisions ?? -1) < stored) {
    errors.push(invalidValue("status.collisionCount", collisions ?? 0, "cannot be decremented"));
  }
  return errors;
}
