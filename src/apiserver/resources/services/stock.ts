/**
 * Takes numbers out of a range, one for each taker: which of them are taken is told by creations in the store.
 *
 *   ask for one   it is free, or taken
 *   ask for any   random ones above the reserved part; after many misses each one in turn, the reserved part last
 *
 * Not here: what stands for a number in the store (cluster-ips.ts, node-ports.ts).
 */
import type { Random } from "../../../base/index.ts";
import type { Range } from "./ranges.ts";

/** Random numbers that are tried. With nine of ten taken, all but one of 29 allocations have found one by then. */
const randomTries = 32;

/**
 * An index into the range that is now taken; undefined when nothing is left.
 * @param take false when somebody has the number. With `mayBeFree` it is asked for those alone of which that is not known.
 */
export async function takeAny(
  range: Range,
  random: Random,
  take: {
    readonly mayBeFree: (index: number) => boolean;
    readonly tryTake: (index: number) => Promise<boolean>;
  },
): Promise<number | undefined> {
  const { size, reserved } = range;
  const open = size - reserved;
  const draw = (): number => Math.floor(random.next() * open);
  const isMine = async (index: number): Promise<boolean> =>
    take.mayBeFree(index) && (await take.tryTake(index));
  for (let attempt = 0; attempt < randomTries && open > 0; attempt++) {
    const index = reserved + draw();
    if (await isMine(index)) return index;
  }
  const from = open > 0 ? draw() : 0;
  for (let step = 0; step < open; step++) {
    const index = reserved + ((from + step) % open);
    if (await isMine(index)) return index;
  }
  for (let index = 0; index < Math.min(reserved, size); index++) if (await isMine(index)) return index;
  return undefined;
}
