/**
 * What the decisions know of a pod, a node and a DaemonSet: small values taken from API objects once per event.
 * Not here: decisions (manage-slot.ts, rollout-stage.ts, plan.ts), bookkeeping (slots.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/util/daemonset_util.go.
 */
import { isPodReady, podCondition, type DaemonSet, type Pod } from "../../api/index.ts";
import { parseTimeMs } from "../../machinery/index.ts";

export const hashLabel = "controller-revision-hash";
export const templateGenerationLabel = "pod-template-generation";
const templateGenerationAnnotation = "deprecated.daemonset.template.generation";

type PodLife = "running" | "failed" | "succeeded";

export interface PodFacts {
  readonly uid: string;
  readonly name: string;
  /** Target node (docs/spec/daemonset-controller.md#7.5). */
  readonly node: string;
  readonly isBound: boolean;
  readonly isTerminating: boolean;
  /** `running` is every phase that is not terminal. */
  readonly life: PodLife;
  readonly isReady: boolean;
  /** Its node has taken it up: whatever it does to the node may have begun. */
  readonly hasStarted: boolean;
  /** When it became ready; undefined when it is not, or when the condition carries no time. */
  readonly readySinceMs: number | undefined;
  readonly createdMs: number;
  /** Value of the hash label, "" when absent. */
  readonly hash: string;
  /** Value of the template generation label, "" when absent. */
  readonly generation: string;
  readonly resourceVersion: string;
}

/** Takes the facts of a pod that belongs to `node`. */
export function podFacts(pod: Pod, node: string): PodFacts {
  const { metadata } = pod;
  const isReady = isPodReady(pod);
  const since = isReady ? podCondition(pod, "Ready")?.lastTransitionTime : undefined;
  return {
    uid: metadata.uid ?? "",
    name: metadata.name ?? "",
    node,
    isBound: (pod.spec.nodeName ?? "") !== "",
    isTerminating: metadata.deletionTimestamp !== undefined,
    life: lifeOf(pod),
    isReady,
    hasStarted: pod.status?.startTime !== undefined,
    readySinceMs: since ? parseTimeMs(since) : undefined,
    createdMs: metadata.creationTimestamp === undefined ? 0 : (parseTimeMs(metadata.creationTimestamp) ?? 0),
    hash: metadata.labels?.[hashLabel] ?? "",
    generation: metadata.labels?.[templateGenerationLabel] ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
  };
}

function lifeOf(pod: Pod): PodLife {
  if (pod.status?.phase === "Failed") return "failed";
  return pod.status?.phase === "Succeeded" ? "succeeded" : "running";
}

/**
 * No scheduler and no node has taken the pod up, as far as is known. "May continue" (#7.1) is for pods that have been:
 * one that has not would keep its share of a roll-out's limits for ever on a node that is no longer desired (#9).
 */
export function isUntaken(pod: PodFacts): boolean {
  return !pod.isBound && !pod.isReady && !pod.hasStarted;
}

/** Terminal and terminating: on its way out, blocks nothing and counts nowhere but for the history's clean-up (#6.6). */
export function hasDeparted(pod: PodFacts): boolean {
  return pod.isTerminating && pod.life !== "running";
}

/** Order of pods on one node, the first speaks for the node (#9.2): bound, older, smaller name. */
export function comparePods(a: PodFacts, b: PodFacts): number {
  if (a.isBound !== b.isBound) return a.isBound ? -1 : 1;
  if (a.createdMs !== b.createdMs) return a.createdMs - b.createdMs;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** What of a DaemonSet decides how a slot is seen; a change of any part means that every slot is seen anew. */
export interface SlotParams {
  /** Hash of the current revision; "" while it is unknown: then nothing is up to date by hash. */
  readonly hash: string;
  /** Template generation as a decimal text, if the DaemonSet carries a parsable one. */
  readonly generation: string | undefined;
  /** Hash labels of all revisions of the DaemonSet. */
  readonly knownHashes: ReadonlySet<string>;
  readonly minReadyMs: number;
  /** RollingUpdate with a maxSurge that is above zero. */
  readonly hasSurge: boolean;
}

/**
 * Whether the pod is made from the current template (#11.1). A pod whose hash label names a known revision is judged
 * by it alone; upstream lets an equal template generation win, so that adopted pods of another template stay (#23.8).
 */
export function isUpToDate(pod: PodFacts, params: SlotParams): boolean {
  if (params.hash !== "" && pod.hash === params.hash) return true;
  if (params.generation === undefined || pod.generation !== params.generation) return false;
  return pod.hash === "" || !params.knownHashes.has(pod.hash);
}

/** The instant from which the pod counts as available: -Infinity for at once, Infinity while it is not ready. */
export function availableFromMs(pod: PodFacts, minReadyMs: number): number {
  if (!pod.isReady) return Infinity;
  if (minReadyMs === 0) return -Infinity;
  return pod.readySinceMs === undefined ? Infinity : pod.readySinceMs + minReadyMs;
}

/** The DaemonSet's template generation, when its annotation is an integer. */
export function templateGenerationOf(daemonSet: DaemonSet): string | undefined {
  const text = daemonSet.metadata.annotations?.[templateGenerationAnnotation];
  return text !== undefined && /^[+-]?[0-9]+$/.test(text) ? String(Number(text)) : undefined;
}
