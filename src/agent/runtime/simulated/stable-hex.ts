/** Made-up ids that are the same whenever one asks. Not here: anything that must be unique by chance. Pure. */

const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** `parts` times 8 hexadecimal digits, the same for the same ASCII text. */
export function stableHex(text: string, parts: number): string {
  let hex = "";
  for (let part = 0; part < parts; part++) {
    // FNV-1a as in machinery, but over the text itself: bytes in between would be most of the cost of a status.
    let hash = fnvOffset ^ part;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime);
    hex += (hash >>> 0).toString(16).padStart(8, "0");
  }
  return hex;
}
