/**
 * States of objects by key, with an order that is put right only when somebody lists.
 * Adding and removing cost O(1); a list costs O(n) plus sorting what was added since the last one.
 * Not here: which objects belong together (cacher.ts).
 */
import { compareUtf8 } from "../../machinery/index.ts";
import type { StoredObject } from "./encode.ts";

/** So many states lie in an array: a table for the one pod of each of 100,000 nodes would take ten times the memory. */
const fewMax = 8;
/** Keys added since the last list beyond those there are: above it the order is put right, so that churn takes no memory. */
const addedSlack = 1024;

/** States in any number. */
class Many {
  readonly #byKey = new Map<string, StoredObject>();
  /** Keys in order; may name removed keys, lacks those of `#added`. */
  #sorted: string[] = [];
  #added: string[] = [];
  #hasRemoved = false;

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): StoredObject | undefined {
    return this.#byKey.get(key);
  }

  set(state: StoredObject): void {
    if (!this.#byKey.has(state.key)) this.#added.push(state.key);
    this.#byKey.set(state.key, state);
    if (this.#added.length > this.#byKey.size + addedSlack) this.#tidy();
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#hasRemoved = true;
  }

  /** As `Bucket.sorted`. */
  sorted(start?: string): StoredObject[] {
    this.#tidy();
    const first = start === undefined ? 0 : lowerBound(this.#sorted, start);
    const states: StoredObject[] = [];
    for (let i = first; i < this.#sorted.length; i++) states.push(this.#byKey.get(this.#sorted[i]!)!);
    return states;
  }

  #tidy(): void {
    if (this.#added.length === 0 && !this.#hasRemoved) return;
    const added = this.#added.sort(compareUtf8);
    const merged: string[] = [];
    let from = 0;
    const take = (key: string): void => {
      if (merged[merged.length - 1] !== key && this.#byKey.has(key)) merged.push(key);
    };
    for (const key of this.#sorted) {
      while (from < added.length && compareUtf8(added[from]!, key) <= 0) take(added[from++]!);
      take(key);
    }
    while (from < added.length) take(added[from++]!);
    this.#sorted = merged;
    this.#added = [];
    this.#hasRemoved = false;
  }
}

export class Bucket {
  /** In order, and never changed; absent once there were more than `fewMax`. */
  #few: readonly StoredObject[] | undefined = [];
  #many: Many | undefined;

  get size(): number {
    return this.#few?.length ?? this.#many!.size;
  }

  get(key: string): StoredObject | undefined {
    if (this.#few === undefined) return this.#many!.get(key);
    return this.#few.find((state) => state.key === key);
  }

  set(state: StoredObject): void {
    if (this.#few === undefined) return this.#many!.set(state);
    const { key } = state;
    const at = this.#few.findIndex((other) => other.key === key);
    if (at >= 0) this.#few = this.#few.with(at, state);
    else if (this.#few.length < fewMax)
      this.#few = [...this.#few, state].sort((one, other) => compareUtf8(one.key, other.key));
    else this.#becomeMany(state);
  }

  delete(key: string): void {
    if (this.#few === undefined) this.#many!.delete(key);
    else if (this.get(key) !== undefined) this.#few = this.#few.filter((state) => state.key !== key);
  }

  /** All states, by key (bytewise), from `start` on. The array is the caller's. */
  sorted(start?: string): StoredObject[] {
    if (this.#few === undefined) return this.#many!.sorted(start);
    return this.#few.filter(({ key }) => start === undefined || compareUtf8(key, start) >= 0);
  }

  #becomeMany(state: StoredObject): void {
    const many = new Many();
    for (const one of [...this.#few!, state]) many.set(one);
    this.#few = undefined;
    this.#many = many;
  }
}

/** Buckets by a value; empty ones are dropped. */
export class BucketIndex {
  readonly #byValue = new Map<string, Bucket>();

  /** Values that have a bucket. */
  get size(): number {
    return this.#byValue.size;
  }

  get(value: string): Bucket | undefined {
    return this.#byValue.get(value);
  }

  set(value: string, state: StoredObject): void {
    let bucket = this.#byValue.get(value);
    if (bucket === undefined) this.#byValue.set(value, (bucket = new Bucket()));
    bucket.set(state);
  }

  delete(value: string, key: string): void {
    const bucket = this.#byValue.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) this.#byValue.delete(value);
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(sorted[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
