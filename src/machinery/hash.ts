/**
 * Small hashes for names. Not here: anything that must resist an attacker.
 */

/** Upstream's alphabet for safe names; same letters as base's nameAlphabet. */
const safeAlphabet = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, 32 bit, unsigned, over bytes (a text counts as its UTF-8 bytes). `seed` continues an earlier hash. */
export function fnv1a32(data: string | Uint8Array, seed = 0x811c9dc5): number {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Maps each byte of the text (decimal digits, usually) into letters that form no words: byte mod 27. */
export function safeEncode(text: string): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text))
    encoded += safeAlphabet[byte % safeAlphabet.length] ?? "";
  return encoded;
}
