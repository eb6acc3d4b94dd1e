/**
 * An older value as what differs from the newer one: most writes change one stretch of an object's bytes.
 *
 *   older   {"apiVersion":"v1",…│"phase":"Pending"…│…}
 *   newer   {"apiVersion":"v1",…│"phase":"Running",…"Ready"…│…}
 *            head: as in newer   kept in a slab     tail: as in newer
 *
 * Not here: which values are kept so (mvcc.ts).
 */
export interface Difference {
  /** Bytes at the beginning that are as in the newer value. */
  readonly head: number;
  /** Bytes at the end that are as in the newer value. */
  readonly tail: number;
  /** What stands between them is `slab[start]` to before `slab[end]`. */
  readonly slab: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** 64 KiB: hundreds of differences share one piece of memory, and what is forgotten in order is freed soon. */
const slabBytes = 64 * 1024;

/** Takes differences into shared memory; a slab is freed when none of its differences is held any more. */
export class Differences {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** O(bytes). The result shares no memory with the arguments. */
  take(older: Uint8Array, newer: Uint8Array): Difference {
    const shorter = Math.min(older.byteLength, newer.byteLength);
    let head = 0;
    while (head < shorter && older[head] === newer[head]) head++;
    let tail = 0;
    const [oldEnd, newEnd] = [older.byteLength - 1, newer.byteLength - 1];
    while (tail < shorter - head && older[oldEnd - tail] === newer[newEnd - tail]) tail++;
    const middle = older.subarray(head, older.byteLength - tail);
    const start = this.#room(middle.byteLength);
    this.#slab.set(middle, start);
    return { head, tail, slab: this.#slab, start, end: this.#used };
  }

  /** Where so many bytes may be written. */
  #room(bytes: number): number {
    if (this.#used + bytes > this.#slab.byteLength) {
      this.#slab = new Uint8Array(Math.max(slabBytes, bytes));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes;
    return start;
  }
}

/** The older value again. */
export function restored({ head, tail, slab, start, end }: Difference, newer: Uint8Array): Uint8Array {
  const older = new Uint8Array(head + end - start + tail);
  older.set(newer.subarray(0, head));
  older.set(slab.subarray(start, end), head);
  older.set(newer.subarray(newer.byteLength - tail), head + end - start);
  return older;
}
