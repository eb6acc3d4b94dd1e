/**
 * Owners that the server said are gone, and owners whose dependents were to stay. UIDs are never used again, so an entry
 * never becomes wrong; old ones are forgotten, which only costs a question. Not here: asking (controller.ts).
 */

/** Entries of one generation; at most twice as many are held. Enough for a namespace full of owners at once. */
const entriesMax = 5_000;

export class RecentSet {
  #young = new Set<string>();
  #old = new Set<string>();

  add(entry: string): void {
    this.#young.add(entry);
    if (this.#young.size < entriesMax) return;
    this.#old = this.#young;
    this.#young = new Set();
  }

  has(entry: string): boolean {
    return this.#young.has(entry) || this.#old.has(entry);
  }
}
