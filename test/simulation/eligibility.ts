/**
 * Where a daemon pod should run, said anew for the checker: docs/spec/daemonset-controller.md#7 and #8.2, as far as scripts
 * go. No code of the controller or of the API is used.
 */
import type { DaemonSet, Node, Taint, Toleration } from "../../src/api/index.ts";

export interface Eligibility {
  readonly shouldRun: boolean;
  readonly shouldContinue: boolean;
}

const nowhere: Eligibility = { shouldRun: false, shouldContinue: false };

/** What every daemon pod tolerates, by key and effect. */
const tolerated: readonly (readonly [key: string, effect: string])[] = [
  ["not-ready", "NoExecute"],
  ["unreachable", "NoExecute"],
  ["disk-pressure", "NoSchedule"],
  ["memory-pressure", "NoSchedule"],
  ["pid-pressure", "NoSchedule"],
  ["unschedulable", "NoSchedule"],
];

/** @throws when the template asks for what no script has, and nothing here knows. */
export function eligibility(daemonSet: DaemonSet, { metadata, spec }: Node): Eligibility {
  const pod = daemonSet.spec.template.spec!;
  if (pod.affinity?.nodeAffinity !== undefined || pod.hostNetwork === true)
    throw new Error("the checker does not know node affinity and host networks");
  if (pod.nodeName !== undefined && pod.nodeName !== metadata.name) return nowhere;
  const labels = metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.nodeSelector ?? {}))
    if (labels[key] !== value) return nowhere;
  const effects = (spec.taints ?? [])
    .filter((taint) => !isTolerated(taint, pod.tolerations ?? []))
    .map(({ effect }) => effect);
  if (effects.includes("NoExecute")) return nowhere;
  return { shouldRun: !effects.includes("NoSchedule"), shouldContinue: true };
}

function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  const isDefault = tolerated.some(
    ([key, effect]) => taint.key === `node.kubernetes.io/${key}` && taint.effect === effect,
  );
  return isDefault || tolerations.some((toleration) => tolerates(toleration, taint));
}

function tolerates(
  { key = "", operator = "Equal", value = "", effect = "" }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (operator === "Exists") return key === "" || key === taint.key;
  return operator === "Equal" && key === taint.key && value === (taint.value ?? "");
}
