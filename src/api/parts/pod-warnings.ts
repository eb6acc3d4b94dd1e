/**
 * Warnings about pods and templates that are valid but not what their author expects.
 * Upstream: kubernetes v1.35, pkg/api/pod/warnings.go. Differs: only the warnings that people meet are here.
 */
import { childPath, indexPath, keyPath } from "../../machinery/index.ts";
import type { Container, PodSpec } from "../generated/types.gen.ts";

/** Deprecated node labels, and the labels that replace them. */
const renamedLabels: ReadonlyMap<string, string> = new Map([
  ["beta.kubernetes.io/arch", "kubernetes.io/arch"],
  ["beta.kubernetes.io/os", "kubernetes.io/os"],
  ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"],
  ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"],
]);

function labelWarning(path: string, key: string): string[] {
  const better = renamedLabels.get(key);
  return better === undefined ? [] : [`${path}: deprecated since v1.14; use "${better}" instead`];
}

function containerWarnings(path: string, container: Container): string[] {
  const warnings: string[] = [];
  const seen = new Set<string>();
  for (const [index, { name }] of (container.env ?? []).entries()) {
    if (seen.has(name)) {
      const at = indexPath(childPath(path, "env"), index);
      warnings.push(`${at}: hides previous definition of "${name}", which may be dropped when using apply`);
    }
    seen.add(name);
  }
  return warnings;
}

export function specWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    warnings.push(...labelWarning(keyPath(childPath(path, "nodeSelector"), key), key));
  }
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const termsPath = childPath(
    path,
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
  );
  for (const [index, term] of (terms ?? []).entries()) {
    for (const [at, { key }] of (term.matchExpressions ?? []).entries()) {
      const expression = indexPath(childPath(indexPath(termsPath, index), "matchExpressions"), at);
      warnings.push(
        ...labelWarning(childPath(expression, "key"), key).map((text) => text.replace(": ", `: ${key} is `)),
      );
    }
  }
  for (const [index, { name = "" }] of (spec.imagePullSecrets ?? []).entries()) {
    const at = childPath(indexPath(childPath(path, "imagePullSecrets"), index), "name");
    if (name === "") warnings.push(`${at}: invalid empty name ""`);
  }
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    warnings.push(...containerWarnings(indexPath(childPath(path, "initContainers"), index), container));
  }
  for (const [index, container] of (spec.containers ?? []).entries()) {
    warnings.push(...containerWarnings(indexPath(childPath(path, "containers"), index), container));
  }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const text = "must be >= 0; negative values are invalid and will be treated as 1";
    warnings.push(`${childPath(path, "terminationGracePeriodSeconds")}: ${text}`);
  }
  return warnings;
}

const criticalPodAnnotation = "scheduler.alpha.kubernetes.io/critical-pod";

export function annotationWarnings(
  path: string,
  annotations: Readonly<Record<string, string>> | undefined,
): string[] {
  if (annotations === undefined || !Object.hasOwn(annotations, criticalPodAnnotation)) return [];
  const at = keyPath(childPath(path, "metadata.annotations"), criticalPodAnnotation);
  return [`${at}: non-functional in v1.16+; use the "priorityClassName" field instead`];
}
