/**
 * The status that a kubelet would report for a pod at each stage of its life. Pure.
 * Not here: which stage follows when (pod-worker.ts).
 *
 *   starting ─▶ running ─▶ (ready)          stopped ─▶ gone
 *      │           └─▶ crashed ─▶ running
 *      └─▶ pull-failed ⇄ pull-back-off      failed
 */
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from "../../api/index.ts";
import { unreachable } from "../../base/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { askedPullErrorOf, pullErrorOf } from "../runtime/simulated/images.ts";
import { stableHex } from "../runtime/simulated/stable-hex.ts";

export type Stage =
  "starting" | "pull-failed" | "pull-back-off" | "running" | "crashed" | "failed" | "stopped";

export interface PodFacts {
  readonly nowMs: number;
  /** When the node first saw the pod. */
  readonly acceptedMs: number;
  /** When the present run of the containers began; only meaningful from "running" on. */
  readonly startedMs: number;
  readonly restarts: number;
  /** End of the last run, once there was one. */
  readonly finishedMs?: number;
  readonly isReady: boolean;
  /** While pulls fail: the images that cannot be had. Containers of other images run. */
  readonly badImages: ReadonlySet<string>;
  readonly exitCode: number;
  readonly hostIP: string;
  readonly podIP: string;
}

/** Exit code of a process that was ended by SIGKILL. */
export const killedExitCode = 137;

function reasonOfExit(exitCode: number): string {
  return exitCode === 0 ? "Completed" : "Error";
}

function containerIdOf(pod: Pod, container: string, restarts: number): string {
  return `lares-simulated://${stableHex(`${pod.metadata.uid ?? ""}/${container}/${restarts}`, 8)}`;
}

export function pullFailureText(image: string): string {
  return pullErrorOf(image) ?? askedPullErrorOf(image);
}

function terminatedState(pod: Pod, name: string, facts: PodFacts): ContainerState {
  return {
    terminated: {
      exitCode: facts.exitCode,
      reason: reasonOfExit(facts.exitCode),
      startedAt: formatTime(facts.startedMs),
      finishedAt: formatTime(facts.finishedMs ?? facts.nowMs),
      containerID: containerIdOf(pod, name, facts.restarts),
    },
  };
}

function stateOf(
  stage: Stage,
  facts: PodFacts,
  container: { readonly pod: Pod; readonly spec: Container },
): ContainerState {
  const { pod, spec } = container;
  const image = spec.image ?? "";
  switch (stage) {
    case "starting":
      return {
        waiting: {
          reason: (pod.spec?.initContainers?.length ?? 0) > 0 ? "PodInitializing" : "ContainerCreating",
        },
      };
    case "pull-failed":
      return { waiting: { reason: "ErrImagePull", message: pullFailureText(image) } };
    case "pull-back-off":
      return {
        waiting: {
          reason: "ImagePullBackOff",
          message: `Back-off pulling image "${image}": ErrImagePull: ${pullFailureText(image)}`,
        },
      };
    case "running":
      return { running: { startedAt: formatTime(facts.startedMs) } };
    case "crashed":
      return { waiting: { reason: "CrashLoopBackOff", message: crashText(pod, spec.name, facts.restarts) } };
    case "failed":
    case "stopped":
      return terminatedState(pod, spec.name, facts);
    default:
      return unreachable(stage, "stage");
  }
}

/** First restart delay, its growth and its cap: a kubelet's back-off for crashed containers. */
export function crashDelayMs(restarts: number): number {
  return restarts === 0 ? 0 : Math.min(10_000 * 2 ** (restarts - 1), 300_000);
}

export function crashText(pod: Pod, container: string, restarts: number): string {
  const { name, namespace, uid } = pod.metadata;
  const seconds = Math.round(crashDelayMs(Math.max(1, restarts)) / 1000);
  const delay = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `back-off ${delay} restarting failed container=${container} pod=${name ?? ""}_${namespace ?? ""}(${uid ?? ""})`;
}

function containerStatus(
  stage: Stage,
  facts: PodFacts,
  container: { readonly pod: Pod; readonly spec: Container },
): ContainerStatus {
  const { pod, spec } = container;
  const hasRun = stage === "running" || stage === "crashed" || stage === "failed" || stage === "stopped";
  const isRunning = stage === "running";
  const restarts = facts.restarts;
  const hadRunBefore = restarts > 0 || stage === "crashed";
  const lastState: ContainerState =
    hadRunBefore && facts.finishedMs !== undefined && stage !== "stopped"
      ? terminatedState(pod, spec.name, facts)
      : {};
  return {
    name: spec.name,
    image: spec.image ?? "",
    imageID: hasRun
      ? `${spec.image ?? ""}@sha256:${containerIdOf(pod, spec.image ?? "", 0).slice("lares-simulated://".length)}`
      : "",
    ...(hasRun ? { containerID: containerIdOf(pod, spec.name, restarts) } : {}),
    ready: isRunning && facts.isReady,
    started: isRunning,
    restartCount: restarts,
    state: stateOf(stage, facts, container),
    lastState,
  };
}

function initStatus(
  stage: Stage,
  facts: PodFacts,
  container: { readonly pod: Pod; readonly spec: Container },
): ContainerStatus {
  const isDone = stage !== "starting" && stage !== "pull-failed" && stage !== "pull-back-off";
  const isSidecar = container.spec.restartPolicy === "Always";
  if (!isDone || isSidecar) return containerStatus(stage, facts, container);
  const base = containerStatus(
    "stopped",
    { ...facts, exitCode: 0, restarts: 0, finishedMs: facts.startedMs },
    container,
  );
  return { ...base, ready: true };
}

/** A container whose image is there does not wait for one whose image is not; init containers go first, though. */
function runsBesideFailedPull(
  stage: Stage,
  facts: PodFacts,
  container: { readonly pod: Pod; readonly spec: Container },
): boolean {
  const isPullStage = stage === "pull-failed" || stage === "pull-back-off";
  const hasInit = (container.pod.spec?.initContainers?.length ?? 0) > 0;
  return isPullStage && !hasInit && !facts.badImages.has(container.spec.image ?? "");
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

function conditions(stage: Stage, facts: PodFacts, pod: Pod): readonly PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const isUp = stage === "running" && facts.isReady;
  const names = (pod.spec?.containers ?? [])
    .filter((spec) => !runsBesideFailedPull(stage, facts, { pod, spec }))
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

function phaseOf(stage: Stage, pod: Pod): string {
  if (stage === "failed") return "Failed";
  if (stage === "running" || stage === "crashed") return "Running";
  if (stage === "stopped") return pod.status?.phase === "Pending" ? "Pending" : "Running";
  return "Pending";
}

/** The whole status at a stage; conditions that the node does not own stay as they were. */
export function podStatus(stage: Stage, facts: PodFacts, pod: Pod): PodStatus {
  const isNetworked = stage === "running" || stage === "crashed" || stage === "stopped";
  const podIP = pod.spec?.hostNetwork === true ? facts.hostIP : facts.podIP;
  const init = pod.spec?.initContainers ?? [];
  const qosClass = pod.status?.qosClass;
  return {
    phase: phaseOf(stage, pod),
    conditions: conditions(stage, facts, pod),
    hostIP: facts.hostIP,
    hostIPs: [{ ip: facts.hostIP }],
    ...(isNetworked ? { podIP, podIPs: [{ ip: podIP }] } : {}),
    startTime: pod.status?.startTime ?? formatTime(facts.acceptedMs),
    ...(stage === "failed"
      ? { reason: "Simulated", message: "Pod failed (simulated by lares.dev/simulate)" }
      : {}),
    ...(init.length === 0
      ? {}
      : { initContainerStatuses: init.map((spec) => initStatus(stage, facts, { pod, spec })) }),
    containerStatuses: (pod.spec?.containers ?? []).map((spec) =>
      runsBesideFailedPull(stage, facts, { pod, spec })
        ? containerStatus("running", { ...facts, isReady: true }, { pod, spec })
        : containerStatus(stage, facts, { pod, spec }),
    ),
    ...(qosClass === undefined ? {} : { qosClass }),
  };
}
