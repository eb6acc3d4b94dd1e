/**
 * Randomness as a parameter. Not here: the system's source (main/system.ts).
 */

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Version 4 UUID in lower case. */
  uuid(): string;
}

/** Upstream's alphabet for generated name suffixes: no vowels and no look-alikes, so no words appear. */
const nameAlphabet = "bcdfghjklmnpqrstvwxz2456789";

/** `length` characters of `nameAlphabet`; upstream uses 5 for generateName. */
export function nameSuffix(random: Random, length: number): string {
  let suffix = "";
  for (let i = 0; i < length; i++) suffix += nameAlphabet[Math.floor(random.next() * nameAlphabet.length)];
  return suffix;
}

/** Seeded generator (mulberry32): equal seeds give equal sequences on every machine. For simulation and tests. @public */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const hex = (digits: number): string => {
    let text = "";
    for (let i = 0; i < digits; i++) text += Math.floor(next() * 16).toString(16);
    return text;
  };
  const uuid = (): string =>
    `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab"[Math.floor(next() * 4)]}${hex(3)}-${hex(12)}`;
  return { next, uuid };
}
