/**
 * Warnings about pods and templates that are valid but not what their author expects.
 * Upstream: kubernetes v1.35, pkg/api/pod/warnings.go; a selection of what people meet.
 */
import { childPath, dnsLabelErrors, indexPath, keyPath } from "../../machinery/index.ts";
import type { Container, Pod, PodSpec, PodTemplateSpec } from "../generated/types.gen.ts";

/** Node labels that have other names by now. */
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

function specWarnings(path: string, spec: PodSpec): string[] {
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

function annotationWarnings(
  path: string,
  annotations: Readonly<Record<string, string>> | undefined,
): string[] {
  if (annotations === undefined || !Object.hasOwn(annotations, criticalPodAnnotation)) return [];
  const at = keyPath(childPath(path, "metadata.annotations"), criticalPodAnnotation);
  return [`${at}: non-functional in v1.16+; use the "priorityClassName" field instead`];
}

export function templateWarnings(path: string, template: PodTemplateSpec): readonly string[] {
  const own = annotationWarnings(path, template.metadata?.annotations);
  return [...own, ...specWarnings(childPath(path, "spec"), template.spec)];
}

export function podWarnings(pod: Pod): readonly string[] {
  const name = pod.metadata.name ?? "";
  const texts = dnsLabelErrors(name);
  const nameText =
    "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  const own = texts.length === 0 ? [] : [`metadata.name: ${nameText}: [${texts.join(" ")}]`];
  return [...own, ...annotationWarnings("", pod.metadata.annotations), ...specWarnings("spec", pod.spec)];
}
