/** Addresses and ranges: spellings, what is refused, what is warned of. */
import { expect, test } from "vitest";
import {
  checkCanonicalCidr,
  checkCanonicalIp,
  checkEndpointIp,
  cidrWarnings,
  formatCidr,
  formatIp,
  ipWarnings,
  parseCidr,
  parseIp,
  rangeOf,
} from "./addresses.ts";
import { textsOf } from "../../testing/kind-fixtures.ts";

test.each<[string, string | undefined]>([
  ["10.9.8.7", "10.9.8.7"],
  ["010.009.8.7", "10.9.8.7"],
  ["256.0.0.1", undefined],
  ["1.2.3", undefined],
  ["", undefined],
  ["::", "::"],
  ["::1", "::1"],
  ["FD00::1", "fd00::1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["1::2::3", undefined],
  ["1:2:3:4:5:6:7:8:9", undefined],
  ["1:2:3:4:5:6:7::8", undefined],
  ["::ffff:10.0.0.1", "10.0.0.1"],
  ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
  ["1:2:3:4:5:6:7:", undefined],
])("%s is %s", (text, canonical) => {
  const ip = parseIp(text);
  expect(ip === undefined ? undefined : formatIp(ip)).toBe(canonical);
});

test.each<[string, string | undefined, bigint]>([
  ["10.96.0.0/16", "10.96.0.0/16", 65_536n],
  ["10.96.3.4/16", "10.96.0.0/16", 65_536n],
  ["10.0.0.1/32", "10.0.0.1/32", 1n],
  ["0.0.0.0/0", "0.0.0.0/0", 1n << 32n],
  ["fd00::1/112", "fd00::/112", 65_536n],
  ["10.0.0.0/33", undefined, 0n],
  ["10.0.0.0", undefined, 0n],
  ["10.0.0.0/", undefined, 0n],
])("the range of %s is %s", (text, canonical, size) => {
  const cidr = parseCidr(text);
  expect(cidr === undefined ? undefined : formatCidr(cidr)).toBe(canonical);
  expect(cidr === undefined ? 0n : rangeOf(cidr).size).toBe(size);
});

test.each<[string, string[]]>([
  ["10.0.0.1", []],
  ["010.0.0.1", ['a: Invalid value: "010.0.0.1": must not have leading 0s']],
  ["::ffff:1.2.3.4", ['a: Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address']],
  ["2001:DB8::1", ['a: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")']],
])("as a name, %s", (text, errors) => {
  expect(textsOf(checkCanonicalIp("a", text))).toEqual(errors);
});

test.each<[string, string[]]>([
  ["10.0.0.0/8", []],
  ["10.0.0.0/08", ['a: Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length']],
  ["10.0.0.1/8", ['a: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length']],
])("as a range, %s", (text, errors) => {
  expect(textsOf(checkCanonicalCidr("a", text))).toEqual(errors);
});

test.each<[string, number]>([
  ["10.0.0.1", 0],
  ["0.0.0.0", 1],
  ["::1", 1],
  ["169.254.1.1", 1],
  ["224.0.0.1", 1],
  ["ff02::1", 1],
  ["fe80::1", 1],
  ["x", 1],
])("as an endpoint, %s has %i errors", (text, count) => {
  expect(checkEndpointIp("a", text)).toHaveLength(count);
});

test("warnings", () => {
  expect(ipWarnings("a", "10.0.0.1")).toEqual([]);
  expect(ipWarnings("a", "010.0.0.1")).toEqual([
    'a: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
  ]);
  expect(ipWarnings("a", "FD00::1")).toEqual([
    'a: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
  ]);
  expect(cidrWarnings("a", "10.0.0.1/8")).toEqual([
    'a: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
  ]);
  expect(cidrWarnings("a", "010.0.0.0/8")).toEqual([
    'a: non-standard CIDR value "010.0.0.0/8" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"',
  ]);
});
