/**
 * Images of simulated runtimes: which can be pulled, and how large they are. Pure.
 * Not here: how long a pull takes (behaviour.ts, runtime.ts).
 */
import { fnv1a32 } from "../../../machinery/index.ts";

/** Why a pull of this image fails, or undefined when it works. Names under `.invalid` never resolve (RFC 2606). */
export function pullErrorOf(image: string): string | undefined {
  const host = image.includes("/") ? image.slice(0, image.indexOf("/")) : "";
  const name = host.replace(/:\d+$/, "");
  if (!name.endsWith(".invalid")) return undefined;
  return `failed to pull and unpack image "${image}": failed to resolve reference "${image}": dial tcp: lookup ${name}: no such host`;
}

/** What a pull says that fails because somebody asked for it. */
export function askedPullErrorOf(image: string): string {
  return `failed to pull and unpack image "${image}": not found (simulated by lares.dev/simulate)`;
}

/** A plausible size that stays the same for the same image. */
export function imageBytes(image: string): number {
  return 20_000_000 + (fnv1a32(image) % 180_000_000);
}
