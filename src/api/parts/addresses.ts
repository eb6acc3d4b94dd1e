/**
 * IP addresses and CIDR values: reading, writing, and what upstream says of bad ones.
 * Older fields take a spelling with leading zeros (`010.0.0.1`) and warn; newer ones take the canonical spelling only.
 * Not here: which addresses a Service gets (apiserver/resources/services).
 * Upstream: kubernetes v1.35, apimachinery/pkg/util/validation/ip.go, pkg/apis/core/validation/validation.go (ValidateEndpointIP).
 */
import { type FieldError, goQuote, invalidValue } from "../../machinery/index.ts";

/** `None` of a Service is none of these. */
export interface IpAddress {
  readonly family: "IPv4" | "IPv6";
  readonly value: bigint;
  /** An IPv4 address that was written as an IPv6 one: `::ffff:10.0.0.1`. */
  readonly isMapped: boolean;
}

export interface Cidr {
  /** The address as it is written; it may have bits beyond the prefix. */
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** Undefined for what is no address. Leading zeros are read as decimal. */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(":")) {
    const value = parseIpv4(text);
    return value === undefined ? undefined : { family: "IPv4", value, isMapped: false };
  }
  const value = parseIpv6(text);
  if (value === undefined) return undefined;
  if (value >> 32n === 0xffffn) return { family: "IPv4", value: value & 0xffffffffn, isMapped: true };
  return { family: "IPv6", value, isMapped: false };
}

/** The canonical spelling (RFC 5952). */
export function formatIp({ family, value }: Pick<IpAddress, "family" | "value">): string {
  return family === "IPv4" ? bytesOf(value, 4).join(".") : formatIpv6(value);
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const bits = text.slice(slash + 1);
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  if (address === undefined || !/^\d{1,9}$/.test(bits)) return undefined;
  const prefixLength = Number(bits);
  const longest = address.family === "IPv4" && !address.isMapped ? 32 : 128;
  return prefixLength > longest ? undefined : { address, prefixLength };
}

/** How many addresses the range has, and the first of them. */
export function rangeOf({ address, prefixLength }: Cidr): { readonly first: bigint; readonly size: bigint } {
  const size = 1n << BigInt(widthOf(address) - prefixLength);
  return { first: address.value & ~(size - 1n), size };
}

export function formatCidr(cidr: Cidr): string {
  const { first } = rangeOf(cidr);
  return `${formatIp({ family: cidr.address.family, value: first })}/${cidr.prefixLength}`;
}

const ipText = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const cidrText = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

export function checkIp(field: string, value: string): FieldError[] {
  return parseIp(value) === undefined ? [invalidValue(field, value, ipText)] : [];
}

export function checkCidr(field: string, value: string): FieldError[] {
  return parseCidr(value) === undefined ? [invalidValue(field, value, cidrText)] : [];
}

/** An address in its canonical spelling. */
export function checkCanonicalIp(field: string, value: string): FieldError[] {
  const ip = parseIp(value);
  if (ip === undefined) return [invalidValue(field, value, ipText)];
  if (hasLeadingZeros(value)) return [invalidValue(field, value, "must not have leading 0s")];
  if (ip.isMapped) return [invalidValue(field, value, "must not be an IPv4-mapped IPv6 address")];
  const canonical = formatIp(ip);
  return value === canonical
    ? []
    : [invalidValue(field, value, `must be in canonical form (${goQuote(canonical)})`)];
}

/** A range in its canonical spelling. */
export function checkCanonicalCidr(field: string, value: string): FieldError[] {
  const cidr = parseCidr(value);
  const refused = (text: string): FieldError[] => [invalidValue(field, value, text)];
  if (cidr === undefined) return refused(cidrText);
  const [address = "", bits = ""] = value.split("/");
  if (hasLeadingZeros(address) || /^0\d/.test(bits))
    return refused("must not have leading 0s in IP or prefix length");
  if (cidr.address.isMapped) return refused("must not have an IPv4-mapped IPv6 address");
  if (rangeOf(cidr).first !== cidr.address.value)
    return refused("must not have bits set beyond the prefix length");
  const canonical = formatCidr(cidr);
  return value === canonical ? [] : refused(`must be in canonical form (${goQuote(canonical)})`);
}

/** Addresses that no endpoint can have. */
export function checkEndpointIp(field: string, value: string): FieldError[] {
  const ip = parseIp(value);
  if (ip === undefined) return [invalidValue(field, value, "must be a valid IP address")];
  const within = (cidr: string): boolean => contains(parseCidr(cidr)!, ip);
  const special: readonly (readonly [string, readonly string[]])[] = [
    [`may not be unspecified (${value})`, ["0.0.0.0/32", "::/128"]],
    ["may not be in the loopback range (127.0.0.0/8, ::1/128)", ["127.0.0.0/8", "::1/128"]],
    ["may not be in the link-local range (169.254.0.0/16, fe80::/10)", ["169.254.0.0/16", "fe80::/10"]],
    ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)", ["224.0.0.0/24", "ff02::/16"]],
  ];
  return special
    .filter(([, ranges]) => ranges.some(within))
    .map(([text]) => invalidValue(field, value, text));
}

function contains(cidr: Cidr, ip: IpAddress): boolean {
  if (cidr.address.family !== ip.family) return false;
  const { first, size } = rangeOf(cidr);
  return ip.value >= first && ip.value < first + size;
}

/** What a client is told of an address that is valid today. */
export function ipWarnings(field: string, value: string): string[] {
  const ip = parseIp(value);
  if (ip === undefined) return [];
  const canonical = formatIp(ip);
  if (hasLeadingZeros(value) || ip.isMapped) return [`${field}: ${outdated("IP address", value, canonical)}`];
  if (value === canonical) return [];
  return [
    `${field}: IPv6 address ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`,
  ];
}

/** The same of a range. */
export function cidrWarnings(field: string, value: string): string[] {
  const cidr = parseCidr(value);
  if (cidr === undefined) return [];
  const [address = "", bits = ""] = value.split("/");
  const { first } = rangeOf(cidr);
  if (first !== cidr.address.value) {
    const host = formatIp(cidr.address);
    const longest = widthOf(cidr.address);
    return [
      `${field}: CIDR value ${goQuote(value)} is ambiguous in this context (should be ${goQuote(formatCidr(cidr))} or ${goQuote(`${host}/${longest}`)}?)`,
    ];
  }
  const canonical = formatCidr(cidr);
  if (hasLeadingZeros(address) || /^0\d/.test(bits) || cidr.address.isMapped)
    return [`${field}: ${outdated("CIDR value", value, canonical)}`];
  if (value === canonical) return [];
  return [
    `${field}: IPv6 CIDR value ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`,
  ];
}

function outdated(what: string, value: string, canonical: string): string {
  return `non-standard ${what} ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(canonical)}`;
}

function widthOf({ family, isMapped }: IpAddress): number {
  return family === "IPv4" && !isMapped ? 32 : 128;
}

function hasLeadingZeros(text: string): boolean {
  return text.includes(".") && /(?:^|[.:])0\d+(?=\.|$)/.test(text);
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const lastColon = text.lastIndexOf(":");
  const tail = text.slice(lastColon + 1);
  const v4 = tail.includes(".") ? parseIpv4(tail) : undefined;
  if (tail.includes(".") && v4 === undefined) return undefined;
  const words = (value: bigint): string => `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  const whole = v4 === undefined ? text : `${text.slice(0, lastColon + 1)}${words(v4)}`;
  const halves = whole.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], end = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = [...head, ...end];
  if (!given.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (halves.length === 2 ? given.length > 7 : given.length !== 8) return undefined;
  const groups = [...head, ...Array<string>(8 - given.length).fill("0"), ...end];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function bytesOf(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * (count - 1 - at))) & 0xffn));
}

/** The longest run of at least two zero groups, the first of equals, is written as `::`. */
function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((value >> BigInt(16 * (7 - at))) & 0xffffn).toString(16),
  );
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (groups[to] === "0") to++;
    if (to - from > best.length) best = { from, length: to - from };
  }
  if (best.length === 1) return groups.join(":");
  const head = groups.slice(0, best.from).join(":");
  return `${head}::${groups.slice(best.from + best.length).join(":")}`;
}
