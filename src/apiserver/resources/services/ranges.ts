/**
 * The ranges out of which Services are served, as options spell them. Pure.
 * The lower part of a range is for those who choose by hand; others get from it when nothing else is left.
 * Upstream: kubernetes v1.35, pkg/registry/core/service/ipallocator/ipallocator.go, .../portallocator/allocator.go.
 */
import { type Cidr, formatIp, type IpAddress, parseCidr, rangeOf } from "../../../api/index.ts";

/** As kind has it: 65,534 addresses. */
export const defaultClusterIpRange = "10.96.0.0/16";
export const defaultNodePortRange = "30000-32767";

/** Addresses of the largest range: 20 bits, as upstream. */
const rangeBitsMax = 20;

/** Numbers from `first`, the lower `reserved` of them for choice by hand. */
export interface Range {
  readonly first: bigint;
  readonly size: number;
  readonly reserved: number;
}

export interface AddressRange extends Range {
  readonly cidr: Cidr;
  readonly family: "IPv4" | "IPv6";
}

/** The first address names the network, and the last one of IPv4 is for all of it: nobody has these two. */
function addressRange(cidr: Cidr): AddressRange {
  const { family } = cidr.address;
  const { first, size } = rangeOf(cidr);
  const unusable = family === "IPv4" ? 2n : 1n;
  return {
    cidr,
    family,
    first: first + 1n,
    size: Number(size > unusable ? size - unusable : 0n),
    reserved: reservedOf(Number(size), { step: 16, max: 256 }),
  };
}

export function addressAt(range: AddressRange, index: number): string {
  return formatIp({ family: range.family, value: range.first + BigInt(index) });
}

export function isInRange(range: AddressRange, ip: IpAddress): boolean {
  const index = ip.value - range.first;
  return ip.family === range.family && index >= 0n && index < BigInt(range.size);
}

function reservedOf(size: number, { step, max }: { readonly step: number; readonly max: number }): number {
  const least = 16;
  if (size <= least) return 0;
  return Math.min(Math.max(Math.floor(size / step), least), max);
}

/** One range, or one of each family: `10.96.0.0/16,fd00::/112`. A text that says what is wrong otherwise. */
export function parseClusterIpRanges(text: string): readonly AddressRange[] | string {
  const ranges: AddressRange[] = [];
  for (const part of text.split(",")) {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) return `${part} is no range of addresses such as 10.96.0.0/16`;
    const bits = (cidr.address.family === "IPv4" ? 32 : 128) - cidr.prefixLength;
    if (bits > rangeBitsMax) return `${part} has more than 2^${rangeBitsMax} addresses`;
    ranges.push(addressRange(cidr));
  }
  const families = new Set(ranges.map(({ family }) => family));
  return families.size < ranges.length ? "of each family of addresses there may be one range" : ranges;
}

export interface PortRange extends Range {
  readonly text: string;
}

/** `30000-32767`, or `30000+2767` as upstream also takes it. A text that says what is wrong otherwise. */
export function parsePortRange(text: string): PortRange | string {
  const match = /^(\d{1,5})([-+])(\d{1,5})$/.exec(text.trim());
  if (match === null) return `${text} is no range of ports such as ${defaultNodePortRange}`;
  const first = Number(match[1]);
  const last = match[2] === "-" ? Number(match[3]) : first + Number(match[3]);
  if (first < 1 || last < first || last > 65_535) return `${text} is no range of ports between 1 and 65535`;
  const size = last - first + 1;
  const reserved = reservedOf(size, { step: 32, max: 128 });
  return { first: BigInt(first), size, reserved, text: `${first}-${last}` };
}
