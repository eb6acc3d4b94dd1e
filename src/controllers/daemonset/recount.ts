/**
 * A full recount: whether everything that events have kept for one DaemonSet agrees with what it is derived from. Pure.
 *
 *   caches ──▶ slots, claims ──▶ counts, sorted sets, hashes, alarms       each arrow is gone over again from scratch
 *
 * Every function answers disagreements as texts, and nothing when all is well. O(nodes + pods): for tests, and for the
 * simulation, which asks the running controller every so often.
 * Not here: whether what agrees is right (the reference in src/testing/daemonset-reference.ts tells).
 */
import { comparePods, hasDeparted, type PodFacts } from "./facts.ts";
import { isOlder } from "./resource-versions.ts";
import type { PlacerAnswer } from "./node-placer.ts";
import type { SlotsContents } from "./slots.ts";
import { judgeSlot, slotBits } from "./judge-slot.ts";
import type { SlotFacts } from "./manage-slot.ts";

/** Slots against the pods in them, and all that is counted, listed and armed against the slots. */
export function recountSlots(contents: SlotsContents): readonly string[] {
  return [
    ...recountPods(contents),
    ...recountHashes(contents),
    ...recountViews(contents),
    ...recountSums(contents),
  ];
}

function recountPods({ slots, pods }: SlotsContents): string[] {
  const wrong: string[] = [];
  for (const pod of pods.values()) {
    const isInSlot = slots.get(pod.node)?.pods.includes(pod) ?? false;
    if (isInSlot === hasDeparted(pod))
      wrong.push(`pod ${pod.name} is ${isInSlot ? "still" : "not"} in the slot of ${pod.node}`);
  }
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

function recountHashes({ pods, hashes }: SlotsContents): string[] {
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
function recountViews({ slots, context }: SlotsContents): string[] {
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

function recountSums({ slots, counts, listed, alarms }: SlotsContents): string[] {
  const wrong: string[] = [];
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

/** What the caches and the parts of one DaemonSet say, for `recountAgainstCaches`. */
export interface CacheContents {
  /** Nodes with the placement that they have now. */
  readonly nodes: ReadonlyMap<string, PlacerAnswer>;
  /** Versions by UID of the pods that the DaemonSet owns and that match. Others may have been released already. */
  readonly owned: ReadonlyMap<string, string>;
  /** UIDs of all pods of the namespace. */
  readonly all: ReadonlySet<string>;
}

export interface KeptContents {
  readonly slots: ReadonlyMap<string, SlotFacts>;
  /** Versions of the pods in slots, departed ones too, by UID. */
  readonly inSlots: ReadonlyMap<string, string>;
  /** Versions by UID. */
  readonly orphans: ReadonlyMap<string, string>;
  readonly notMatching: ReadonlyMap<string, string>;
  readonly withoutNode: ReadonlyMap<string, string>;
  isRefused(node: string): boolean;
}

/** Slots and claims against the caches that they were made from. */
export function recountAgainstCaches(kept: KeptContents, caches: CacheContents): readonly string[] {
  return [...recountNodes(kept, caches), ...recountClaims(kept, caches)];
}

function recountNodes({ slots, isRefused }: KeptContents, { nodes }: CacheContents): string[] {
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

/** The controller knows a pod that it has adopted before its cache does, so what is kept may be ahead. */
function recountClaims(kept: KeptContents, { owned, all }: CacheContents): string[] {
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
