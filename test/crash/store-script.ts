/**
 * What the process that dies and the one that checks agree on: which writes are made, and which bytes they carry.
 * A line of the dying process: `issue <revision> <put|delete> <key>` before the call, `ack <revision>` after its answer,
 * `compact <revision>` before a compaction. Lines go out synchronously, so death loses none that was written.
 */
import { seededRandom } from "../../src/base/index.ts";

/** Bytes of the value that revision `revision` gives `key`: any other byte in the store is a fault. */
export function valueOf(revision: number, key: string): Uint8Array {
  const random = seededRandom(revision);
  const size = random.next() < 0.01 ? 300_000 : Math.floor(random.next() ** 3 * 12_000);
  const value = new Uint8Array(size + 64).fill(65 + (revision % 26));
  value.set(new TextEncoder().encode(`${revision} ${key}`));
  return value;
}
