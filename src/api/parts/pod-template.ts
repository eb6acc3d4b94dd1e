/**
 * A pod template inside another object: its defaults, what is valid, its warnings, and the selector that must match it.
 * Used by DaemonSets, Deployments, ReplicaSets, StatefulSets, Jobs, CronJobs and ReplicationControllers.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go
 * (ValidatePodTemplateSpec), pkg/apis/apps/validation/validation.go, pkg/api/pod/warnings.go.
 */
import {
  childPath,
  type Draft,
  type FieldError,
  forbiddenField,
  invalidValue,
  isBadRequest,
  type LabelSelector,
  required,
  selectorFromLabelSelector,
} from "../../machinery/index.ts";
import type { PodTemplateSpec } from "../generated/types.gen.ts";
import { addAll, checkImmutable, checkNotNegative, type Errors } from "./checks.ts";
import { checkAnnotations, checkLabels } from "./metadata.ts";
import { checkPodSpec, setPodSpecDefaults } from "./pod-spec.ts";
import { checkLabelSelector } from "./selectors.ts";

/** A template gets no host ports, requests or service links: those are defaults of pods alone. */
export function setPodTemplateDefaults(template: Draft<PodTemplateSpec>): void {
  template.metadata ??= {};
  template.spec ??= { containers: [] };
  setPodSpecDefaults(template.spec);
}

/** Paths name labels and annotations without `metadata`, as upstream does. */
export function validatePodTemplate(field: string, template: PodTemplateSpec): readonly FieldError[] {
  const errors = checkLabels(childPath(field, "labels"), template.metadata?.labels);
  addAll(errors, checkAnnotations(childPath(field, "annotations"), template.metadata?.annotations));
  addAll(errors, checkPodSpec(childPath(field, "spec"), template.spec, { isPod: false }));
  if ((template.spec.ephemeralContainers ?? []).length > 0) {
    const path = childPath(field, "spec", "ephemeralContainers");
    errors.push(forbiddenField(path, "ephemeral containers not allowed in pod template"));
  }
  return errors;
}

/** The selector must match the labels of the template. A selector that cannot be parsed is no error here. */
export function checkSelectorMatches(
  field: string,
  selector: LabelSelector | null | undefined,
  template: PodTemplateSpec | undefined,
): FieldError[] {
  const labels = template?.metadata?.labels;
  try {
    if (selectorFromLabelSelector(selector).matches(labels)) return [];
  } catch (error) {
    // checkLabelSelector reports the selector itself.
    if (isBadRequest(error)) return [];
    throw error;
  }
  return [invalidValue(field, labels ?? null, "`selector` does not match template `labels`")];
}

/** An empty selector is there and matches every pod. */
export function isEmptySelector(selector: LabelSelector | null | undefined): boolean {
  if (selector === undefined || selector === null) return false;
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}

interface TemplateOwner {
  readonly spec: {
    readonly selector?: LabelSelector;
    readonly template?: PodTemplateSpec;
    readonly replicas?: number;
  };
}

/** Deployments, ReplicaSets and StatefulSets: enough that a controller could act on them. */
export function validateTemplateOwner(object: TemplateOwner): Errors {
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

export function validateTemplateOwnerUpdate(object: TemplateOwner, before: TemplateOwner): Errors {
  return [
    ...checkImmutable("spec.selector", object.spec.selector, before.spec.selector),
    ...validateTemplateOwner(object),
  ];
}
