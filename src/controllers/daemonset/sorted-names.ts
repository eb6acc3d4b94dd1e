/**
 * A sorted set of node names in chunks: add and delete move at most one short chunk, and the first names come in
 * order without a search. A plain Set would need sorting at each sync, and taking "the first element" of a Set that
 * is being emptied costs as much as all that was deleted before.
 *
 *   [a … f] [g … m] [n … z]     each chunk sorted, chunks in order, none empty
 */

/** Names per chunk before it is split: short enough that a splice is cheaper than one allocation. */
const chunkNamesMax = 256;

export class SortedNames {
  #chunks: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns false if it was there already. */
  add(name: string): boolean {
    if (this.#chunks.length === 0) this.#chunks.push([]);
    const at = this.#chunkFor(name);
    const chunk = this.#chunks[at]!;
    const index = lowerBound(chunk, name);
    if (chunk[index] === name) return false;
    chunk.splice(index, 0, name);
    this.#size++;
    if (chunk.length > chunkNamesMax) this.#chunks.splice(at + 1, 0, chunk.splice(chunkNamesMax >> 1));
    return true;
  }

  /** @returns false if it was not there. */
  delete(name: string): boolean {
    if (this.#size === 0) return false;
    const at = this.#chunkFor(name);
    const chunk = this.#chunks[at]!;
    const index = lowerBound(chunk, name);
    if (chunk[index] !== name) return false;
    chunk.splice(index, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    return true;
  }

  has(name: string): boolean {
    if (this.#size === 0) return false;
    const chunk = this.#chunks[this.#chunkFor(name)]!;
    return chunk[lowerBound(chunk, name)] === name;
  }

  clear(): void {
    this.#chunks = [];
    this.#size = 0;
  }

  /** How many names are smaller. O(number of chunks). */
  rank(name: string): number {
    let rank = 0;
    for (const chunk of this.#chunks) {
      if (chunk[0]! >= name) break;
      rank += lowerBound(chunk, name);
    }
    return rank;
  }

  /** The smallest `count` names, in order. O(count). */
  first(count: number): string[] {
    const names: string[] = [];
    for (const chunk of this.#chunks) {
      if (names.length >= count) break;
      names.push(...chunk.slice(0, count - names.length));
    }
    return names;
  }

  /** Index of the chunk that holds the name or would: the last one whose first name is not greater. */
  #chunkFor(name: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]![0]! <= name) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
