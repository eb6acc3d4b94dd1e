/**
 * A queue, first in first out, O(1) amortized at both ends. `Array.shift` and taking the first of a Set are O(n).
 * Not here: order by class or time (client/work/rate-limited-queue.ts).
 */

/** Empty places at the front before the array is cut. Small enough to waste, large enough that cutting is rare. */
const slackMax = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, which stays, or undefined when empty. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest item out; undefined when empty. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) this.#reset([]);
    else if (this.#head > slackMax && this.#head * 2 > this.#items.length)
      this.#reset(this.#items.slice(this.#head));
    return item;
  }

  #reset(items: (T | undefined)[]): void {
    this.#items = items;
    this.#head = 0;
  }
}
