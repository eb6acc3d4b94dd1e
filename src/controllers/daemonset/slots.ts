/**
 * The slots of one DaemonSet: one per node that is eligible or holds a pod, with counts and listed sets kept by
 * every event. An event looks at its own slot only; a sync reads the counts and the head of each listed set.
 *
 *   pod event ──▶ slot ──▶ view (bits) ──▶ difference to the view before ──▶ counts, listed sets, alarms
 *
 * Not here: which event concerns which DaemonSet (tracker.ts), judging a slot (judge-slot.ts).
 * Memory: about 0.6 kB a slot with one pod (measured by slots.complexity.test.ts).
 */
import { Heap } from "../../base/index.ts";
import { comparePods, hasDeparted, type PodFacts, type SlotParams } from "./facts.ts";
import { judgeSlot, listedBits, type SlotBit, slotBits, type SlotJudgement } from "./judge-slot.ts";
import type { Eligibility, SlotContext, SlotFacts } from "./manage-slot.ts";
import type { Hold } from "./reasons.ts";
import { SortedNames } from "./sorted-names.ts";

/**
 * The two answers of docs/spec/daemonset-controller.md#7, and whether the node is one of those that may be passed over
 * (#23.16).
 */
export interface Placement {
  readonly shouldRun: boolean;
  readonly shouldContinue: boolean;
  /** Never true for a DaemonSet that did not ask for it. */
  readonly isUnreachable?: boolean;
}

export interface SlotsOptions {
  /** The placement of a node that exists; undefined when there is none of that name. */
  placementOf(node: string): Placement | undefined;
  nowMs(): number;
  backoffUntilMs(node: string): number | undefined;
  holdOn(node: string): Hold | undefined;
  /** What the slots are judged by from the start. */
  readonly params?: SlotParams;
}

export type SlotCounts = Readonly<Record<SlotBit, number>>;

/** A slot with what was last made of it. */
interface JudgedSlot extends SlotFacts, SlotJudgement {}

interface Slot extends JudgedSlot {
  readonly node: string;
  eligibility: Eligibility;
  mayContinue: boolean;
  isUnreachable: boolean;
  pods: PodFacts[];
  bits: number;
  wakeAtMs: number;
}

/** Everything that the slots keep, as it stands: for a recount, in the same turn. */
export interface SlotsContents {
  readonly slots: ReadonlyMap<string, JudgedSlot>;
  readonly pods: ReadonlyMap<string, PodFacts>;
  /** Claimed pods by hash. */
  readonly hashes: ReadonlyMap<string, number>;
  readonly counts: SlotCounts;
  /** Node names, sorted. */
  readonly listed: ReadonlyMap<SlotBit, readonly string[]>;
  readonly alarms: readonly Alarm[];
  readonly context: SlotContext;
}

/** Old alarms are swept when they outnumber the slots this many times: keeps the heap small under flapping pods. */
const alarmsPerSlotMax = 2;
const alarmsKept = 64;

interface Alarm {
  readonly atMs: number;
  readonly node: string;
}

const initialParams: SlotParams = {
  hash: "",
  generation: undefined,
  knownHashes: new Set(),
  minReadyMs: 0,
  hasSurge: false,
};

export class DaemonSetSlots {
  readonly #options: SlotsOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #pods = new Map<string, PodFacts>();
  readonly #hashes = new Map<string, number>();
  readonly #counts = new Int32Array(slotBits.length);
  readonly #listed: readonly (SortedNames | undefined)[];
  /** An older alarm of a slot stays in the heap; it is dropped when it comes out and the slot wants another time. */
  readonly #alarms = new Heap<Alarm>((a, b) => a.atMs < b.atMs);
  #params: SlotParams;
  #judgements = 0;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#params = options.params ?? initialParams;
    this.#listed = slotBits.map((name) => (listedBits.includes(name) ? new SortedNames() : undefined));
  }

  /** Slots judged since the start: what the complexity test counts. */
  get judgements(): number {
    return this.#judgements;
  }

  get size(): number {
    return this.#slots.size;
  }

  get params(): SlotParams {
    return this.#params;
  }

  get nextWakeMs(): number {
    return this.#alarms.peek()?.atMs ?? Infinity;
  }

  counts(): SlotCounts {
    return Object.fromEntries(slotBits.map((name, index) => [name, this.#counts[index]!])) as SlotCounts;
  }

  /** The first slots, by node name, that carry a listed bit. O(count). */
  first(name: SlotBit, count: number): readonly SlotFacts[] {
    const names = this.#listed[slotBits.indexOf(name)]?.first(count) ?? [];
    return names.map((node) => this.#slots.get(node)!);
  }

  /** How many slots with the listed bit come before this node by name. */
  rank(name: SlotBit, node: string): number {
    return this.#listed[slotBits.indexOf(name)]?.rank(node) ?? 0;
  }

  /** The slot of the node as it is, or as it would be: without pods. */
  slotOf(node: string): SlotFacts {
    return this.#slots.get(node) ?? this.#newSlot(node);
  }

  slot(node: string): SlotFacts | undefined {
    return this.#slots.get(node);
  }

  pod(uid: string): PodFacts | undefined {
    return this.#pods.get(uid);
  }

  /** Every claimed pod, departed ones too. O(pods): for relabelling after a dedupe and for tests. */
  pods(): IterableIterator<PodFacts> {
    return this.#pods.values();
  }

  all(): IterableIterator<SlotFacts> {
    return this.#slots.values();
  }

  /** Whether any claimed pod, departed ones too, carries the hash. */
  isHashInUse(hash: string): boolean {
    return this.#hashes.has(hash);
  }

  /** For a recount only. Lists and alarms are copied when they are read, O(slots). */
  contents(): SlotsContents {
    const listed = (): SlotsContents["listed"] =>
      new Map(listedBits.map((name) => [name, this.#listed[slotBits.indexOf(name)]!.first(Infinity)]));
    const alarms = (): readonly Alarm[] => [...this.#alarms.values()];
    return {
      slots: this.#slots,
      pods: this.#pods,
      hashes: this.#hashes,
      counts: this.counts(),
      get listed() {
        return listed();
      },
      get alarms() {
        return alarms();
      },
      context: this.context(),
    };
  }

  /** Adds a claimed pod or replaces what is known of it. @returns whether the view of a slot changed. */
  putPod(pod: PodFacts): boolean {
    const before = this.#pods.get(pod.uid);
    if (before !== undefined) this.#unlink(before);
    const moved = before !== undefined && before.node !== pod.node && this.#judgeNode(before.node);
    this.#pods.set(pod.uid, pod);
    this.#countHash(pod.hash, 1);
    if (hasDeparted(pod)) return this.#judgeNode(pod.node) || moved;
    const slot = this.#slots.get(pod.node) ?? this.#open(pod.node);
    insertPod(slot.pods, pod);
    return this.#judge(slot) || moved;
  }

  /** @returns whether the view of a slot changed. */
  removePod(uid: string): boolean {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return false;
    this.#unlink(pod);
    this.#pods.delete(uid);
    return this.#judgeNode(pod.node);
  }

  /** The node exists with this placement. @returns whether the view of its slot changed. */
  putNode(node: string, placement: Placement): boolean {
    let slot = this.#slots.get(node);
    if (slot === undefined) {
      if (!placement.shouldRun) return false;
      slot = this.#open(node);
    }
    place(slot, placement);
    return this.#judge(slot);
  }

  /** The node is gone. @returns whether the DaemonSet had anything there. */
  removeNode(node: string): boolean {
    const slot = this.#slots.get(node);
    if (slot === undefined) return false;
    place(slot, undefined);
    return this.#judge(slot);
  }

  /** Judges one slot again, after its back-off or its hold changed. */
  touch(node: string): boolean {
    return this.#judgeNode(node);
  }

  /** Judges every slot anew if the parameters differ. @returns whether it did. */
  setParams(params: SlotParams): boolean {
    if (sameParams(this.#params, params)) return false;
    this.#params = params;
    this.judgeAll();
    return true;
  }

  /** A full pass: after a change of the DaemonSet itself, or a jump of the wall clock. */
  judgeAll(): void {
    for (const slot of this.#slots.values()) this.#judge(slot);
  }

  /** Judges the slots whose alarm is due. @returns whether a view changed. */
  advance(): boolean {
    const nowMs = this.#options.nowMs();
    let changed = false;
    for (
      let alarm = this.#alarms.peek();
      alarm !== undefined && alarm.atMs <= nowMs;
      alarm = this.#alarms.peek()
    ) {
      this.#alarms.pop();
      const slot = this.#slots.get(alarm.node);
      if (slot === undefined || slot.wakeAtMs !== alarm.atMs) continue;
      slot.wakeAtMs = Infinity;
      changed = this.#judge(slot) || changed;
    }
    return changed;
  }

  #open(node: string): Slot {
    const slot = this.#newSlot(node);
    this.#slots.set(node, slot);
    return slot;
  }

  #newSlot(node: string): Slot {
    const slot: Slot = {
      node,
      eligibility: "gone",
      mayContinue: false,
      isUnreachable: false,
      pods: [],
      bits: 0,
      wakeAtMs: Infinity,
    };
    place(slot, this.#options.placementOf(node));
    return slot;
  }

  #unlink(pod: PodFacts): void {
    this.#countHash(pod.hash, -1);
    const slot = this.#slots.get(pod.node);
    if (slot === undefined) return;
    const at = slot.pods.findIndex((other) => other.uid === pod.uid);
    if (at >= 0) slot.pods.splice(at, 1);
  }

  #countHash(hash: string, by: number): void {
    const count = (this.#hashes.get(hash) ?? 0) + by;
    if (count === 0) this.#hashes.delete(hash);
    else this.#hashes.set(hash, count);
  }

  #judgeNode(node: string): boolean {
    const slot = this.#slots.get(node);
    return slot !== undefined && this.#judge(slot);
  }

  #judge(slot: Slot): boolean {
    this.#judgements++;
    const context = this.context();
    const view = judgeSlot(slot, context);
    const changed = this.#apply(slot, view.bits);
    if (slot.eligibility !== "eligible" && slot.pods.length === 0) {
      this.#slots.delete(slot.node);
      return changed;
    }
    // At least 1 ms ahead: an alarm that rounding puts at this very instant would ring for ever.
    const wakeAtMs = Math.max(view.wakeAtMs, context.nowMs + 1);
    if (wakeAtMs !== slot.wakeAtMs) {
      slot.wakeAtMs = wakeAtMs;
      if (wakeAtMs !== Infinity) this.#arm(slot);
    }
    return changed;
  }

  /** What slots are judged by in this moment. */
  context(): SlotContext {
    return {
      params: this.#params,
      nowMs: this.#options.nowMs(),
      backoffUntilMs: this.#options.backoffUntilMs,
      holdOn: this.#options.holdOn,
    };
  }

  #arm(slot: Slot): void {
    if (this.#alarms.size > alarmsKept + alarmsPerSlotMax * this.#slots.size) this.#sweepAlarms();
    this.#alarms.push({ atMs: slot.wakeAtMs, node: slot.node });
  }

  #sweepAlarms(): void {
    this.#alarms.clear();
    for (const slot of this.#slots.values()) {
      if (slot.wakeAtMs !== Infinity) this.#alarms.push({ atMs: slot.wakeAtMs, node: slot.node });
    }
  }

  /** Moves counts and lists from the old bits to the new ones; touches only those that differ. */
  #apply(slot: Slot, bits: number): boolean {
    let differing = slot.bits ^ bits;
    if (differing === 0) return false;
    slot.bits = bits;
    while (differing !== 0) {
      const index = 31 - Math.clz32(differing & -differing);
      differing &= differing - 1;
      const isSet = (bits & (1 << index)) !== 0;
      this.#counts[index]! += isSet ? 1 : -1;
      if (isSet) this.#listed[index]?.add(slot.node);
      else this.#listed[index]?.delete(slot.node);
    }
    return true;
  }
}

function place(slot: Slot, placement: Placement | undefined): void {
  slot.eligibility = placement === undefined ? "gone" : placement.shouldRun ? "eligible" : "ineligible";
  slot.mayContinue = placement?.shouldContinue ?? false;
  slot.isUnreachable = placement?.isUnreachable ?? false;
}

function sameParams(a: SlotParams, b: SlotParams): boolean {
  return (
    a.hash === b.hash &&
    a.generation === b.generation &&
    a.minReadyMs === b.minReadyMs &&
    a.hasSurge === b.hasSurge &&
    a.knownHashes.size === b.knownHashes.size &&
    [...a.knownHashes].every((hash) => b.knownHashes.has(hash))
  );
}

/** Puts a pod into its place in a slot's list. */
function insertPod(pods: PodFacts[], pod: PodFacts): void {
  let at = pods.length;
  while (at > 0 && comparePods(pod, pods[at - 1]!) < 0) at--;
  pods.splice(at, 0, pod);
}
