/**
 * An older value as what differs from the newer one: most writes change one stretch of an object's bytes.
 *
 *   older   {"apiVersion":"v1",…│"phase":"Pending"…│…}
 *   newer   {"apiVersion":"v1",…│"phase":"Running",…"Ready"…│…}
 *            head: as in newer   middle: kept        tail: as in newer
 *
 * Pure. Not here: which values are kept so (mvcc.ts).
 */
export interface Difference {
  /** Bytes at the beginning that are as in the newer value. */
  readonly head: number;
  /** Bytes at the end that are as in the newer value. */
  readonly tail: number;
  readonly middle: Uint8Array;
}

/** O(bytes). The result shares no memory with its arguments. */
export function differenceOf(older: Uint8Array, newer: Uint8Array): Difference {
  const shorter = Math.min(older.byteLength, newer.byteLength);
  let head = 0;
  while (head < shorter && older[head] === newer[head]) head++;
  let tail = 0;
  const [oldEnd, newEnd] = [older.byteLength - 1, newer.byteLength - 1];
  while (tail < shorter - head && older[oldEnd - tail] === newer[newEnd - tail]) tail++;
  return { head, tail, middle: Buffer.from(older.subarray(head, older.byteLength - tail)) };
}

/** The older value again. */
export function restored({ head, tail, middle }: Difference, newer: Uint8Array): Uint8Array {
  return Buffer.concat([newer.subarray(0, head), middle, newer.subarray(newer.byteLength - tail)]);
}
