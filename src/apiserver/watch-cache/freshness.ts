/**
 * Reads that must not be too old: which revision they have to see, and the wait until the caches have come to it.
 * Not here: the caches (cacher.ts), how they follow the store (store-follower.ts).
 */
import { type Clock, Heap, type Timer } from "../../base/index.ts";
import type { Store } from "../../storage/index.ts";

/**
 * Asks the store for its newest revision, for many readers at once. An answer to a question that was under way when a read began
 * may be older than a write that the read must see; so such readers share the next question.
 */
export class NewestRevision {
  readonly #store: Pick<Store, "currentRevision">;
  #running: Promise<number> | undefined;
  #next: Promise<number> | undefined;

  constructor(store: Pick<Store, "currentRevision">) {
    this.#store = store;
  }

  /** The answer to a question that is not asked before this call. At once where the store knows. */
  ask(): number | Promise<number> {
    if (this.#running === undefined) return this.#begin();
    const begin = (): number | Promise<number> => this.#begin();
    this.#next ??= this.#running.then(begin, begin);
    return this.#next;
  }

  #begin(): number | Promise<number> {
    this.#next = undefined;
    const answer = this.#store.currentRevision();
    if (typeof answer === "number") return answer;
    const done = (): void => {
      if (this.#running === answer) this.#running = undefined;
    };
    this.#running = answer;
    answer.then(done, done);
    return answer;
  }
}

export type WaitOutcome = "reached" | "late" | "stopped";

interface Waiter {
  readonly revision: number;
  readonly timer: Timer;
  readonly settle: (outcome: WaitOutcome) => void;
  isSettled: boolean;
}

/** Those who wait for the caches, the one with the smallest revision first. */
export class RevisionWaiters {
  readonly #clock: Clock;
  readonly #heap = new Heap<Waiter>((a, b) => a.revision < b.revision);
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settles when `revision` is reached, when `ms` have passed, or when nothing more will come. */
  wait(revision: number, ms: number): Promise<WaitOutcome> {
    if (this.#isStopped) return Promise.resolve("stopped");
    return new Promise((settle) => {
      const timer = this.#clock.after(ms, () => this.#settle(waiter, "late"));
      const waiter: Waiter = { revision, timer, settle, isSettled: false };
      this.#heap.push(waiter);
    });
  }

  reach(revision: number): void {
    for (let first = this.#heap.peek(); first !== undefined && first.revision <= revision;) {
      this.#heap.pop();
      this.#settle(first, "reached");
      first = this.#heap.peek();
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (let first = this.#heap.pop(); first !== undefined; first = this.#heap.pop())
      this.#settle(first, "stopped");
  }

  #settle(waiter: Waiter, outcome: WaitOutcome): void {
    if (waiter.isSettled) return;
    waiter.isSettled = true;
    waiter.timer.cancel();
    waiter.settle(outcome);
  }
}
