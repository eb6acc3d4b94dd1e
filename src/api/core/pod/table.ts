/**
 * The row of a pod: what `kubectl get pods` shows. The Status cell condenses phase, conditions and container states.
 * Upstream: kubernetes v1.35, pkg/printers/internalversion/printers.go, printPod.
 */
import { parseTimeMs } from "../../../machinery/index.ts";
import type { Container, ContainerStateTerminated, ContainerStatus, Pod } from "../../generated/types.gen.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf, orNone, since, wide } from "../../parts/columns.ts";
import type { TableLayout } from "../../parts/kinds.ts";

/** Restarts with the time of the latest one. */
interface Restarts {
  count: number;
  lastMs: number;
  last: string | undefined;
}

interface Progress {
  reason: string;
  ready: number;
  readonly all: Restarts;
  readonly sidecars: Restarts;
}

const noRestarts = (): Restarts => ({ count: 0, lastMs: -Infinity, last: undefined });

function countRestarts(into: Restarts, status: ContainerStatus): void {
  into.count += status.restartCount ?? 0;
  const finishedAt = status.lastState?.terminated?.finishedAt ?? undefined;
  const ms = finishedAt === undefined ? undefined : parseTimeMs(finishedAt);
  if (ms !== undefined && ms > into.lastMs) {
    into.lastMs = ms;
    into.last = finishedAt;
  }
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((entry) => entry.type === type && entry.status === "True") ?? false;
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === "Always";

function endReason(terminated: ContainerStateTerminated): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** @returns true while an init container has still to end, or a sidecar has still to start. */
function readInitStatuses(pod: Pod, progress: Progress): boolean {
  const specs = new Map((pod.spec.initContainers ?? []).map((container) => [container.name, container]));
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(specs.get(status.name));
    countRestarts(progress.all, status);
    if (sidecar) countRestarts(progress.sidecars, status);
    const terminated = status.state?.terminated;
    if (terminated?.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) progress.ready++;
      continue;
    }
    const waiting = status.state?.waiting?.reason;
    if (terminated !== undefined) progress.reason = `Init:${endReason(terminated)}`;
    else if (waiting && waiting !== "PodInitializing") progress.reason = `Init:${waiting}`;
    else progress.reason = `Init:${index}/${pod.spec.initContainers?.length ?? 0}`;
    return true;
  }
  return false;
}

/** Goes from the last container to the first, so the reason of the first one stays. A Completed hides no failure. */
function readStatuses(pod: Pod, progress: Progress): void {
  let hasRunning = false;
  let hasFailure = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(progress.sidecars, status);
    const { waiting, terminated, running } = status.state ?? {};
    if (waiting?.reason) progress.reason = waiting.reason;
    else if (terminated !== undefined) {
      if (terminated.exitCode === 0 && hasFailure) continue;
      hasFailure ||= terminated.exitCode !== 0;
      progress.reason = endReason(terminated);
    } else if (status.ready && running !== undefined) {
      hasRunning = true;
      progress.ready++;
    }
  }
  if (progress.reason === "Completed" && hasRunning) {
    progress.reason = hasCondition(pod, "Ready") ? "Running" : "NotReady";
  }
}

function firstReason(pod: Pod): string {
  const gated = pod.status?.conditions?.some(
    (entry) => entry.type === "PodScheduled" && entry.reason === "SchedulingGated",
  );
  return gated ? "SchedulingGated" : pod.status?.reason || pod.status?.phase || "";
}

function finalReason(pod: Pod, reason: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  if (pod.status?.reason === "NodeLost") return "Unknown";
  const phase = pod.status?.phase;
  return phase === "Succeeded" || phase === "Failed" ? reason : "Terminating";
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const met = gates.filter((gate) => hasCondition(pod, gate.conditionType)).length;
  return `${met}/${gates.length}`;
}

function cells(pod: Pod, nowMs: number): readonly (string | number)[] {
  const progress: Progress = {
    reason: firstReason(pod),
    ready: 0,
    all: noRestarts(),
    sidecars: noRestarts(),
  };
  const isInitializing = readInitStatuses(pod, progress);
  let restarts = progress.all;
  if (!isInitializing || hasCondition(pod, "Initialized")) {
    readStatuses(pod, progress);
    restarts = progress.sidecars;
  }
  const total = (pod.spec.containers ?? []).length + (pod.spec.initContainers ?? []).filter(isSidecar).length;
  const ago =
    restarts.count !== 0 && restarts.last !== undefined ? ` (${since(restarts.last, nowMs)} ago)` : "";
  return [
    nameOf(pod),
    `${progress.ready}/${total}`,
    finalReason(pod, progress.reason),
    `${restarts.count}${ago}`,
    ageOf(pod, nowMs),
    orNone(pod.status?.podIPs?.[0]?.ip),
    orNone(pod.spec.nodeName),
    orNone(pod.status?.nominatedNodeName),
    readinessGates(pod),
  ];
}

const endMessages: Readonly<Record<string, string>> = {
  Succeeded: "The pod has completed successfully.",
  Failed: "The pod failed.",
};

export const podTable: TableLayout<Pod> = {
  columns: [
    nameColumn,
    column("Ready", "Containers that are ready, of all that run for the pod's whole life."),
    column("Status", "What the pod is doing, or why it does not."),
    column("Restarts", "How often containers were restarted, and when last."),
    ageColumn,
    wide("IP", "First address of the pod."),
    wide("Node", "Node that the pod runs on."),
    wide("Nominated Node", "Node that is being cleared for the pod."),
    wide("Readiness Gates", "Gates that are open, of all that the pod names."),
  ],
  cells,
  conditions(pod) {
    const phase = pod.status?.phase ?? "";
    const message = endMessages[phase];
    return message === undefined
      ? undefined
      : [{ type: "Completed", status: "True", reason: phase, message }];
  },
};
