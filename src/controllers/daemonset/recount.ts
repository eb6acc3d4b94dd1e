/**
 * A full recount: whether everything that events have kept for one DaemonSet agrees with what it is derived from. Pure.
 *
 *   caches ──▶ slots, claims ──▶ counts, sorted sets, hashes, alarms       each arrow is gone over again from scratch
 *
 * Every function answers disagreements as texts, and nothing when all is well. Given a part of the slots and pods it looks at
 * that part alone; only sums and hashes need all. O(slots + pods that are given).
 * Not here: going over a DaemonSet part by part (tracked-daemonset.ts), what is done about disagreements (audit.ts),
 * whether what agrees is right (the reference in src/testing/daemonset-reference.ts tells).
 */
import { comparePods, hasDeparted, type PodFacts } from "./facts.ts";
import { isOlder } from "./resource-versions.ts";
import type { PlacerAnswer } from "./node-placer.ts";
import type { SlotsContents } from "./slots.ts";
import { judgeSlot, slotBits } from "./judge-slot.ts";
import type { SlotFacts } from "./manage-slot.ts";

/** Whether each of these pods stands in its slot. */
export function recountPlaces(pods: SlotsContents["pods"], slots: SlotsContents["slots"]): readonly string[] {
  const wrong: string[] = [];
  for (const pod of pods.values()) {
    const isInSlot = slots.get(pod.node)?.pods.includes(pod) ?? false;
    if (isInSlot === hasDeparted(pod))
      wrong.push(`pod ${pod.name} is ${isInSlot ? "still" : "not"} in the slot of ${pod.node}`);
  }
  return wrong;
}

/** These slots: the pods in them, and how they are judged. */
export function recountViews(
  slots: SlotsContents["slots"],
  { pods, context }: Pick<SlotsContents, "pods" | "context">,
): readonly string[] {
  return [...recountPods(slots, pods), ...recountJudgements(slots, context)];
}

function recountPods(slots: SlotsContents["slots"], pods: SlotsContents["pods"]): string[] {
  const wrong: string[] = [];
  for (const [node, slot] of slots) {
    if (slot.node !== node) wrong.push(`the slot of ${slot.node} stands under ${node}`);
    for (const pod of slot.pods)
      if (pods.get(pod.uid) !== pod) wrong.push(`the slot of ${node} holds a former state of ${pod.name}`);
    if (!isSorted(slot.pods)) wrong.push(`the pods of ${node} are not in order`);
    if (slot.pods.length === 0 && slot.eligibility !== "eligible")
      wrong.push(`the slot of ${node} has nothing in it, and the node is ${slot.eligibility}`);
  }
  return wrong;
}

function isSorted(pods: readonly PodFacts[]): boolean {
  return pods.every((pod, index) => index === 0 || comparePods(pods[index - 1]!, pod) <= 0);
}

function recountHashes({ pods, hashes }: Pick<SlotsContents, "pods" | "hashes">): string[] {
  const counted = new Map<string, number>();
  for (const { hash } of pods.values()) counted.set(hash, (counted.get(hash) ?? 0) + 1);
  return [...new Set([...counted.keys(), ...hashes.keys()])]
    .filter((hash) => counted.get(hash) !== hashes.get(hash))
    .map(
      (hash) =>
        `hash ${hash}: ${hashes.get(hash) ?? 0} pods are counted, there are ${counted.get(hash) ?? 0}`,
    );
}

/** A slot whose alarm is due is judged by the next `advance`, and may be out of date until then. */
function recountJudgements(slots: SlotsContents["slots"], context: SlotsContents["context"]): string[] {
  const wrong: string[] = [];
  for (const slot of slots.values()) {
    if (slot.wakeAtMs <= context.nowMs) continue;
    const { bits, wakeAtMs } = judgeSlot(slot, context);
    if (bits !== slot.bits)
      wrong.push(`${slot.node} is seen as ${namesOf(slot.bits)}, and is ${namesOf(bits)}`);
    if (Math.max(wakeAtMs, context.nowMs + 1) < slot.wakeAtMs)
      wrong.push(`${slot.node} sleeps until ${slot.wakeAtMs}, and changes at ${wakeAtMs}`);
  }
  return wrong;
}

/** What is kept over all slots and pods. O(slots + pods), and nothing is judged. */
export function recountSums({
  slots,
  pods,
  hashes,
  counts,
  listed,
  alarms,
}: SlotsContents): readonly string[] {
  const wrong = recountHashes({ pods, hashes });
  for (const [index, name] of slotBits.entries()) {
    const nodes = [...slots.values()]
      .filter(({ bits }) => (bits & (1 << index)) !== 0)
      .map(({ node }) => node);
    if (counts[name] !== nodes.length)
      wrong.push(`${counts[name]} are counted as ${name}, there are ${nodes.length}`);
    const list = listed.get(name);
    if (list !== undefined && list.join() !== nodes.sort().join())
      wrong.push(`listed as ${name}: ${list.join()}; there are ${nodes.join()}`);
  }
  const armed = new Set(alarms.map(({ node, atMs }) => `${node} ${atMs}`));
  for (const { node, wakeAtMs } of slots.values())
    if (wakeAtMs !== Infinity && !armed.has(`${node} ${wakeAtMs}`))
      wrong.push(`no alarm rings for ${node} at ${wakeAtMs}`);
  return wrong;
}

function namesOf(bits: number): string {
  return slotBits.filter((_, index) => (bits & (1 << index)) !== 0).join("+") || "nothing";
}

/** These slots against the placements that their nodes have now. */
export function recountPlacements(
  { slots, isRefused }: { readonly slots: ReadonlyMap<string, SlotFacts>; isRefused(node: string): boolean },
  nodes: ReadonlyMap<string, PlacerAnswer>,
): readonly string[] {
  const wrong: string[] = [];
  for (const [node, { placement, refusal }] of nodes) {
    const slot = slots.get(node);
    if (isRefused(node) !== refusal.length > 0)
      wrong.push(`${node}: refused is ${isRefused(node)}, and ${refusal.length} obstacles are there`);
    if (slot === undefined) {
      if (placement.shouldRun) wrong.push(`eligible node ${node} has no slot`);
      continue;
    }
    const wanted = [placement.shouldRun, placement.shouldContinue, placement.isUnreachable ?? false];
    const seen = [slot.eligibility === "eligible", slot.mayContinue, slot.isUnreachable];
    if (slot.eligibility === "gone" || wanted.join() !== seen.join())
      wrong.push(`${node} is placed as ${slot.eligibility} ${seen.join()}, and is ${wanted.join()}`);
  }
  for (const { node, eligibility } of slots.values())
    if (eligibility !== "gone" && !nodes.has(node))
      wrong.push(`${node} is gone, and its slot is ${eligibility}`);
  return wrong;
}

/** What the caches say of some pods, for `recountClaims`. */
interface CachedPods {
  /** Versions by UID of the pods that the DaemonSet owns and that match. Others may have been released already. */
  readonly owned: ReadonlyMap<string, string>;
  /** UIDs of all of them that are there. */
  readonly all: ReadonlySet<string>;
}

/** What the parts of one DaemonSet keep of some pods: versions by UID. */
interface KeptPods {
  /** Departed ones too. */
  readonly inSlots: ReadonlyMap<string, string>;
  readonly orphans: ReadonlyMap<string, string>;
  readonly notMatching: ReadonlyMap<string, string>;
  readonly withoutNode: ReadonlyMap<string, string>;
}

/** The controller knows a pod that it has adopted before its cache does, so what is kept may be ahead. */
export function recountClaims(kept: KeptPods, { owned, all }: CachedPods): readonly string[] {
  const wrong: string[] = [];
  const places = [kept.inSlots, kept.orphans, kept.notMatching, kept.withoutNode];
  const uids = places.flatMap((place) => [...place.keys()]);
  for (const uid of new Set(uids)) {
    if (!all.has(uid)) wrong.push(`pod ${uid} is kept, and is gone`);
    if (places.filter((place) => place.has(uid)).length > 1) wrong.push(`pod ${uid} is kept in two places`);
  }
  for (const [uid, resourceVersion] of owned) {
    const known = [kept.inSlots, kept.notMatching, kept.withoutNode]
      .find((place) => place.has(uid))
      ?.get(uid);
    if (known === undefined) wrong.push(`owned pod ${uid} is not kept`);
    else if (isOlder({ resourceVersion: known }, { resourceVersion }))
      wrong.push(`pod ${uid} is kept at ${known}, the cache has ${resourceVersion}`);
  }
  return wrong;
}
