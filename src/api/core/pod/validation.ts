/**
 * What pods are valid, and the little of a pod that may change.
 * Not here: the spec, which templates have too (parts/pod-spec.ts).
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go, ValidatePodCreate, ValidatePodUpdate,
 * ValidatePodStatusUpdate. Differs: the refusal of other changes does not print the difference.
 */
import {
  childPath,
  copyJson,
  type Draft,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import type { Container, ContainerStatus, Pod, PodSpec, Toleration } from "../../generated/types.gen.ts";
import { checkIp } from "../../parts/addresses.ts";
import { addAll, type Errors } from "../../parts/checks.ts";
import { activeDeadlineText, checkPodSpec, isActiveDeadline } from "../../parts/pod-spec.ts";

export function validatePodCreate(pod: Pod): Errors {
  const errors: FieldError[] = [];
  if ((pod.spec.ephemeralContainers ?? []).length > 0) {
    errors.push(forbiddenField("spec.ephemeralContainers", "cannot be set on create"));
  }
  if (pod.spec.nodeName && (pod.spec.schedulingGates ?? []).length > 0) {
    errors.push(forbiddenField("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return [...errors, ...validatePod(pod)];
}

export function validatePodUpdate(pod: Pod, before: Pod): Errors {
  return [...validateChange(pod, before), ...validatePod(pod)];
}

/** What holds for a pod at all times. */
function validatePod(pod: Pod): Errors {
  return checkPodSpec("spec", pod.spec, { isPod: true });
}

/** Errors of the change alone. The new pod itself is for validatePod. */
function validateChange(pod: Pod, before: Pod): Errors {
  const errors: FieldError[] = [];
  for (const field of ["containers", "initContainers"] as const) {
    if ((pod.spec[field] ?? []).length !== (before.spec[field] ?? []).length) {
      errors.push(forbiddenField(`spec.${field}`, "pod updates may not add or remove containers"));
      return errors;
    }
    for (const [index, container] of (pod.spec[field] ?? []).entries()) {
      if (!container.image) errors.push(required(childPath(indexPath(`spec.${field}`, index), "image")));
    }
  }
  addAll(errors, checkDeadline(pod.spec.activeDeadlineSeconds, before.spec.activeDeadlineSeconds));
  addAll(errors, checkAddedTolerations(pod.spec.tolerations, before.spec.tolerations));
  addAll(errors, checkRemovedGates(pod.spec, before.spec));
  if (!semanticEqual(withoutAllowedChanges(pod.spec, before.spec), before.spec)) {
    errors.push(forbiddenField("spec", otherChangesText));
  }
  return errors;
}

const otherChangesText =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function checkDeadline(value: number | undefined, before: number | undefined): FieldError[] {
  const path = "spec.activeDeadlineSeconds";
  if (value === undefined) {
    return before === undefined
      ? []
      : [invalidValue(path, value, "must not update from a positive integer to nil value")];
  }
  if (!isActiveDeadline(value)) return [invalidValue(path, value, activeDeadlineText)];
  if (before === undefined || value <= before) return [];
  return [invalidValue(path, value, "must be less than or equal to previous value")];
}

/** Of a toleration that is there, only the seconds may change. New tolerations may be added. */
function checkAddedTolerations(
  tolerations: readonly Toleration[] | undefined,
  before: readonly Toleration[] | undefined,
): FieldError[] {
  const withoutSeconds = ({ tolerationSeconds: _seconds, ...rest }: Toleration): object => rest;
  const kept = (tolerations ?? []).map(withoutSeconds);
  const allKept = (before ?? []).every((old) => kept.some((one) => semanticEqual(one, withoutSeconds(old))));
  const text = "existing toleration can not be modified except its tolerationSeconds";
  return allKept ? [] : [forbiddenField("spec.tolerations", text)];
}

function checkRemovedGates(spec: PodSpec, before: PodSpec): FieldError[] {
  const known = new Set((before.schedulingGates ?? []).map((gate) => gate.name));
  return (spec.schedulingGates ?? [])
    .filter((gate) => !known.has(gate.name))
    .map((gate) => {
      const text = `only deletion is allowed, but found new scheduling gate '${gate.name}'`;
      return forbiddenField("spec.schedulingGates", text);
    });
}

function takeImages(into: Draft<Container>[] | undefined, from: readonly Container[] | undefined): void {
  for (const [index, container] of (into ?? []).entries()) {
    const image = from?.[index]?.image;
    if (image === undefined) delete container.image;
    else container.image = image;
  }
}

function keep(target: Draft<PodSpec>, source: PodSpec, field: keyof PodSpec): void {
  const members = target as Record<string, unknown>;
  if (source[field] === undefined) delete members[field];
  else members[field] = source[field];
}

/** The new spec with the old values of everything that may change. */
function withoutAllowedChanges(spec: PodSpec, before: PodSpec): PodSpec {
  const munged = copyJson(spec) as Draft<PodSpec>;
  takeImages(munged.containers, before.containers);
  takeImages(munged.initContainers, before.initContainers);
  for (const field of ["activeDeadlineSeconds", "tolerations", "schedulingGates"] as const)
    keep(munged, before, field);
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    keep(munged, before, "terminationGracePeriodSeconds");
  }
  // The scheduler does not look at a gated pod, so its placement may still be narrowed.
  if ((before.schedulingGates ?? []).length > 0) {
    const kept = Object.entries(before.nodeSelector ?? {}).every(
      ([key, value]) => spec.nodeSelector?.[key] === value,
    );
    if (kept) keep(munged, before, "nodeSelector");
    if (before.affinity === undefined) keep(munged, before, "affinity");
  }
  return munged as PodSpec;
}

/** A container that the restart policy does not restart stays terminated. */
function checkTransitions(
  field: string,
  states: { readonly now: readonly ContainerStatus[]; readonly before: readonly ContainerStatus[] },
  restartPolicy: string | undefined,
): FieldError[] {
  if (restartPolicy === "Always") return [];
  const errors: FieldError[] = [];
  for (const old of states.before) {
    const terminated = old.state?.terminated;
    if (terminated === undefined || (restartPolicy === "OnFailure" && terminated.exitCode !== 0)) continue;
    const index = states.now.findIndex((status) => status.name === old.name);
    if (index >= 0 && states.now[index]?.state?.terminated === undefined) {
      const text = "may not be transitioned to non-terminated state";
      errors.push(forbiddenField(childPath(indexPath(field, index), "state"), text));
    }
  }
  return errors;
}

export function validatePodStatusUpdate(pod: Pod, before: Pod): Errors {
  const states = { now: pod.status?.containerStatuses ?? [], before: before.status?.containerStatuses ?? [] };
  const errors = checkTransitions("status.containerStatuses", states, pod.spec.restartPolicy);
  for (const [index, { ip }] of (pod.status?.podIPs ?? []).entries()) {
    addAll(errors, checkIp(childPath(indexPath("status.podIPs", index), "ip"), ip));
  }
  for (const [index, { ip }] of (pod.status?.hostIPs ?? []).entries()) {
    addAll(errors, checkIp(childPath(indexPath("status.hostIPs", index), "ip"), ip));
  }
  return errors;
}
