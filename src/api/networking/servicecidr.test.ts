/** ServiceCIDRs: one range for each family of addresses, and a second one may be added. */
import { expect, test } from "vitest";
import { cellsOf, errorsOf, updateErrorsOf } from "../../testing/kind-fixtures.ts";

const schema = "networking.v1.ServiceCIDR";
const withRanges = (...cidrs: string[]): object => ({ metadata: { name: "a" }, spec: { cidrs } });

test.each<[string[], string[]]>([
  [["10.1.0.0/24", "fd00::/112"], []],
  [[], ["spec.cidrs: Required value: at least one CIDR required"]],
  [
    ["10.1.0.0/24", "10.2.0.0/24"],
    [
      'spec.cidrs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  ],
  [
    ["10.1.0.1/24"],
    ['spec.cidrs[0]: Invalid value: "10.1.0.1/24": must not have bits set beyond the prefix length'],
  ],
])("%j", (cidrs, errors) => {
  expect(errorsOf(schema, withRanges(...cidrs))).toEqual(errors);
});

test.each<[string[], string[], string[]]>([
  [["10.1.0.0/24"], ["10.1.0.0/24", "fd00::/112"], []],
  [["10.1.0.0/24"], ["10.2.0.0/24"], ['spec.cidrs[0]: Invalid value: "10.2.0.0/24": field is immutable']],
  [
    ["10.1.0.0/24", "fd00::/112"],
    ["10.1.0.0/24"],
    ['spec.cidrs: Invalid value: ["10.1.0.0/24"]: field is immutable'],
  ],
])("%j to %j", (before, now, errors) => {
  expect(updateErrorsOf(schema, withRanges(...now), withRanges(...before))).toEqual(errors);
});

test("row", () =>
  expect(cellsOf(schema, withRanges("10.1.0.0/24", "fd00::/112"))).toMatchObject({
    CIDRs: "10.1.0.0/24,fd00::/112",
  }));
