/**
 * Users, groups, seccomp and the security context of a whole pod.
 * Upstream: kubernetes v1.35, pkg/apis/core/validation/validation.go, validatePodSpecSecurityContext.
 */
import {
  childPath,
  duplicateValue,
  type FieldError,
  indexPath,
  invalidValue,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { PodSpec, SeccompProfile } from "../generated/types.gen.ts";
import { addAll } from "./checks.ts";

const idMax = 2_147_483_647;

export function checkUserId(field: string, id: number): FieldError[] {
  return id >= 0 && id <= idMax ? [] : [invalidValue(field, id, `must be between 0 and ${idMax}, inclusive`)];
}

const seccompTypes: readonly string[] = ["Localhost", "RuntimeDefault", "Unconfined"];

export function checkSeccomp(field: string, profile: SeccompProfile | undefined): FieldError[] {
  if (profile === undefined) return [];
  if (!profile.type)
    return [required(childPath(field, "type"), "type is required when seccompProfile is set")];
  if (!seccompTypes.includes(profile.type))
    return [notSupported(childPath(field, "type"), profile.type, seccompTypes)];
  const path = childPath(field, "localhostProfile");
  if (profile.type === "Localhost") {
    return profile.localhostProfile === undefined
      ? [required(path, "must be set when seccomp type is Localhost")]
      : [];
  }
  return profile.localhostProfile === undefined
    ? []
    : [invalidValue(path, profile, "can only be set when seccomp type is Localhost")];
}

const sysctlName = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/;
const sysctlNameBytesMax = 253;

export function checkPodSecurity(field: string, spec: PodSpec): FieldError[] {
  const context = spec.securityContext;
  const errors: FieldError[] = [];
  if (context === undefined) return errors;
  for (const name of ["fsGroup", "runAsUser", "runAsGroup"] as const) {
    const id = context[name];
    if (id !== undefined) addAll(errors, checkUserId(childPath(field, name), id));
  }
  for (const [index, id] of (context.supplementalGroups ?? []).entries()) {
    addAll(errors, checkUserId(indexPath(childPath(field, "supplementalGroups"), index), id));
  }
  const seen = new Set<string>();
  for (const [index, sysctl] of (context.sysctls ?? []).entries()) {
    const path = childPath(indexPath(childPath(field, "sysctls"), index), "name");
    if (!sysctl.name) errors.push(required(path));
    else if (sysctl.name.length > sysctlNameBytesMax || !sysctlName.test(sysctl.name)) {
      const pattern = sysctlName.source.slice(1, -1);
      const text = `must have at most ${sysctlNameBytesMax} characters and match regex ^${pattern}$`;
      errors.push(invalidValue(path, sysctl.name, text));
    } else if (seen.has(sysctl.name)) errors.push(duplicateValue(path, sysctl.name));
    seen.add(sysctl.name);
  }
  for (const [name, allowed] of podChoices) {
    const value = context[name];
    if (value !== undefined && !allowed.includes(value)) {
      errors.push(notSupported(childPath(field, name), value, allowed));
    }
  }
  return [...errors, ...checkSeccomp(childPath(field, "seccompProfile"), context.seccompProfile)];
}

const podChoices: readonly (readonly [
  "fsGroupChangePolicy" | "supplementalGroupsPolicy",
  readonly string[],
])[] = [
  ["fsGroupChangePolicy", ["Always", "OnRootMismatch"]],
  ["supplementalGroupsPolicy", ["Merge", "Strict"]],
];
