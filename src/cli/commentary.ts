/**
 * What is worth a line while a cluster runs: roll-outs and their end, what does not settle, trouble, nodes that go away.
 * Nothing is said twice, and nothing that is over before a person could look.
 *
 *   settled ──a new template, nodes, pods──▶ unsettled ──stands for a moment──▶ settled: one line
 *                                               │ a pod is in trouble: a line, once for each kind of trouble
 *                                               └ nothing moves for a while: a line, once
 *
 * Pure but for its memory: facts in, lines out. Not here: when they are asked for and how they are printed (main/screen.ts).
 */
import type { DaemonSet, Pod } from "../api/index.ts";
import { isSettled, podWord } from "./roll-call.ts";

export interface Sight {
  readonly nowMs: number;
  readonly daemonSets: readonly DaemonSet[];
  /** Pods of a DaemonSet, by its uid. Asked for those that are not settled. */
  podsOf(uid: string): readonly Pod[];
  /** Names of nodes that have been ready and are not. */
  readonly nodesNotReady: ReadonlySet<string>;
  hasNode(name: string): boolean;
}

export interface Remarks {
  /** To stay, in the order in which they are to be read. */
  readonly lines: readonly string[];
  /** What is under way, for a line that is redrawn; empty when nothing is. */
  readonly now: string;
}

/** Ms for which all must be well before that is said: a node that became ready makes DaemonSets want more pods at once. */
const standingMs = 1_000;
/** The same after trouble: a container that crashes runs for a while between two crashes. */
const recoveredMs = 15_000;
/** Ms after which a roll-out is told of before its end, where nobody sees it go on. */
const longMs = 5_000;
/** Ms without any progress after which that is said. */
const stuckMs = 15_000;
/** Ms before one kind of trouble of one DaemonSet and template is told again. */
const forgetMs = 600_000;
/** Names in one line. */
const namesMax = 3;

/** Words of pods that are on their way, and no trouble. */
const ordinaryWords: ReadonlySet<string> = new Set([
  "Running",
  "Starting",
  "Pending",
  "NotReady",
  "Terminating",
]);

interface Memory {
  readonly name: string;
  /** The template that was last settled; undefined of one that never was. */
  generation: number | undefined;
  /** When it became unsettled; undefined while it is settled and that has been said. */
  unsettledMs: number | undefined;
  settledMs: number | undefined;
  progress: string;
  progressMs: number;
  isStuckSaid: boolean;
  isBeginSaid: boolean;
  readonly troubles: Map<string, number>;
}

export class Commentary {
  readonly #memories = new Map<string, Memory>();
  #nodesNotReady: ReadonlySet<string> = new Set();
  #hasLooked = false;
  readonly #tellsBeginnings: boolean;

  /** @param options `tellsBeginnings`: where `now` is not shown, what takes long is told when it has begun */
  constructor(options: { readonly tellsBeginnings: boolean }) {
    this.#tellsBeginnings = options.tellsBeginnings;
  }

  /** At the first look what is settled is no news. */
  look(sight: Sight): Remarks {
    const lines = [...this.#gone(sight), ...this.#nodes(sight)];
    const under: string[] = [];
    for (const daemonSet of sight.daemonSets) {
      const memory = this.#memoryOf(daemonSet, sight.nowMs);
      if (isObserved(daemonSet)) lines.push(...this.#settled(memory, daemonSet, sight.nowMs));
      else {
        lines.push(...unsettled(memory, daemonSet, sight));
        if (this.#tellsBeginnings) lines.push(...begun(memory, daemonSet, sight.nowMs));
        under.push(`${memory.name}: ${progressOf(daemonSet, memory)}`);
      }
    }
    this.#hasLooked = true;
    const [first = "", ...others] = under.sort();
    return { lines, now: others.length === 0 ? first : `${first} (and ${others.length} more)` };
  }

  #memoryOf(daemonSet: DaemonSet, nowMs: number): Memory {
    const { uid = "", namespace = "", name = "" } = daemonSet.metadata;
    let memory = this.#memories.get(uid);
    if (memory === undefined) {
      const isOld = !this.#hasLooked && isObserved(daemonSet);
      memory = {
        name: `${namespace}/${name}`,
        generation: isOld ? daemonSet.metadata.generation : undefined,
        unsettledMs: isOld ? undefined : nowMs,
        settledMs: undefined,
        progress: "",
        progressMs: nowMs,
        isStuckSaid: false,
        isBeginSaid: false,
        troubles: new Map(),
      };
      this.#memories.set(uid, memory);
    }
    return memory;
  }

  #gone({ daemonSets }: Sight): readonly string[] {
    const present = new Set(daemonSets.map(({ metadata }) => metadata.uid));
    const lines: string[] = [];
    for (const [uid, { name }] of this.#memories) {
      if (present.has(uid)) continue;
      this.#memories.delete(uid);
      lines.push(`${name}: deleted`);
    }
    return lines;
  }

  #nodes({ nodesNotReady: now, hasNode }: Sight): readonly string[] {
    const before = this.#nodesNotReady;
    this.#nodesNotReady = new Set(now);
    const lost = [...now].filter((name) => !before.has(name)).sort();
    const back = [...before].filter((name) => !now.has(name) && hasNode(name)).sort();
    return [
      ...(lost.length === 0 ? [] : [`${nodesText(lost)} not ready`]),
      ...(back.length === 0 ? [] : [`${nodesText(back)} ready again`]),
    ];
  }

  #settled(memory: Memory, daemonSet: DaemonSet, nowMs: number): readonly string[] {
    const { generation } = daemonSet.metadata;
    const since = memory.unsettledMs;
    // A change of the template that needs nothing done is over when it is seen.
    if (since === undefined) {
      memory.generation = generation;
      return [];
    }
    memory.settledMs ??= nowMs;
    const needed = memory.troubles.size > 0 || memory.isStuckSaid ? recoveredMs : standingMs;
    if (nowMs - memory.settledMs < needed) return [];
    const seconds = ((memory.settledMs - since) / 1_000).toFixed(1);
    const isRollOut = memory.generation !== generation;
    // A template that is replaced is in trouble no more.
    if (isRollOut) memory.troubles.clear();
    memory.generation = generation;
    memory.unsettledMs = undefined;
    memory.isStuckSaid = false;
    memory.isBeginSaid = false;
    const desired = daemonSet.status?.desiredNumberScheduled ?? 0;
    if (desired === 0) return [`${memory.name}: settled, no node is eligible`];
    return isRollOut
      ? [`${memory.name}: rolled out to ${count(desired, "node")} in ${seconds} s`]
      : [`${memory.name}: settled, ${desired} of ${desired} available`];
  }
}

function unsettled(memory: Memory, daemonSet: DaemonSet, sight: Sight): readonly string[] {
  const { nowMs } = sight;
  if (memory.unsettledMs === undefined) {
    memory.unsettledMs = nowMs;
    memory.progressMs = nowMs;
  }
  memory.settledMs = undefined;
  const progress = progressOf(daemonSet, memory);
  if (progress !== memory.progress) memory.progressMs = nowMs;
  memory.progress = progress;
  const lines = troubles(memory, daemonSet, sight);
  if (lines.length > 0) memory.isStuckSaid = true;
  if (memory.isStuckSaid || nowMs - memory.progressMs < stuckMs) return lines;
  memory.isStuckSaid = true;
  return [
    ...lines,
    `${memory.name}: nothing moves for ${stuckMs / 1_000} s: ${progress}; ${whyText(daemonSet)}`,
  ];
}

function begun(memory: Memory, daemonSet: DaemonSet, nowMs: number): readonly string[] {
  if (memory.isBeginSaid || memory.isStuckSaid || nowMs - (memory.unsettledMs ?? nowMs) < longMs) return [];
  memory.isBeginSaid = true;
  return [`${memory.name}: ${progressOf(daemonSet, memory)}`];
}

function troubles(memory: Memory, daemonSet: DaemonSet, { nowMs, podsOf }: Sight): readonly string[] {
  const { uid = "", generation } = daemonSet.metadata;
  const byWord = new Map<string, string[]>();
  for (const pod of podsOf(uid)) {
    const word = podWord(pod);
    if (ordinaryWords.has(word)) continue;
    // Two words for one trouble, in turns.
    const told = word === "ErrImagePull" ? "ImagePullBackOff" : word;
    byWord.set(told, [...(byWord.get(told) ?? []), pod.spec?.nodeName ?? "no node"]);
  }
  const lines: string[] = [];
  for (const [word, nodes] of byWord) {
    const key = `${word} ${generation}`;
    const saidMs = memory.troubles.get(key);
    memory.troubles.set(key, saidMs ?? nowMs);
    if (saidMs !== undefined && nowMs - saidMs < forgetMs) continue;
    memory.troubles.set(key, nowMs);
    lines.push(`${memory.name}: ${word} on ${someNames(nodes.sort())}; ${whyText(daemonSet)}`);
  }
  return lines;
}

/** Settled, and synced at least once: before its first sync a DaemonSet has no observedGeneration. */
export function isObserved(daemonSet: DaemonSet): boolean {
  return isSettled(daemonSet) && (daemonSet.status?.observedGeneration ?? 0) > 0;
}

function progressOf({ metadata, status }: DaemonSet, { generation }: Memory): string {
  const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status ?? {};
  const available = `${numberAvailable} of ${desiredNumberScheduled} available`;
  if (metadata.generation === generation) return available;
  return `rolling out, ${updatedNumberScheduled} of ${desiredNumberScheduled} updated, ${numberAvailable} available`;
}

function whyText({ metadata: { namespace = "", name = "" } }: DaemonSet): string {
  return `kubectl describe daemonset ${name} -n ${namespace} says why`;
}

function nodesText(names: readonly string[]): string {
  return names.length === 1 ? `node ${names[0]} is` : `nodes ${someNames(names)} are`;
}

function someNames(names: readonly string[]): string {
  const shown = names.slice(0, namesMax).join(", ");
  return names.length > namesMax ? `${shown} and ${names.length - namesMax} more` : shown;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
