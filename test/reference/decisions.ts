/**
 * REFERENCE, not shipped: what upstream decides in one sync, each time over all nodes and all pods. Pure. See controller.ts.
 * From docs/spec/daemonset-controller.md#6.6, #9, #11 and #15; shares nothing with src/controllers/daemonset.
 * Differs from upstream: where its order is a map's, candidates are taken in order of node names, so that runs repeat.
 */
import {
  type DaemonSet,
  type DaemonSetStatus,
  isPodReady,
  isPodTerminal,
  type Node,
  type Pod,
  podCondition,
  targetNodeName,
} from "../../src/api/index.ts";
import { parseTimeMs, scaledValue } from "../../src/machinery/index.ts";
import { comparePods, hashOf, isTerminating, isUpdated, placer } from "./objects.ts";

export type PodsByNode = Map<string, Pod[]>;

export interface View {
  readonly daemonSet: DaemonSet;
  readonly hash: string;
  readonly nodes: readonly Node[];
  readonly nowMs: () => number;
}

export interface Steps {
  /** Node names. */
  readonly creates: string[];
  readonly deletes: Pod[];
}

/** What manage asks about a failed pod, and who else it tells. */
export interface FailedPods {
  /** True: leave it alone. False: it is deleted, and the back-off has been advanced. */
  isHeldBack(pod: Pod, node: string): boolean;
  succeeded(pod: Pod, node: string): void;
}

/** Without pods that are both terminal and terminating, unless all are asked for; without those that name no node. */
export function byTargetNode(claimed: readonly Pod[], includeDeparted = false): PodsByNode {
  const map: PodsByNode = new Map();
  for (const pod of claimed) {
    if (!includeDeparted && isTerminating(pod) && isPodTerminal(pod)) continue;
    const node = targetNodeName(pod);
    if (node === undefined) continue;
    const known = map.get(node);
    if (known === undefined) map.set(node, [pod]);
    else known.push(pod);
  }
  return map;
}

const minReadyOf = ({ daemonSet }: View): number => daemonSet.spec.minReadySeconds ?? 0;

/** Ready for at least `minReadySeconds`; with 0 the time does not matter. */
function isAvailable(view: View, pod: Pod): boolean {
  if (!isPodReady(pod)) return false;
  const minReadySeconds = minReadyOf(view);
  if (minReadySeconds === 0) return true;
  const since = parseTimeMs(podCondition(pod, "Ready")?.lastTransitionTime ?? "");
  return since !== undefined && since + minReadySeconds * 1000 <= view.nowMs();
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function isSurging({ spec }: DaemonSet): boolean {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  return type === "RollingUpdate" && (scaledValue(rollingUpdate?.maxSurge ?? 0, 1, "up") ?? 0) > 0;
}

/** manage (#9). */
export function manage(view: View, byNode: PodsByNode, failed: FailedPods): Steps {
  const place = placer(view.daemonSet);
  const steps: Steps = { creates: [], deletes: [] };
  const known = new Set<string>();
  for (const node of view.nodes) {
    const name = node.metadata.name!;
    known.add(name);
    const { shouldRun, shouldContinue } = place(node);
    const pods = byNode.get(name);
    if (pods === undefined) {
      if (shouldRun) steps.creates.push(name);
    } else if (shouldContinue) manageNode(view, { node: name, shouldRun, pods, failed }, steps);
    else steps.deletes.push(...pods.filter((pod) => !isTerminating(pod)));
  }
  for (const [node, pods] of byNode)
    if (!known.has(node)) steps.deletes.push(...pods.filter((pod) => !pod.spec.nodeName));
  return { creates: steps.creates.sort(byName), deletes: steps.deletes };
}

interface NodeEntry {
  readonly node: string;
  readonly shouldRun: boolean;
  readonly pods: readonly Pod[];
  readonly failed: FailedPods;
}

function manageNode(
  view: View,
  { node, shouldRun, pods, failed }: NodeEntry,
  { creates, deletes }: Steps,
): void {
  const running: Pod[] = [];
  for (const pod of pods) {
    if (isTerminating(pod)) continue;
    if (pod.status?.phase === "Failed") {
      if (!failed.isHeldBack(pod, node)) deletes.push(pod);
    } else if (pod.status?.phase === "Succeeded") {
      failed.succeeded(pod, node);
      deletes.push(pod);
    } else running.push(pod);
  }
  running.sort(comparePods);
  if (!isSurging(view.daemonSet)) {
    deletes.push(...running.slice(1));
    return;
  }
  if (running.length === 0 && shouldRun) creates.push(node);
  if (running.length < 2) return;
  const fresh = running.find((pod) => hashOf(pod) === view.hash);
  const old = running.find((pod) => hashOf(pod) !== view.hash);
  deletes.push(...running.filter((pod) => pod !== fresh && pod !== old));
  if (fresh !== undefined && old !== undefined && (!isPodReady(old) || isAvailable(view, fresh)))
    deletes.push(old);
}

interface Pair {
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
}

function pairOf(pods: readonly Pod[], isNew: (pod: Pod) => boolean): Pair | undefined {
  let fresh: Pod | undefined;
  let old: Pod | undefined;
  for (const pod of pods) {
    if (isTerminating(pod)) continue;
    if (isNew(pod)) {
      if (fresh !== undefined) return undefined;
      fresh = pod;
    } else {
      if (old !== undefined) return undefined;
      old = pod;
    }
  }
  return { fresh, old };
}

/** Rolling update (#11). Adds eligible nodes without pods to the map. @throws when a limit or, with surge, a node is unknown. */
export function rollingUpdate(view: View, byNode: PodsByNode): Steps {
  const place = placer(view.daemonSet);
  let desired = 0;
  for (const node of view.nodes) {
    if (!place(node).shouldRun) continue;
    desired++;
    if (!byNode.has(node.metadata.name!)) byNode.set(node.metadata.name!, []);
  }
  const limits = view.daemonSet.spec.updateStrategy?.rollingUpdate;
  let maxUnavailable = scaledValue(limits?.maxUnavailable ?? 0, desired, "up");
  const maxSurge = scaledValue(limits?.maxSurge ?? 0, desired, "up");
  if (maxUnavailable === undefined || maxSurge === undefined) throw new Error("invalid value for a limit");
  if (desired > 0 && maxUnavailable === 0 && maxSurge === 0) maxUnavailable = 1;
  return maxSurge === 0
    ? inPlace(view, byNode, maxUnavailable)
    : withSurge(view, byNode, { desired, maxSurge });
}

function inPlace(view: View, byNode: PodsByNode, maxUnavailable: number): Steps {
  const isNew = isUpdated(view.daemonSet, view.hash);
  let unavailable = 0;
  const allowed: Pod[] = [];
  const candidates: (readonly [string, Pod])[] = [];
  for (const [node, pods] of byNode) {
    const pair = pairOf(pods, isNew);
    if (pair === undefined || (pair.fresh === undefined) === (pair.old === undefined)) unavailable++;
    else if (pair.old === undefined) unavailable += isAvailable(view, pair.fresh!) ? 0 : 1;
    else if (isAvailable(view, pair.old)) candidates.push([node, pair.old]);
    else {
      allowed.push(pair.old);
      unavailable++;
    }
  }
  const budget = Math.max(0, maxUnavailable - unavailable);
  if (budget > 0) candidates.sort(([a], [b]) => byName(a, b));
  return { creates: [], deletes: [...allowed, ...candidates.slice(0, budget).map(([, pod]) => pod)] };
}

function withSurge(
  view: View,
  byNode: PodsByNode,
  { desired, maxSurge }: { readonly desired: number; readonly maxSurge: number },
): Steps {
  const isNew = isUpdated(view.daemonSet, view.hash);
  const place = placer(view.daemonSet);
  const nodes = new Map(view.nodes.map((node) => [node.metadata.name!, node]));
  let surging = 0;
  let available = 0;
  const deletes: Pod[] = [];
  const shouldNotRun: Pod[] = [];
  const allowed: string[] = [];
  const candidates: string[] = [];
  for (const [name, pods] of byNode) {
    const pair = pairOf(pods, isNew);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { fresh, old } = pair;
    const speaker = old ?? fresh;
    if (speaker !== undefined && isAvailable(view, speaker)) available++;
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (isAvailable(view, fresh)) deletes.push(old);
      else surging++;
      continue;
    }
    const node = nodes.get(name);
    if (node === undefined) throw new Error(`node ${name} of an old pod was not found`);
    const { shouldRun } = place(node);
    if (isAvailable(view, old)) {
      if (shouldRun) candidates.push(name);
      else shouldNotRun.push(old);
    } else if (shouldRun) allowed.push(name);
    else deletes.push(old);
  }
  deletes.push(...shouldNotRun.slice(0, Math.max(0, available - desired)));
  const budget = Math.max(0, maxSurge - surging);
  if (budget > 0) candidates.sort(byName);
  return { creates: [...allowed, ...candidates.slice(0, budget)], deletes };
}

/** Status (#15); undefined when nothing has to be written. */
export function statusOf(
  view: View,
  byNode: PodsByNode,
  observed: boolean,
): ((stored: DaemonSet) => DaemonSet) | undefined {
  const place = placer(view.daemonSet);
  const isNew = isUpdated(view.daemonSet, view.hash);
  const numbers = {
    desiredNumberScheduled: 0,
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
    updatedNumberScheduled: 0,
    numberAvailable: 0,
    numberUnavailable: 0,
  };
  for (const node of view.nodes) {
    const pods = byNode.get(node.metadata.name!) ?? [];
    if (!place(node).shouldRun) {
      if (pods.length > 0) numbers.numberMisscheduled++;
      continue;
    }
    numbers.desiredNumberScheduled++;
    const [first] = pods.length > 1 ? pods.sort(comparePods) : pods;
    if (first === undefined) continue;
    numbers.currentNumberScheduled++;
    if (isPodReady(first)) {
      numbers.numberReady++;
      if (isAvailable(view, first)) numbers.numberAvailable++;
    }
    if (isNew(first)) numbers.updatedNumberScheduled++;
  }
  numbers.numberUnavailable = numbers.desiredNumberScheduled - numbers.numberAvailable;
  const { status, metadata } = view.daemonSet;
  const isKnown = !observed || (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const names = Object.keys(numbers) as (keyof typeof numbers)[];
  if (isKnown && status !== undefined && names.every((name) => (status[name] ?? 0) === numbers[name]))
    return undefined;
  const observedGeneration = observed ? { observedGeneration: metadata.generation ?? 0 } : {};
  return (stored) => ({
    ...stored,
    status: { ...(stored.status as DaemonSetStatus), ...numbers, ...observedGeneration },
  });
}
