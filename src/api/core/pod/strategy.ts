/**
 * What the server sets when a pod is written: the first status, default tolerations, addresses.
 * Not here: defaults (pod.ts), validation.ts, priority and service account (apiserver/admission).
 * Upstream: kubernetes v1.35, pkg/registry/core/pod/strategy.go, plugin/pkg/admission/defaulttolerationseconds.
 */
import type { Draft } from "../../../machinery/index.ts";
import type { Pod, PodSpec, Toleration } from "../../generated/types.gen.ts";
import { qosClass } from "./requests.ts";

/** Seconds that a pod stays on a node that is not ready or cannot be reached. 300 as upstream. */
const notReadyTolerationSeconds = 300;

function tolerates(tolerations: readonly Toleration[], key: string): boolean {
  return tolerations.some(
    (toleration) =>
      (!toleration.key || toleration.key === key) &&
      (!toleration.effect || toleration.effect === "NoExecute"),
  );
}

/** Adds a toleration for each of the two taints that the pod says nothing of. */
function addDefaultTolerations(spec: Draft<PodSpec>): void {
  const given = spec.tolerations ?? [];
  const added: Draft<Toleration>[] = [];
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    if (tolerates(given, key)) continue;
    added.push({
      key,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: notReadyTolerationSeconds,
    });
  }
  if (added.length > 0) spec.tolerations = [...given, ...added];
}

export function preparePodForCreate(pod: Draft<Pod>): void {
  const { spec } = pod;
  addDefaultTolerations(spec);
  pod.status = { phase: "Pending", qosClass: qosClass(spec as PodSpec) };
  const gated = (spec.schedulingGates ?? []).length > 0;
  if (gated) {
    const message = "Scheduling is blocked due to non-empty scheduling gates";
    pod.status.conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated", message }];
  }
}

export function preparePodForUpdate(pod: Draft<Pod>): void {
  addDefaultTolerations(pod.spec);
}

export function preparePodForStatusUpdate(pod: Draft<Pod>, before: Pod): void {
  const status = (pod.status ??= {});
  if (!status.qosClass && before.status?.qosClass !== undefined) status.qosClass = before.status.qosClass;
  if (!status.phase && before.status?.phase !== undefined) status.phase = before.status.phase;
  setPodIps(status);
}

/** `podIP` and `podIPs[0]` are the same address, so the one that is given sets the other. So do the addresses of the host. */
function setPodIps(status: NonNullable<Draft<Pod>["status"]>): void {
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP && first === undefined) status.podIPs = [{ ip: status.podIP }];
  else if (!status.podIP && first !== undefined) status.podIP = first;
  const firstHost = status.hostIPs?.[0]?.ip;
  if (status.hostIP && firstHost === undefined) status.hostIPs = [{ ip: status.hostIP }];
  else if (!status.hostIP && firstHost !== undefined) status.hostIP = firstHost;
}
