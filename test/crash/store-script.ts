/**
 * What the writer and the test share: the bytes of each write.
 * Lines of the writer: `issue <revision> <put|delete> <key>` before the call, `ack <revision>` after its answer,
 * `compact <revision>` before a compaction. Lines are written synchronously, so a kill loses none.
 */
import { seededRandom } from "../../src/base/index.ts";

/** The value that revision `revision` gives `key`. Any other byte in the store is an error. */
export function valueOf(revision: number, key: string): Uint8Array {
  const random = seededRandom(revision);
  const size = random.next() < 0.01 ? 300_000 : Math.floor(random.next() ** 3 * 12_000);
  const value = new Uint8Array(size + 64).fill(65 + (revision % 26));
  value.set(new TextEncoder().encode(`${revision} ${key}`));
  return value;
}
