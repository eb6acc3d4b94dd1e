/**
/**
 * What the server sets when a pod is written or deleted: the first status, addresses, the grace period.
 * Not here: defaults (pod.ts), validation.ts; priority, service account, default tolerations (apiserver/admission-plugins).
 * Upstream: kubernetes v1.35, pkg/registry/core/pod/strategy.go.
 */
import type { Draft } from "../../../machinery/index.ts";
import type { Pod, PodSpec } from "../../generated/types.gen.ts";
import { qosClass } from "./requests.ts";

export function preparePodForCreate(pod: Draft<Pod>): void {
  const { spec } = pod;
  pod.status = { phase: "Pending", qosClass: qosClass(spec as PodSpec) };
  const gated = (spec.schedulingGates ?? []).length > 0;
  if (gated) {
    const message = "Scheduling is blocked due to non-empty scheduling gates";
    const never = { lastProbeTime: null, lastTransitionTime: null };
    const told = { type: "PodScheduled", status: "False", reason: "SchedulingGated", message };
    pod.status.conditions = [{ ...told, ...never }];
  }
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

/** Seconds of the longest grace period, 68 years: longer ones would end beyond the calendar that times are written in. */
const graceSecondsMax = 2 ** 31 - 1;

/** Nobody has to stop a pod that never reached a node or has run to its end. */
export function graceSeconds({ spec, status }: Pod, asked: number | undefined): number {
  const seconds = asked ?? spec?.terminationGracePeriodSeconds ?? 0;
  const phase = status?.phase;
  if (!spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  return seconds < 0 ? 1 : Math.min(seconds, graceSecondsMax);
}
