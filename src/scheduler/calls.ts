/**
 * What the scheduler tells the server about one pod: its binding, or why it has none, with the events.
 * Not here: decisions. Upstream: kubernetes v1.35, pkg/scheduler/schedule_one.go (handleSchedulingFailure, bind).
 */
import type { Clock, Log } from "../base/index.ts";
import { type Pod, podCondition, pods } from "../api/index.ts";
import type { Client, EventRecorder } from "../client/index.ts";
import { formatTime, isNotFound, keyOf, type ObjectMeta } from "../machinery/index.ts";

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

/** Event and condition for a pod that no node suits. Never rejects: the next try says it again. */
export async function reportUnschedulable(calls: CallDependencies, pod: Pod, message: string): Promise<void> {
  calls.recorder.event(pod, "Warning", "FailedScheduling", message);
  await setNotScheduled(calls, pod, { reason: "Unschedulable", message });
}

/** Condition for a pod that must not be scheduled yet; servers usually set it themselves. Never rejects. */
export async function reportGated(calls: CallDependencies, pod: Pod): Promise<void> {
  const message = "Scheduling is blocked due to non-empty scheduling gates";
  await setNotScheduled(calls, pod, { reason: "SchedulingGated", message });
}

async function setNotScheduled(
  { client, clock, log }: CallDependencies,
  pod: Pod,
  why: { readonly reason: string; readonly message: string },
): Promise<void> {
  const before = podCondition(pod, "PodScheduled");
  if (before?.status === "False" && before.reason === why.reason && before.message === why.message) return;
  const lastTransitionTime =
    (before?.status === "False" && before.lastTransitionTime) || formatTime(clock.nowMs());
  const condition = {
    type: "PodScheduled",
    status: "False",
    ...why,
    lastProbeTime: null,
    lastTransitionTime,
  };
  const { name = "", namespace = "", uid } = pod.metadata;
  const body = { metadata: { uid }, status: { conditions: [condition] } };
  try {
    await client.patch(pods, { name, namespace, subresource: "status" }, { type: "strategic", body });
  } catch (error) {
    if (!isNotFound(error)) log.warn("pod condition not written", { pod: keyOf(pod), error: String(error) });
  }
}
