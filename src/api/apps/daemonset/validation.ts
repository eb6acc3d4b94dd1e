/**
 * DaemonSets and ControllerRevisions in full; of other kinds with a pod template, the template and its selector.
 * Upstream: kubernetes v1.35, pkg/apis/apps/validation/validation.go.
 */
import {
  childPath,
  type FieldError,
  forbiddenField,
  type IntOrString,
  invalidValue,
  isBadRequest,
  type LabelSelector,
  notSupported,
  percentErrors,
  required,
  selectorFromLabelSelector,
} from "../../../machinery/index.ts";
import type {
  ControllerRevision,
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  PodTemplateSpec,
  ReplicationController,
  RollingUpdateDaemonSet,
} from "../../generated/types.gen.ts";
import {
  addAll,
  checkImmutable,
  checkNotNegative,
  type Errors,
  invalids,
  notNegativeText,
} from "../../parts/checks.ts";
import { validatePodTemplate } from "../../parts/pod-spec.ts";
import { checkLabelSelector } from "../../parts/selectors.ts";

function checkSelectorMatches(
  field: string,
  selector: LabelSelector | null | undefined,
  template: PodTemplateSpec | undefined,
): FieldError[] {
  const labels = template?.metadata?.labels;
  try {
    if (selectorFromLabelSelector(selector).matches(labels)) return [];
  } catch (error) {
    // The selector itself is at fault, and has been reported.
    if (isBadRequest(error)) return [];
    throw error;
  }
  return [invalidValue(field, labels ?? null, "`selector` does not match template `labels`")];
}

function isEmptySelector(selector: LabelSelector | null | undefined): boolean {
  if (selector === undefined || selector === null) return false;
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}

/** The number, or the percentage's number; 0 for what is neither. */
function amountOf(value: IntOrString | undefined): number {
  if (typeof value === "number") return value;
  return value !== undefined && percentErrors(value).length === 0 ? Number(value.slice(0, -1)) : 0;
}

export function checkIntOrPercent(field: string, value: IntOrString | undefined): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === "string") return invalids(field, value, percentErrors(value));
  return value < 0 ? [invalidValue(field, value, notNegativeText)] : [];
}

function checkAtMostAll(field: string, value: IntOrString | undefined): FieldError[] {
  const isTooMuch = typeof value === "string" && amountOf(value) > 100;
  return isTooMuch ? [invalidValue(field, value, "must not be greater than 100%")] : [];
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

function checkReadOnlyDisks(spec: DaemonSetSpec): FieldError[] {
  return (spec.template.spec.volumes ?? []).flatMap((volume, index) => {
    if (volume.gcePersistentDisk === undefined || volume.gcePersistentDisk.readOnly) return [];
    const path = `spec.template.spec.volumes[${index}].gcePersistentDisk.readOnly`;
    const text =
      "must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only";
    return [invalidValue(path, false, text)];
  });
}

/** What holds for a DaemonSet at all times. */
export function validateDaemonSet(object: DaemonSet): Errors {
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

/** What holds only for new DaemonSets: those that are stored may keep such a disk. */
export function validateDaemonSetCreate(object: DaemonSet): Errors {
  return checkReadOnlyDisks(object.spec);
}

export function validateDaemonSetUpdate(object: DaemonSet, before: DaemonSet): Errors {
  return checkImmutable("spec.selector", object.spec.selector, before.spec.selector);
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

export function validateControllerRevision(object: ControllerRevision): Errors {
  const errors: FieldError[] = [];
  if (object.data === undefined || object.data === null) errors.push(required("data", "data is mandatory"));
  return [...errors, ...checkNotNegative("revision", object.revision)];
}

export function validateControllerRevisionUpdate(
  object: ControllerRevision,
  before: ControllerRevision,
): Errors {
  return checkImmutable("data", object.data, before.data);
}

interface WithTemplate {
  readonly spec: {
    readonly selector?: LabelSelector;
    readonly template?: PodTemplateSpec;
    readonly replicas?: number;
  };
}

/** Deployments, ReplicaSets and StatefulSets: enough that a controller could act on them. */
export function validateTemplateOwner(object: WithTemplate): Errors {
  const { selector, template, replicas } = object.spec;
  const errors = checkNotNegative("spec.replicas", replicas);
  if (selector === undefined || selector === null) errors.push(required("spec.selector"));
  else {
    addAll(errors, checkLabelSelector("spec.selector", selector));
    if (isEmptySelector(selector)) {
      errors.push(invalidValue("spec.selector", selector, "empty selector is invalid"));
    }
    addAll(errors, checkSelectorMatches("spec.template.metadata.labels", selector, template));
  }
  if (template !== undefined) addAll(errors, validatePodTemplate("spec.template", template));
  return errors;
}

export function validateTemplateOwnerUpdate(object: WithTemplate, before: WithTemplate): Errors {
  return checkImmutable("spec.selector", object.spec.selector, before.spec.selector);
}

export function validateReplicationController(object: ReplicationController): Errors {
  const { selector, template, replicas } = object.spec;
  const errors = checkNotNegative("spec.replicas", replicas);
  if (Object.keys(selector ?? {}).length === 0) errors.push(required("spec.selector"));
  if (template === undefined) return [...errors, required("spec.template")];
  addAll(
    errors,
    checkSelectorMatches("spec.template.metadata.labels", { matchLabels: selector ?? {} }, template),
  );
  return [...errors, ...validatePodTemplate("spec.template", template)];
}
