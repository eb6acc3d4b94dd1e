/** Ranges as options spell them, and their parts. */
import { expect, test } from "vitest";
import { addressAt, isInRange, parseClusterIpRanges, parsePortRange, type AddressRange } from "./ranges.ts";
import { parseIp } from "../../../api/index.ts";

function rangeOf(text: string): AddressRange {
  const ranges = parseClusterIpRanges(text);
  if (typeof ranges === "string") throw new Error(ranges);
  return ranges[0]!;
}

test.each<[string, string, string, number]>([
  ["10.96.0.0/16", "10.96.0.1", "10.96.255.254", 256],
  ["10.0.0.0/24", "10.0.0.1", "10.0.0.254", 16],
  ["10.0.0.0/28", "10.0.0.1", "10.0.0.14", 0],
  ["10.0.0.0/20", "10.0.0.1", "10.0.15.254", 256],
  ["fd00::/112", "fd00::1", "fd00::ffff", 256],
])("%s goes from %s to %s, and %i are for choice by hand", (text, first, last, reserved) => {
  const range = rangeOf(text);
  expect(addressAt(range, 0)).toBe(first);
  expect(addressAt(range, range.size - 1)).toBe(last);
  expect(range.reserved).toBe(reserved);
  for (const ip of [first, last]) expect(isInRange(range, parseIp(ip)!)).toBe(true);
});

test("the network's own address, and that for all of it, are in no Service's reach", () => {
  const range = rangeOf("10.0.0.0/24");
  for (const ip of ["10.0.0.0", "10.0.0.255", "10.0.1.1", "fd00::1"])
    expect(isInRange(range, parseIp(ip)!)).toBe(false);
});

test.each([
  ["10.0.0.0", "10.0.0.0 is no range of addresses such as 10.96.0.0/16"],
  ["10.0.0.0/8", "10.0.0.0/8 has more than 2^20 addresses"],
  ["10.0.0.0/16,10.1.0.0/16", "of each family of addresses there may be one range"],
])("%s: %s", (text, why) => expect(parseClusterIpRanges(text)).toBe(why));

test.each([
  ["30000-32767", { first: 30_000n, size: 2_768, reserved: 86, text: "30000-32767" }],
  ["8000+9", { first: 8_000n, size: 10, reserved: 0, text: "8000-8009" }],
  ["100-50", "100-50 is no range of ports between 1 and 65535"],
  ["0-5", "0-5 is no range of ports between 1 and 65535"],
  ["65000-65536", "65000-65536 is no range of ports between 1 and 65535"],
  ["a", "a is no range of ports such as 30000-32767"],
])("ports %s", (text, expected) => expect(parsePortRange(text)).toEqual(expected));
