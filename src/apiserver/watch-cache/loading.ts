/**
 * A resource that is added while the store is followed: what the store holds of it, and the changes that come meanwhile.
 *
 *   list at R ─▶ the caches have come to R ─▶ fill: what the list said, then the kept changes after R
 *
 * Not here: who lists, who tells changes, and what is filled (cacher.ts).
 */
import { assert } from "../../base/index.ts";
import type { KeyValue, StoreEvent } from "../../storage/index.ts";

/** What is filled. */
export interface Fillable {
  replace(items: readonly KeyValue[], revision: number): void;
  apply(change: StoreEvent): void;
}

export class Loading {
  readonly #items: KeyValue[] = [];
  #revision = 0;
  readonly #changes: StoreEvent[] = [];

  take(change: StoreEvent): void {
    this.#changes.push(change);
  }

  /** A part of the list. */
  add(items: readonly KeyValue[]): void {
    for (const item of items) this.#items.push(item);
  }

  /** The list is complete as of `revision`. */
  listedAt(revision: number): void {
    this.#revision = revision;
  }

  /** @param revision up to which all changes have been told here. */
  fill(revision: number, target: Fillable): void {
    const listed = this.#revision;
    assert(listed <= revision, "a resource would be newer than the others", { listed, revision });
    target.replace(this.#items, listed);
    for (const change of this.#changes) if (change.revision > listed) target.apply(change);
  }
}
