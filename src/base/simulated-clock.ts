/**
 * A clock for tests and simulation: time moves only in `advance`.
 * Timers run in order of their due time, ties in order of creation.
 */
import type { Clock, Timer } from "./clock.ts";

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** @public */
export class SimulatedClock implements Clock {
  #now: number;
  readonly #start: number;
  #order = 0;
  #heap: Pending[] = [];

  /** @param startMs wall time at the start; default is 2026-01-01T00:00:00Z. */
  constructor(startMs = 1_767_225_600_000) {
    this.#now = startMs;
    this.#start = startMs;
  }

  nowMs(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now - this.#start;
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending: Pending = {
      dueMs: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      cancelled: false,
    };
    this.#push(pending);
    return {
      cancel: () => {
        pending.cancelled = true;
      },
    };
  }

  /** No turn of the event loop is simulated: what needs no time is promise chains, and they get their rounds first. */
  soon(callback: () => void): void {
    void settleMicrotasks().then(callback);
  }

  /** Milliseconds until the earliest live timer, or undefined when none is waiting. */
  untilNextMs(): number | undefined {
    this.#dropCancelled();
    const first = this.#heap[0];
    return first === undefined ? undefined : first.dueMs - this.#now;
  }

  /**
   * Moves time forward by `ms`, running every timer that falls due, and lets pending promises settle
   * (through `settle`) after each instant, so that what a timer started can set timers of its own.
   */
  async advance(ms: number, settle: () => Promise<void> = settleMicrotasks): Promise<void> {
    const target = this.#now + ms;
    await settle();
    for (;;) {
      this.#dropCancelled();
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > target) break;
      this.#now = Math.max(this.#now, first.dueMs);
      this.#pop();
      first.callback();
      await settle();
    }
    this.#now = target;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop();
  }

  #before(a: Pending, b: Pending): boolean {
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
  }

  #push(item: Pending): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(item, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

/** Rounds of microtasks before time moves on. A promise chain needs one for each link. */
const settleRounds = 50;

/** Lets promise chains that need no I/O run to their end. */
export async function settleMicrotasks(): Promise<void> {
  for (let i = 0; i < settleRounds; i++) await Promise.resolve();
}
