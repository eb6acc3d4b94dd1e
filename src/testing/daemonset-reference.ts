/**
 * The decisions of the DaemonSet controller in their simplest form: a full pass over all nodes and pods for each question,
 * written after docs/spec/daemonset-controller.md#9, #11 and #15, without slots, bits or sets. The oracle of the property
 * tests.
 */
import { type IntOrString, scaledValue } from "../machinery/index.ts";
import {
  availableFromMs,
  comparePods,
  isUpToDate,
  type PodFacts,
  type SlotParams,
} from "../controllers/daemonset/facts.ts";
import type { StatusNumbers } from "../controllers/daemonset/status.ts";
import type { Placement } from "../controllers/daemonset/slots.ts";

export interface ReferenceWorld {
  readonly nodes: ReadonlyMap<string, Placement>;
  readonly pods: readonly PodFacts[];
  readonly params: SlotParams;
  readonly maxUnavailable: IntOrString;
  readonly maxSurge: IntOrString;
  readonly maxUnreachable: IntOrString;
  readonly nowMs: number;
  readonly backoffUntilMs: (node: string) => number | undefined;
  readonly holdUntilMs: (node: string) => number | undefined;
}

export interface ReferenceDecision {
  /** Node names, sorted. */
  readonly creates: readonly string[];
  /** Pod UIDs, sorted. */
  readonly deletes: readonly string[];
}

function entries(world: ReferenceWorld): Map<string, PodFacts[]> {
  const byNode = new Map<string, PodFacts[]>();
  for (const pod of world.pods) {
    if (pod.isTerminating && pod.life !== "running") continue;
    byNode.set(pod.node, [...(byNode.get(pod.node) ?? []), pod]);
  }
  for (const pods of byNode.values()) pods.sort(comparePods);
  return byNode;
}

const isAvailable = (pod: PodFacts, world: ReferenceWorld): boolean =>
  availableFromMs(pod, world.params.minReadyMs) <= world.nowMs;

export function referenceStatus(world: ReferenceWorld): StatusNumbers {
  const byNode = entries(world);
  const numbers = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  for (const [node, { shouldRun }] of world.nodes) {
    const first = byNode.get(node)?.[0];
    if (!shouldRun) {
      if (first !== undefined) numbers.misscheduled++;
      continue;
    }
    numbers.desired++;
    if (first === undefined) continue;
    numbers.current++;
    if (first.isReady) numbers.ready++;
    if (isAvailable(first, world)) numbers.available++;
    if (isUpToDate(first, world.params)) numbers.updated++;
  }
  return {
    desiredNumberScheduled: numbers.desired,
    currentNumberScheduled: numbers.current,
    numberMisscheduled: numbers.misscheduled,
    numberReady: numbers.ready,
    updatedNumberScheduled: numbers.updated,
    numberAvailable: numbers.available,
    numberUnavailable: numbers.desired - numbers.available,
  };
}

/** manage (#9), all nodes, no cut to the burst. */
export function referenceManage(world: ReferenceWorld): ReferenceDecision {
  const byNode = entries(world);
  const creates: string[] = [];
  const deletes: string[] = [];
  for (const [node, { shouldRun, shouldContinue }] of world.nodes) {
    const pods = byNode.get(node);
    if (pods === undefined) {
      if (shouldRun && world.holdUntilMs(node) === undefined) creates.push(node);
    } else if (!shouldContinue) {
      for (const pod of pods) if (!pod.isTerminating) deletes.push(pod.uid);
    } else manageNode(world, { node, shouldRun, pods }, { creates, deletes });
  }
  for (const [node, pods] of byNode) {
    if (world.nodes.has(node)) continue;
    for (const pod of pods) if (!pod.isBound && !pod.isTerminating) deletes.push(pod.uid);
  }
  return { creates: creates.sort(), deletes: deletes.sort() };
}

interface NodeEntry {
  readonly node: string;
  readonly shouldRun: boolean;
  readonly pods: readonly PodFacts[];
}

function manageNode(
  world: ReferenceWorld,
  entry: NodeEntry,
  out: { creates: string[]; deletes: string[] },
): void {
  const living = entry.pods.filter((pod) => !pod.isTerminating);
  const failed = living.filter((pod) => pod.life === "failed");
  const isUnwanted = (pod: PodFacts): boolean =>
    !entry.shouldRun && !pod.isBound && !pod.isReady && !pod.hasStarted;
  const all = living.filter((pod) => pod.life === "running");
  const running = all.filter((pod) => !isUnwanted(pod));
  out.deletes.push(...all.filter(isUnwanted).map(({ uid }) => uid));
  for (const pod of living) if (pod.life === "succeeded") out.deletes.push(pod.uid);
  const inBackoff = world.backoffUntilMs(entry.node) !== undefined;
  if (!inBackoff && failed[0] !== undefined) out.deletes.push(failed[0].uid);
  const leftAlone = inBackoff ? failed.length : failed.length - 1;
  if (!world.params.hasSurge) {
    for (const pod of running.slice(1)) out.deletes.push(pod.uid);
    return;
  }
  const isFree = leftAlone <= 0 && world.holdUntilMs(entry.node) === undefined;
  if (running.length === 0 && entry.shouldRun && isFree) out.creates.push(entry.node);
  if (running.length < 2) return;
  const fresh = running.find((pod) => pod.hash === world.params.hash);
  const old = running.find((pod) => pod.hash !== world.params.hash);
  for (const pod of running) if (pod !== fresh && pod !== old) out.deletes.push(pod.uid);
  if (fresh === undefined || old === undefined) return;
  if (!old.isReady || isAvailable(fresh, world)) out.deletes.push(old.uid);
}

/** Rolling update (#11), all entries, candidates in order of node names, no cut to the burst. */
export function referenceRollout(world: ReferenceWorld): ReferenceDecision {
  const desired = [...world.nodes.values()].filter(({ shouldRun }) => shouldRun).length;
  let maxUnavailable = scaledValue(world.maxUnavailable, desired, "up")!;
  const maxSurge = scaledValue(world.maxSurge, desired, "up")!;
  if (desired > 0 && maxUnavailable === 0 && maxSurge === 0) maxUnavailable = 1;
  const byNode = entries(world);
  for (const [node, { shouldRun }] of world.nodes) if (shouldRun && !byNode.has(node)) byNode.set(node, []);
  // With surge, a pod whose node is gone is neither available nor counted (SPEC.md, #23.4).
  const isSeen = (node: string): boolean => !world.params.hasSurge || world.nodes.has(node);
  const sorted = [...byNode].filter(([node]) => isSeen(node)).sort(([a], [b]) => (a < b ? -1 : 1));
  return maxSurge === 0
    ? inPlace(world, sorted, {
        maxUnavailable,
        maxUnreachable: scaledValue(world.maxUnreachable, desired, "up")!,
      })
    : withSurge(world, sorted, { desired, maxSurge });
}

type Entries = readonly (readonly [string, readonly PodFacts[]])[];

interface Pair {
  readonly fresh: PodFacts | undefined;
  readonly old: PodFacts | undefined;
}

function pairOf(world: ReferenceWorld, pods: readonly PodFacts[]): Pair | undefined {
  const living = pods.filter((pod) => !pod.isTerminating);
  const fresh = living.filter((pod) => isUpToDate(pod, world.params));
  const old = living.filter((pod) => !isUpToDate(pod, world.params));
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] };
}

function inPlace(
  world: ReferenceWorld,
  sorted: Entries,
  { maxUnavailable, maxUnreachable }: { readonly maxUnavailable: number; readonly maxUnreachable: number },
): ReferenceDecision {
  let unavailable = 0;
  let passedOver = 0;
  const allowed: string[] = [];
  const candidates: string[] = [];
  for (const [node, pods] of sorted) {
    const pair = pairOf(world, pods);
    // These are left alone even when the percentage of surge scales to 0, because no node is desired (SPEC.md, #23.4,
    // #23.5).
    const isSpared = world.params.hasSurge && isLeftAlone(world, node, pods);
    if (pair === undefined || (pair.fresh === undefined) === (pair.old === undefined)) unavailable++;
    else if (pair.fresh !== undefined) unavailable += isAvailable(pair.fresh, world) ? 0 : 1;
    else if (isAvailable(pair.old!, world)) {
      if (!isSpared) candidates.push(pair.old!.uid);
    } else {
      unavailable++;
      if (!isSpared) allowed.push(pair.old!.uid);
    }
    if (passedOver < maxUnreachable && isSilent(world, node, pods)) {
      passedOver++;
      unavailable--;
    }
  }
  const budget = Math.max(0, maxUnavailable - unavailable);
  return { creates: [], deletes: [...allowed, ...candidates.slice(0, budget)].sort() };
}

function withSurge(
  world: ReferenceWorld,
  sorted: Entries,
  { desired, maxSurge }: { readonly desired: number; readonly maxSurge: number },
): ReferenceDecision {
  let surging = 0;
  let available = 0;
  const allowed: string[] = [];
  const candidates: string[] = [];
  const deletes: string[] = [];
  const shouldNotRun: string[] = [];
  for (const [node, pods] of sorted) {
    const pair = pairOf(world, pods);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { fresh, old } = pair;
    const speaker = old ?? fresh;
    if (speaker !== undefined && isAvailable(speaker, world)) available++;
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (isAvailable(fresh, world)) deletes.push(old.uid);
      else surging++;
      continue;
    }
    const placement = world.nodes.get(node);
    if (placement === undefined || isLeftAlone(world, node, pods)) continue;
    if (isAvailable(old, world)) {
      if (placement.shouldRun) candidates.push(node);
      else shouldNotRun.push(old.uid);
    } else if (placement.shouldRun) allowed.push(node);
    else deletes.push(old.uid);
  }
  deletes.push(...shouldNotRun.slice(0, Math.max(0, available - desired)));
  const creates = [...allowed, ...candidates.slice(0, Math.max(0, maxSurge - surging))];
  return { creates: creates.sort(), deletes: deletes.sort() };
}

/** Whether the node is unreachable, without an available pod, and without a started pod of the current template (#23.16). */
function isSilent(world: ReferenceWorld, node: string, pods: readonly PodFacts[]): boolean {
  if (world.nodes.get(node)?.isUnreachable !== true) return false;
  const living = pods.filter((pod) => !pod.isTerminating);
  if (living.some((pod) => pod.hasStarted && isUpToDate(pod, world.params))) return false;
  return !(living.length === 1 && isAvailable(living[0]!, world));
}

/** Whether manage would leave a failed pod of the node alone because of its back-off, or the node gets no pod now. */
function isLeftAlone(world: ReferenceWorld, node: string, pods: readonly PodFacts[]): boolean {
  const placement = world.nodes.get(node);
  if (placement === undefined || !placement.shouldContinue) return false;
  if (placement.shouldRun && world.holdUntilMs(node) !== undefined) return true;
  const failed = pods.filter((pod) => !pod.isTerminating && pod.life === "failed").length;
  return failed > (world.backoffUntilMs(node) === undefined ? 1 : 0);
}
