/**
 * Keys in UTF-8 byte order, each live or dead, with cheap insertion, walks and counts of live keys.
 * Two levels: a list of chunks, each a short sorted array, so that no write moves more than one chunk.
 *
 *   chunks: [ a b c | 3 live ] [ f g | 1 live ] [ m n o p | 4 live ]
 *
 * Not here: what a key holds (mvcc.ts).
 */

export interface IndexedKey {
  readonly key: string;
  /** Whether the key counts; after changing it call `noteLive`. */
  readonly isLive: boolean;
}

interface Chunk<T> {
  items: T[];
  live: number;
}

/** Items per chunk before it is split; moving 512 pointers costs less than comparing keys does. */
const chunkItemsMax = 512;

/** Code units from here on sort differently in UTF-16 than in UTF-8: surrogates stand for the highest code points. */
const unusualUnits = /[\ud800-\uffff]/;

function plainBefore(a: string, b: string): boolean {
  return a < b;
}

/** Byte order of UTF-8 without encoding: surrogates go after all other code units. */
export function utf8Before(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) return rankOf(x) < rankOf(y);
  }
  return a.length < b.length;
}

function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

export class SortedIndex<T extends IndexedKey> {
  readonly #chunks: Chunk<T>[] = [];
  /** The quick comparison is right until the first unusual key comes; that key changes no order among those before it. */
  #before: (a: string, b: string) => boolean = plainBefore;

  /** Adds an item whose key is not there yet. */
  insert(item: T): void {
    if (this.#before === plainBefore && unusualUnits.test(item.key)) this.#before = utf8Before;
    const live = item.isLive ? 1 : 0;
    if (this.#chunks.length === 0) {
      this.#chunks.push({ items: [item], live });
      return;
    }
    const at = this.#chunkOf(item.key);
    const chunk = this.#chunks[at]!;
    chunk.items.splice(this.#placeIn(chunk, item.key), 0, item);
    chunk.live += live;
    if (chunk.items.length > chunkItemsMax) this.#split(at);
  }

  /** Tells that `item.isLive`, of an item that is here, has just changed. */
  noteLive(item: T): void {
    this.#chunks[this.#chunkOf(item.key)]!.live += item.isLive ? 1 : -1;
  }

  /** Takes an item away that is here. */
  remove(item: T): void {
    const at = this.#chunkOf(item.key);
    const chunk = this.#chunks[at]!;
    chunk.items.splice(this.#placeIn(chunk, item.key), 1);
    if (item.isLive) chunk.live--;
    if (chunk.items.length === 0) this.#chunks.splice(at, 1);
  }

  /** Visits items with `prefix` in order, from the first at or after `start`, until `visit` answers false. O(log n + visited). */
  walk(prefix: string, start: string, visit: (item: T) => boolean): void {
    const from = this.#before(start, prefix) ? prefix : start;
    let at = this.#chunkOf(from);
    let place = at < this.#chunks.length ? this.#placeIn(this.#chunks[at]!, from) : 0;
    for (; at < this.#chunks.length; at++, place = 0) {
      const { items } = this.#chunks[at]!;
      for (; place < items.length; place++) {
        const item = items[place]!;
        if (!item.key.startsWith(prefix) || !visit(item)) return;
      }
    }
  }

  /** Live items with `prefix` whose key is `start` or after it. O(number of chunks + one chunk). */
  countLive(prefix: string, start: string): number {
    const from = this.#before(start, prefix) ? prefix : start;
    let count = 0;
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      const first = chunk.items[0]!.key;
      const last = chunk.items[chunk.items.length - 1]!.key;
      const beginsInside = first === from || this.#before(from, first);
      if (beginsInside && first.startsWith(prefix) && last.startsWith(prefix)) {
        count += chunk.live;
        continue;
      }
      for (let place = this.#placeIn(chunk, from); place < chunk.items.length; place++) {
        const item = chunk.items[place]!;
        if (!item.key.startsWith(prefix)) return count;
        if (item.isLive) count++;
      }
    }
    return count;
  }

  /** True when `a` comes before `b` in this index. */
  isBefore(a: string, b: string): boolean {
    return this.#before(a, b);
  }

  /** The last chunk that begins at or before `key`, else the first one. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#before(key, this.#chunks[middle]!.items[0]!.key)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** The place of the first item at or after `key`. */
  #placeIn(chunk: Chunk<T>, key: string): number {
    let low = 0;
    let high = chunk.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#before(chunk.items[middle]!.key, key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Ascending insertion is usual, so the first half stays nearly full only by chance; halves are good enough. */
  #split(at: number): void {
    const chunk = this.#chunks[at]!;
    const items = chunk.items.splice(chunk.items.length >> 1);
    const live = items.reduce((sum, item) => sum + (item.isLive ? 1 : 0), 0);
    chunk.live -= live;
    this.#chunks.splice(at + 1, 0, { items, live });
  }
}
