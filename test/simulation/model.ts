/**
 * What is right, said anew and simply: no code of the controller, no counts kept, every question answered by a look at
 * the whole state. Where a pod should run is said anew too (eligibility.ts).
 * Upstream's rules: docs/spec/daemonset-controller.md#7, #9, #11, #15.
 */
import { type ControllerRevision, type DaemonSet, type Node, type Pod } from "../../src/api/index.ts";
import { type KubeObject, RawJson, selectorFromLabelSelector } from "../../src/machinery/index.ts";
import { eligibility } from "./eligibility.ts";
import type { ClusterState } from "./state.ts";

export const hashLabel = "controller-revision-hash";

/** UID of the DaemonSet that controls the object. */
export function ownerUid(object: KubeObject): string | undefined {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner?.kind === "DaemonSet" ? owner.uid : undefined;
}

export function nodeOf(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const field = terms.flatMap((term) => term.matchFields ?? []).find(({ key }) => key === "metadata.name");
  return field?.values?.[0];
}

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
export const isFinished = (pod: Pod): boolean =>
  pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded";
export const isLive = (pod: Pod): boolean => !isTerminating(pod) && !isFinished(pod);

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

export function isAvailable(pod: Pod, daemonSet: DaemonSet, nowMs: number): boolean {
  if (!isReady(pod)) return false;
  const seconds = daemonSet.spec.minReadySeconds ?? 0;
  if (seconds === 0) return true;
  const since = pod.status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return typeof since === "string" && Date.parse(since) + seconds * 1000 <= nowMs;
}

/** A pod that the selector does not match any more is let go: it is owned for a moment still, but counts no longer. */
export function fits(daemonSet: DaemonSet | undefined, pod: Pod): boolean {
  return (
    daemonSet === undefined ||
    selectorFromLabelSelector(daemonSet.spec.selector).matches(pod.metadata.labels ?? {})
  );
}

export function podsOf(state: ClusterState, uid: string): Pod[] {
  return [...state.pods.values()].filter((pod) => ownerUid(pod) === uid);
}

export function podsOn(state: ClusterState, uid: string, node: string): Pod[] {
  return podsOf(state, uid).filter((pod) => nodeOf(pod) === node);
}

export function desiredNodes(state: ClusterState, daemonSet: DaemonSet): string[] {
  return [...state.nodes.values()]
    .filter((node) => eligibility(daemonSet, node).shouldRun)
    .map((node) => node.metadata.name!);
}

export function limits(daemonSet: DaemonSet, desired: number): { unavailable: number; surge: number } {
  const rolling = daemonSet.spec.updateStrategy?.rollingUpdate;
  const unavailable = scaled(rolling?.maxUnavailable ?? 0, desired);
  const surge = scaled(rolling?.maxSurge ?? 0, desired);
  return desired > 0 && unavailable === 0 && surge === 0
    ? { unavailable: 1, surge: 0 }
    : { unavailable, surge };
}

/** Nodes that use up maxUnavailable while they have no available pod: the desired ones, and silent ones that have a pod. */
export function countedNodes(state: ClusterState, daemonSet: DaemonSet): string[] {
  const desired = desiredNodes(state, daemonSet);
  const silent = [...state.nodes.values()].filter(isSilent).map(({ metadata }) => metadata.name!);
  const uid = daemonSet.metadata.uid!;
  const hasPod = (node: string): boolean =>
    podsOn(state, uid, node).some((pod) => fits(daemonSet, pod) && !(isTerminating(pod) && isFinished(pod)));
  const more = silent.filter(hasPod);
  return [...new Set([...desired, ...more])];
}

/** How many of these nodes without available pod are passed over: at most as many as the annotation says. */
export function passedOver(state: ClusterState, daemonSet: DaemonSet, unserved: readonly string[]): number {
  const text = daemonSet.metadata.annotations?.["lares.dev/max-unreachable"] ?? "";
  const value = text.endsWith("%") ? text : Number(text);
  const most = scaled(value, desiredNodes(state, daemonSet).length) || 0;
  /** A pod of the present template has begun there: it may be what silenced the node. */
  const hasBegun = (pod: Pod): boolean =>
    !isTerminating(pod) && pod.status?.startTime !== undefined && isUpToDate(state, daemonSet, pod);
  const silent = unserved.filter((name) => {
    const node = state.nodes.get(name);
    const pods = podsOn(state, daemonSet.metadata.uid!, name);
    return node !== undefined && isSilent(node) && !pods.some(hasBegun);
  });
  return Math.min(silent.length, most);
}

function isSilent({ status }: Node): boolean {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status === "Unknown";
}

function scaled(value: number | string, total: number): number {
  return typeof value === "number" ? value : Math.ceil((Number.parseInt(value, 10) * total) / 100);
}

export function isRolling(daemonSet: DaemonSet): boolean {
  return daemonSet.spec.updateStrategy?.type !== "OnDelete";
}

export function mayHavePairs(daemonSet: DaemonSet): boolean {
  return isRolling(daemonSet) && scaled(daemonSet.spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0, 1) > 0;
}

/** The template, whatever the order of its keys: all of one run are printed by one server, so nothing else may differ. */
export function templateText(template: unknown): string {
  if (typeof template !== "object" || template === null) return "";
  let text = texts.get(template);
  if (text === undefined) texts.set(template, (text = JSON.stringify(plain(template)) ?? ""));
  return text;
}

/** Objects never change, so neither do their texts; making them is most of the checker's work. */
const texts = new WeakMap<object, string>();
const parsed = new WeakMap<object, unknown>();

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "$patch")
    .map(([key, member]) => [key, plain(member)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

/** Whether the pod was made from the DaemonSet's present template, by content: its hash names a revision that holds it. */
export function isUpToDate(state: ClusterState, daemonSet: DaemonSet, pod: Pod): boolean {
  const wanted = templateText(daemonSet.spec.template);
  const hash = pod.metadata.labels?.[hashLabel];
  for (const revision of state.controllerrevisions.values()) {
    if (revision.metadata.labels?.[hashLabel] !== hash || ownerUid(revision) !== daemonSet.metadata.uid)
      continue;
    if (templateText(templateOf(revision.data)) === wanted) return true;
  }
  return false;
}

/** The revision of the pod's hash is not there to be judged by. */
export function isOfUnknownRevision(state: ClusterState, daemonSet: DaemonSet, pod: Pod): boolean {
  const hash = pod.metadata.labels?.[hashLabel];
  for (const revision of state.controllerrevisions.values())
    if (revision.metadata.labels?.[hashLabel] === hash && ownerUid(revision) === daemonSet.metadata.uid)
      return false;
  return true;
}

/** The revision with the highest number. */
export function newestRevision(state: ClusterState, { metadata }: DaemonSet): ControllerRevision | undefined {
  let newest: ControllerRevision | undefined;
  for (const revision of state.controllerrevisions.values()) {
    if (ownerUid(revision) !== metadata.uid) continue;
    if (newest === undefined || revision.revision > newest.revision) newest = revision;
  }
  return newest;
}

/** The server hands out `data` as the text that was stored; the log has it parsed. */
export function templateOf(data: unknown): unknown {
  if (data instanceof RawJson) {
    if (!parsed.has(data)) parsed.set(data, templateOf(data.value()));
    return parsed.get(data);
  }
  return (data as { spec?: { template?: unknown } } | undefined)?.spec?.template;
}

/** `waiting`: not taken up by anybody, for a node that is not desired; only as long as the pod stays as it is. */
export type Reason =
  | "waiting"
  | "stray"
  | "ineligible"
  | "failed"
  | "succeeded"
  | "duplicate"
  | "not-ready"
  | "replaced"
  | "outdated";

/** Every reason for which the controller may delete the pod in this state. `outdated` is subject to the budget. */
export function deleteReasons(
  state: ClusterState,
  daemonSet: DaemonSet,
  subject: { readonly pod: Pod; readonly nowMs: number },
): Reason[] {
  const { pod, nowMs } = subject;
  const reasons: Reason[] = [];
  const nodeName = nodeOf(pod);
  const node = nodeName === undefined ? undefined : state.nodes.get(nodeName);
  if (node === undefined) {
    if (!pod.spec.nodeName) reasons.push("stray");
  } else if (!eligibility(daemonSet, node).shouldContinue) reasons.push("ineligible");
  else if (!eligibility(daemonSet, node).shouldRun && isWaiting(pod)) reasons.push("waiting");
  if (pod.status?.phase === "Failed") reasons.push("failed");
  if (pod.status?.phase === "Succeeded") reasons.push("succeeded");
  const beside = podsOn(state, daemonSet.metadata.uid!, nodeName ?? "").filter(
    (other) => isLive(other) && other.metadata.uid !== pod.metadata.uid,
  );
  const isNew = isUpToDate(state, daemonSet, pod);
  if (!mayHavePairs(daemonSet)) {
    if (beside.length > 0) reasons.push("duplicate");
    if (isRolling(daemonSet) && !isNew) reasons.push("outdated");
    return reasons;
  }
  const newer = beside.filter((other) => isUpToDate(state, daemonSet, other));
  const older = beside.filter((other) => !newer.includes(other));
  if ((isNew ? newer : older).length > 0) reasons.push("duplicate");
  if (isNew) return reasons;
  if (newer.length > 0 && !isReady(pod)) reasons.push("not-ready");
  if (newer.some((other) => isAvailable(other, daemonSet, nowMs))) reasons.push("replaced");
  if (node !== undefined && !eligibility(daemonSet, node).shouldRun) {
    const served = podsOf(state, daemonSet.metadata.uid!).filter(
      (other) => isLive(other) && isAvailable(other, daemonSet, nowMs),
    );
    const desired = desiredNodes(state, daemonSet).length;
    if (!isAvailable(pod, daemonSet, nowMs) || new Set(served.map(nodeOf)).size > desired)
      reasons.push("ineligible");
  }
  return reasons;
}

function isWaiting(pod: Pod): boolean {
  return !pod.spec.nodeName && !isReady(pod) && pod.status?.startTime === undefined && isLive(pod);
}

/** Status (#15), by a look at everything. */
export function recount(state: ClusterState, daemonSet: DaemonSet, nowMs: number): Record<string, number> {
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of state.nodes.values()) {
    const pods = podsOn(state, daemonSet.metadata.uid!, node.metadata.name!)
      .filter((pod) => !(isTerminating(pod) && isFinished(pod)))
      .sort(firstSpeaks);
    const first = pods[0];
    if (!eligibility(daemonSet, node).shouldRun) {
      if (first !== undefined) counts.misscheduled++;
      continue;
    }
    counts.desired++;
    if (first === undefined) continue;
    counts.current++;
    if (isReady(first)) counts.ready++;
    if (isAvailable(first, daemonSet, nowMs)) counts.available++;
    if (isUpToDate(state, daemonSet, first)) counts.updated++;
  }
  return counts;
}

function firstSpeaks(a: Pod, b: Pod): number {
  const bound = Number(!a.spec.nodeName) - Number(!b.spec.nodeName);
  if (bound !== 0) return bound;
  const age = Date.parse(a.metadata.creationTimestamp ?? "") - Date.parse(b.metadata.creationTimestamp ?? "");
  return age !== 0 ? age : a.metadata.name! < b.metadata.name! ? -1 : 1;
}
