/**
 * Addresses of simulated machines and of the pods on them. Pure.
 * Not here: which machine has which index (agent/fleet.ts).
 *
 *   index i ─▶ InternalIP 172.16.0.0/12 + 2 + i,  podCIDR 10.<(i>>8)>.<i&255>.0/24 counted from 10.244.0.0
 */

/** Nodes that can have addresses of their own: /24 networks in 10.0.0.0/8. */
export const nodeIndexMax = 65_535;

const firstNetwork = 244 << 8;
/** Addresses of a /24 network without its own, the gateway's and the broadcast address. */
const podsPerNetwork = 253;

export function podCidrOf(index: number): string {
  const network = (firstNetwork + index) & 0xffff;
  return `10.${network >> 8}.${network & 255}.0/24`;
}

/** The index that `podCidrOf` gives this network for, or undefined when it is none of ours. */
export function indexOfPodCidr(podCidr: string): number | undefined {
  const match = /^10\.(\d{1,3})\.(\d{1,3})\.0\/24$/.exec(podCidr);
  if (match === null) return undefined;
  return ((Number(match[1]) << 8) + Number(match[2]) - firstNetwork) & 0xffff;
}

export function internalIpOf(index: number): string {
  const host = index + 2;
  return `172.${16 + ((host >> 16) & 15)}.${(host >> 8) & 255}.${host & 255}`;
}

/** The `slot`-th address of the node's pod network; slot 0 is the first, 252 the last before they repeat. */
export function podIpOf(index: number, slot: number): string {
  const network = (firstNetwork + index) & 0xffff;
  return `10.${network >> 8}.${network & 255}.${2 + (slot % podsPerNetwork)}`;
}
