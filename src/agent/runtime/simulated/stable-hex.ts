/** Made-up ids that are the same whenever one asks. Not here: anything that must be unique by chance. Pure. */
import { fnv1a32 } from "../../../machinery/index.ts";

/** `parts` times 8 hexadecimal digits, the same for the same text. */
export function stableHex(text: string, parts: number): string {
  const bytes = new TextEncoder().encode(text);
  let hex = "";
  for (let part = 0; part < parts; part++)
    hex += fnv1a32(bytes, 0x811c9dc5 ^ part)
      .toString(16)
      .padStart(8, "0");
  return hex;
}
