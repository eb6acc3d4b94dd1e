/**
 * The status that a kubelet would report for a pod at each stage of its life. Pure.
 * Not here: which stage follows when (pod-table.ts, container-table.ts), when it is written (status-manager.ts).
 */
import type {
  Container,
  ContainerState as StatusOfState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from "../../api/index.ts";
import { unreachable } from "../../base/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { PodRuntime } from "../runtime/pod-runtime.ts";
import { crashDelayMs } from "./back-off.ts";
import type { ContainerState } from "./container-table.ts";
import type { StartFailure } from "./start-attempt.ts";

/** What is shown: the state of the containers, unless the pod as a whole has failed. */
export type Stage = ContainerState | "failed";

export interface PodFacts {
  readonly stage: Stage;
  readonly nowMs: number;
  /** When the node first saw the pod. */
  readonly acceptedMs: number;
  /** When the present run of the containers began; only meaningful from "running" on. */
  readonly startedMs: number;
  readonly restarts: number;
  /** How the last run ended, once one did. */
  readonly lastExit?: { readonly exitCode: number; readonly finishedMs: number } | undefined;
  readonly isReady: boolean;
  /** Why the last attempt to start failed, as long as none has gone well. */
  readonly failure?: StartFailure | undefined;
  /** Why the pod as a whole has failed. */
  readonly verdict?: { readonly reason: string; readonly message: string } | undefined;
  readonly hostIP: string;
  readonly podIP?: string | undefined;
  /** Knows the ids of containers and images. */
  readonly runtime: Pick<PodRuntime, "containerID" | "imageID">;
}

/** The whole status; conditions that the node does not own stay as they were. */
export function podStatus(facts: PodFacts, pod: Pod): PodStatus {
  const { stage, hostIP, verdict } = facts;
  const isNetworked = stage === "running" || stage === "crashed" || stage === "stopped";
  const podIP = pod.spec?.hostNetwork === true ? hostIP : facts.podIP;
  const init = pod.spec?.initContainers ?? [];
  const qosClass = pod.status?.qosClass;
  return {
    phase: phaseOf(stage, pod),
    conditions: conditions(facts, pod),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(isNetworked && podIP !== undefined ? { podIP, podIPs: [{ ip: podIP }] } : {}),
    startTime: pod.status?.startTime ?? formatTime(facts.acceptedMs),
    ...(stage === "failed" && verdict !== undefined
      ? { reason: verdict.reason, message: verdict.message }
      : {}),
    ...(init.length === 0 ? {} : { initContainerStatuses: init.map((spec) => initStatus(facts, pod, spec)) }),
    containerStatuses: (pod.spec?.containers ?? []).map((spec) =>
      runsBesideFailedPull(facts, pod, spec)
        ? containerStatus({ ...facts, stage: "running", isReady: true }, pod, spec)
        : containerStatus(facts, pod, spec),
    ),
    ...(qosClass === undefined ? {} : { qosClass }),
  };
}

function phaseOf(stage: Stage, pod: Pod): string {
  if (stage === "failed") return "Failed";
  if (stage === "running" || stage === "crashed") return "Running";
  if (stage === "stopped") return pod.status?.phase === "Pending" ? "Pending" : "Running";
  return "Pending";
}

function containerStatus(facts: PodFacts, pod: Pod, spec: Container): ContainerStatus {
  const { stage, restarts } = facts;
  const { name, image = "" } = spec;
  const hasRun = stage === "running" || stage === "crashed" || stage === "failed" || stage === "stopped";
  const isRunning = stage === "running";
  const hadRunBefore = restarts > 0 || stage === "crashed";
  return {
    name,
    image,
    imageID: hasRun ? facts.runtime.imageID(pod.metadata.uid ?? "", image) : "",
    ...(hasRun ? { containerID: containerIdOf(facts, pod, spec) } : {}),
    ready: isRunning && facts.isReady,
    started: isRunning,
    restartCount: restarts,
    state: stateOf(facts, pod, spec),
    lastState:
      hadRunBefore && facts.lastExit !== undefined && stage !== "stopped"
        ? terminatedState(facts, pod, spec)
        : {},
  };
}

function containerIdOf(facts: PodFacts, pod: Pod, { name }: Container): string {
  return facts.runtime.containerID({ uid: pod.metadata.uid ?? "", name, attempt: facts.restarts });
}

function stateOf(facts: PodFacts, pod: Pod, spec: Container): StatusOfState {
  const { stage, failure } = facts;
  const { image = "" } = spec;
  const isInitialized = (pod.spec?.initContainers?.length ?? 0) === 0;
  const why = failure?.images.get(image) ?? failure?.text ?? "";
  switch (stage) {
    case "starting":
      return { waiting: { reason: isInitialized ? "ContainerCreating" : "PodInitializing" } };
    case "pull-failed":
      return { waiting: { reason: "ErrImagePull", message: why } };
    case "pull-back-off":
      return {
        waiting: {
          reason: "ImagePullBackOff",
          message: `Back-off pulling image "${image}": ErrImagePull: ${why}`,
        },
      };
    case "start-failed":
      return { waiting: { reason: failure?.reason ?? "CreateContainerError", message: why } };
    case "running":
      return { running: { startedAt: formatTime(facts.startedMs) } };
    case "crashed":
      return { waiting: { reason: "CrashLoopBackOff", message: crashText(pod, spec.name, facts.restarts) } };
    case "failed":
    case "stopped":
      return terminatedState(facts, pod, spec);
    default:
      return unreachable(stage, "stage");
  }
}

function terminatedState(facts: PodFacts, pod: Pod, spec: Container): StatusOfState {
  const { exitCode, finishedMs } = facts.lastExit ?? { exitCode: 0, finishedMs: facts.nowMs };
  return {
    terminated: {
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      startedAt: formatTime(facts.startedMs),
      finishedAt: formatTime(finishedMs),
      containerID: containerIdOf(facts, pod, spec),
    },
  };
}

function crashText({ metadata }: Pod, container: string, restarts: number): string {
  const { name = "", namespace = "", uid = "" } = metadata;
  const seconds = Math.round(crashDelayMs(Math.max(1, restarts)) / 1000);
  const delay = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `back-off ${delay} restarting failed container=${container} pod=${name}_${namespace}(${uid})`;
}

/** Init containers are not made yet: they are shown as done once the app containers were started. */
function initStatus(facts: PodFacts, pod: Pod, spec: Container): ContainerStatus {
  const { stage, startedMs } = facts;
  const isDone = stage === "running" || stage === "crashed" || stage === "failed" || stage === "stopped";
  const isSidecar = spec.restartPolicy === "Always";
  if (!isDone || isSidecar) return containerStatus(facts, pod, spec);
  const lastExit = { exitCode: 0, finishedMs: startedMs };
  return {
    ...containerStatus({ ...facts, stage: "stopped", restarts: 0, lastExit }, pod, spec),
    ready: true,
  };
}

/** A container whose image is there is shown as running beside one whose image is not; init containers go first, though. */
function runsBesideFailedPull(
  { stage, failure }: PodFacts,
  { spec }: Pod,
  { image = "" }: Container,
): boolean {
  const isPullStage = stage === "pull-failed" || stage === "pull-back-off";
  const hasInit = (spec?.initContainers?.length ?? 0) > 0;
  return isPullStage && !hasInit && failure?.images.has(image) !== true;
}

interface ConditionWish {
  readonly type: string;
  readonly isTrue: boolean;
  readonly reason?: string;
  readonly message?: string;
}

function condition(wish: ConditionWish, before: readonly PodCondition[], nowMs: number): PodCondition {
  const status = wish.isTrue ? "True" : "False";
  const old = before.find((one) => one.type === wish.type);
  const lastTransitionTime =
    old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : formatTime(nowMs);
  return {
    type: wish.type,
    status,
    lastTransitionTime,
    ...(wish.reason === undefined ? {} : { reason: wish.reason }),
    ...(wish.message === undefined ? {} : { message: wish.message }),
  };
}

function conditions(facts: PodFacts, pod: Pod): readonly PodCondition[] {
  const { stage } = facts;
  const before = pod.status?.conditions ?? [];
  const isUp = stage === "running" && facts.isReady;
  const names = (pod.spec?.containers ?? [])
    .filter((spec) => !runsBesideFailedPull(facts, pod, spec))
    .map(({ name }) => name)
    .join(" ");
  const why =
    stage === "failed"
      ? { reason: "PodFailed" }
      : { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` };
  const isInitialized = stage !== "starting" || (pod.spec?.initContainers?.length ?? 0) === 0;
  const wishes: readonly ConditionWish[] = [
    { type: "PodReadyToStartContainers", isTrue: stage !== "failed" },
    { type: "Initialized", isTrue: isInitialized },
    { type: "Ready", isTrue: isUp, ...(isUp ? {} : why) },
    { type: "ContainersReady", isTrue: isUp, ...(isUp ? {} : why) },
    { type: "PodScheduled", isTrue: true },
  ];
  const own = wishes.map((wish) => condition(wish, before, facts.nowMs));
  const foreign = before.filter((one) => !wishes.some((wish) => wish.type === one.type));
  return [...own, ...foreign];
}
