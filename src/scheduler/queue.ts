/**
 * Pods that wait for a node.
 *
 *   add ─▶ active ─▶ taken ─▶ (bound: forgotten)
 *            ▲         │ no node suits            ▲ node or room changes, 5 minutes
 *            │         ├─▶ parked by shape ───────┤
 *         backoff ◀────┴─▶ call failed            │
 *          early ◀────────────────────────────────┘ when the last try is recent: after all active ones
 *
 * Active pods come out by priority, then first come, first served. Pods of one shape (pod-facts.ts) are parked together:
 * one check of a changed node decides for all of them. Pinned pods are parked under their nodes' names.
 * Not here: choosing, binding. Upstream: kubernetes v1.35, pkg/scheduler/backend/queue.
 */
import { type Clock, Heap, type Timer } from "../base/index.ts";
import type { Candidate, Filter } from "./filters.ts";

export interface Waiting {
  readonly key: string;
  readonly uid: string;
  readonly priority: number;
  /** Failed tries so far. */
  attempts: number;
}

interface Entry extends Waiting {
  /** Counts moves; a heap item with another number is dead. */
  ticket: number;
  lastTryMs: number;
  parked: Parked | undefined;
}

/** Pods of one shape that no node suits now. */
export interface Parked {
  readonly shape: string;
  /** One of the pods, for asking whether a changed node suits. */
  readonly sample: Candidate;
  readonly filters: ReadonlySet<Filter>;
  readonly pinned: ReadonlySet<string> | undefined;
  readonly message: string;
  readonly sinceMs: number;
  readonly entries: Set<Entry>;
}

export type ParkedReason = Omit<Parked, "entries" | "sinceMs">;

interface HeapItem {
  readonly entry: Entry;
  readonly ticket: number;
  readonly order: number;
  readonly dueMs: number;
}

/** First and longest back-off of a pod; upstream's podInitialBackoffSeconds and podMaxBackoffSeconds. */
const backoffFirstMs = 1_000;
const backoffMaxMs = 10_000;
/** Parked pods are tried again after this even if nothing changed; upstream's podMaxInUnschedulablePodsDuration. */
const parkedMaxMs = 300_000;
/** How often parked pods are checked for that. */
const flushPeriodMs = 30_000;

export function backoffMs(attempts: number): number {
  return Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.max(0, attempts - 1));
}

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #onActive: () => void;
  readonly #entries = new Map<string, Entry>();
  readonly #active = new Heap<HeapItem>(
    (a, b) =>
      a.entry.priority > b.entry.priority || (a.entry.priority === b.entry.priority && a.order < b.order),
  );
  readonly #backoff = new Heap<HeapItem>(
    (a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order),
  );
  /** Pods that were released before their back-off ended, in order of that end. Active pods go first. */
  readonly #early = new Heap<HeapItem>(
    (a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order),
  );
  readonly #byShape = new Map<string, Parked>();
  readonly #unpinned = new Set<Parked>();
  readonly #byNode = new Map<string, Set<Parked>>();
  #order = 0;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #flushTimer: Timer | undefined;

  /** @param onActive called after pods became active. */
  constructor(clock: Clock, onActive: () => void) {
    this.#clock = clock;
    this.#onActive = onActive;
  }

  /** Pods known, in whatever state. */
  get size(): number {
    return this.#entries.size;
  }

  has(key: string, uid: string): boolean {
    return this.#entries.get(key)?.uid === uid;
  }

  /** A new pod; it is active at once. A pod of the same key and another uid is forgotten. */
  add(key: string, uid: string, priority: number): void {
    const known = this.#entries.get(key);
    if (known?.uid === uid) return;
    if (known !== undefined) this.remove(key);
    const entry: Entry = { key, uid, priority, attempts: 0, ticket: 0, lastTryMs: 0, parked: undefined };
    this.#entries.set(key, entry);
    this.#activate(entry);
    this.#onActive();
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.ticket++;
    this.#unpark(entry);
  }

  /** The next active pod; it is neither active nor parked until `park`, `retry` or `remove`. */
  take(): Waiting | undefined {
    for (;;) {
      const item = this.#active.pop() ?? this.#early.pop();
      if (item === undefined) return undefined;
      if (item.ticket !== item.entry.ticket) continue;
      item.entry.ticket++;
      return item.entry;
    }
  }

  /** No node suits: waits until one may. Ignored when the pod was removed meanwhile. */
  park(waiting: Waiting, reason: ParkedReason): void {
    const entry = this.#live(waiting);
    if (entry === undefined) return;
    this.#failed(entry);
    let parked = this.#byShape.get(reason.shape);
    if (parked === undefined) {
      parked = { ...reason, sinceMs: this.#clock.monotonicMs(), entries: new Set() };
      this.#register(parked);
    }
    parked.entries.add(entry);
    entry.parked = parked;
    this.#flushTimer ??= this.#clock.after(flushPeriodMs, () => this.#flush());
  }

  /** A call failed: tried again after the back-off. */
  retry(waiting: Waiting): void {
    const entry = this.#live(waiting);
    if (entry === undefined) return;
    this.#failed(entry);
    this.#delay(entry);
  }

  /** What keeps pods of this shape waiting now, if any do. */
  parkedShape(shape: string): Parked | undefined {
    return this.#byShape.get(shape);
  }

  get hasParkedShapes(): boolean {
    return this.#unpinned.size > 0;
  }

  /** Parked pods that a change of this node may concern: pinned to it, or nowhere. They may be released meanwhile. */
  *concernedBy(node: string): Iterable<Parked> {
    yield* this.#byNode.get(node) ?? [];
    yield* this.#unpinned;
  }

  /**
   * Something changed in favour of these pods: active now. Those whose back-off is not over let all others go first,
   * but need not wait when there are none (upstream's SchedulerPopFromBackoffQ).
   */
  release(parked: Parked): void {
    this.#unregister(parked);
    const now = this.#clock.monotonicMs();
    for (const entry of parked.entries) {
      entry.parked = undefined;
      const dueMs = entry.lastTryMs + backoffMs(entry.attempts);
      if (dueMs <= now) this.#activate(entry);
      else this.#early.push({ entry, ticket: ++entry.ticket, order: this.#order++, dueMs });
    }
    parked.entries.clear();
    this.#onActive();
  }

  /** The pod itself changed in a way that may help. */
  releaseOne(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.parked === undefined) return;
    this.#unpark(entry);
    this.#activate(entry);
    this.#onActive();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#flushTimer?.cancel();
  }

  #live(waiting: Waiting): Entry | undefined {
    const entry = this.#entries.get(waiting.key);
    return entry?.uid === waiting.uid ? entry : undefined;
  }

  #failed(entry: Entry): void {
    entry.attempts++;
    entry.lastTryMs = this.#clock.monotonicMs();
  }

  #activate(entry: Entry): void {
    this.#active.push({ entry, ticket: ++entry.ticket, order: this.#order++, dueMs: 0 });
  }

  #delay(entry: Entry): void {
    const dueMs = entry.lastTryMs + backoffMs(entry.attempts);
    this.#backoff.push({ entry, ticket: ++entry.ticket, order: this.#order++, dueMs });
    this.#arm();
  }

  /** One timer, for the earliest pod; it is set anew only when an earlier one comes. */
  #arm(): void {
    while (this.#backoff.peek() && this.#backoff.peek()!.ticket !== this.#backoff.peek()!.entry.ticket)
      this.#backoff.pop();
    const first = this.#backoff.peek();
    if (first === undefined || (this.#timer !== undefined && this.#timerDueMs <= first.dueMs)) return;
    this.#timer?.cancel();
    this.#timerDueMs = first.dueMs;
    this.#timer = this.#clock.after(Math.max(0, first.dueMs - this.#clock.monotonicMs()), () => this.#wake());
  }

  #wake(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs();
    while (this.#backoff.size > 0 && this.#backoff.peek()!.dueMs <= now) {
      const { entry, ticket } = this.#backoff.pop()!;
      if (entry.ticket === ticket) this.#activate(entry);
    }
    this.#arm();
    this.#onActive();
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const now = this.#clock.monotonicMs();
    for (const parked of this.#byShape.values())
      if (now - parked.sinceMs >= parkedMaxMs) this.release(parked);
    if (this.#byShape.size > 0) this.#flushTimer = this.#clock.after(flushPeriodMs, () => this.#flush());
  }

  #unpark(entry: Entry): void {
    const parked = entry.parked;
    if (parked === undefined) return;
    entry.parked = undefined;
    parked.entries.delete(entry);
    if (parked.entries.size === 0) this.#unregister(parked);
  }

  #register(parked: Parked): void {
    this.#byShape.set(parked.shape, parked);
    if (parked.pinned === undefined) this.#unpinned.add(parked);
    for (const node of parked.pinned ?? []) {
      let set = this.#byNode.get(node);
      if (set === undefined) this.#byNode.set(node, (set = new Set()));
      set.add(parked);
    }
  }

  #unregister(parked: Parked): void {
    this.#byShape.delete(parked.shape);
    this.#unpinned.delete(parked);
    for (const node of parked.pinned ?? []) {
      const set = this.#byNode.get(node);
      set?.delete(parked);
      if (set?.size === 0) this.#byNode.delete(node);
    }
  }
}
