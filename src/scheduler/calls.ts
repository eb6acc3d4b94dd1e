/**
 * What the scheduler tells the server about one pod: its binding, or why it has none, or that it goes for another, with the events.
 * Not here: decisions. Upstream: kubernetes v1.35, pkg/scheduler/schedule_one.go (handleSchedulingFailure, bind),
 * framework/preemption (PreemptPod).
 */
import type { Clock, Log } from "../base/index.ts";
import { type Pod, podCondition, pods } from "../api/index.ts";
import type { Client, EventRecorder } from "../client/index.ts";
import { formatTime, isConflict, isNotFound, keyOf, type ObjectMeta } from "../machinery/index.ts";

export interface CallDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly recorder: EventRecorder;
}

/** @throws what the server answers; nothing was recorded then. */
export async function bindPod({ client, recorder }: CallDependencies, pod: Pod, node: string): Promise<void> {
  const { name = "", namespace = "", uid } = pod.metadata;
  const metadata: ObjectMeta = { name, namespace, ...(uid === undefined ? {} : { uid }) };
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata,
    target: { apiVersion: "v1", kind: "Node", name: node },
  };
  await client.createSubresource(pods, { name, namespace, subresource: "binding" }, binding);
  recorder.event(pod, "Normal", "Scheduled", `Successfully assigned ${keyOf(pod)} to ${node}`);
}

export interface Unschedulable {
  readonly message: string;
  /** The node on which room is made for the pod; null when there is none any more. Absent means that it stays as it is. */
  readonly nominatedNodeName?: string | null;
}

/** Event and condition for a pod that no node suits. Never rejects: the next try says it again. */
export async function reportUnschedulable(
  calls: CallDependencies,
  pod: Pod,
  { message, nominatedNodeName }: Unschedulable,
): Promise<void> {
  calls.recorder.event(pod, "Warning", "FailedScheduling", message);
  const nominated = pod.status?.nominatedNodeName || null;
  await setNotScheduled(calls, pod, {
    condition: { reason: "Unschedulable", message },
    ...(nominatedNodeName === undefined || nominatedNodeName === nominated ? {} : { nominatedNodeName }),
  });
}

/** The pod goes, with its own grace period, because one of higher priority needs its room. @throws what the server answers. */
export async function preemptPod(
  { client, clock, recorder }: CallDependencies,
  { preemptor, victim, node }: { readonly preemptor: Pod; readonly victim: Pod; readonly node: string },
): Promise<void> {
  const { name = "", namespace = "", uid, generation } = victim.metadata;
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "PreemptionByScheduler",
    message: `${preemptor.spec.schedulerName ?? "default-scheduler"}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: formatTime(clock.nowMs()),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  try {
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    await client.patch(pods, { name, namespace, subresource: "status" }, { type: "strategic", body });
    await client.delete(pods, { name, namespace }, uid === undefined ? {} : { preconditions: { uid } });
  } catch (error) {
    // It is gone, or another one by now.
    if (isNotFound(error) || isConflict(error)) return;
    throw error;
  }
  const message = `Preempted by pod ${preemptor.metadata.uid ?? ""} on node ${node}`;
  recorder.event(victim, "Normal", "Preempted", message);
}

/** Condition for a pod that must not be scheduled yet; servers usually set it themselves. Never rejects. */
export async function reportGated(calls: CallDependencies, pod: Pod): Promise<void> {
  const message = "Scheduling is blocked due to non-empty scheduling gates";
  await setNotScheduled(calls, pod, { condition: { reason: "SchedulingGated", message } });
}

interface NotScheduled {
  readonly condition: { readonly reason: string; readonly message: string };
  readonly nominatedNodeName?: string | null;
}

async function setNotScheduled(
  calls: CallDependencies,
  pod: Pod,
  { condition: why, ...nomination }: NotScheduled,
): Promise<void> {
  const before = podCondition(pod, "PodScheduled");
  const isSaid = before?.status === "False" && before.reason === why.reason && before.message === why.message;
  if (isSaid && nomination.nominatedNodeName === undefined) return;
  const lastTransitionTime =
    (before?.status === "False" && before.lastTransitionTime) || formatTime(calls.clock.nowMs());
  const { generation } = pod.metadata;
  const condition = {
    type: "PodScheduled",
    status: "False",
    ...why,
    lastProbeTime: null,
    lastTransitionTime,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  const { client, log } = calls;
  const { name = "", namespace = "", uid } = pod.metadata;
  const body = { metadata: { uid }, status: { conditions: [condition], ...nomination } };
  try {
    await client.patch(pods, { name, namespace, subresource: "status" }, { type: "strategic", body });
  } catch (error) {
    if (!isNotFound(error)) log.warn("pod condition not written", { pod: keyOf(pod), error: String(error) });
  }
}
