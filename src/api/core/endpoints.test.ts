/** Endpoints: ports are TCP unless they say otherwise; what is valid, and the row. */
import { expect, test } from "vitest";
import { cellsOf, decoded, errorsOf, metadata } from "../../testing/kind-fixtures.ts";
import type { Endpoints } from "../generated/types.gen.ts";

const schema = "core.v1.Endpoints";

test("protocol", () => {
  const subsets = [{ ports: [{ port: 80 }, { port: 53, protocol: "UDP" }] }];
  const object = decoded<Endpoints>(schema, { metadata, subsets });
  expect(object.subsets?.[0]?.ports?.map(({ protocol }) => protocol)).toEqual(["TCP", "UDP"]);
});

test.each<[object, string[]]>([
  [{ addresses: [{ ip: "10.1.2.3" }], ports: [{ port: 80 }] }, []],
  [
    { ports: [{ port: 80 }] },
    ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
  ],
  [
    { notReadyAddresses: [{ ip: "127.0.0.1" }] },
    [
      'subsets[0].notReadyAddresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  ],
  [
    { addresses: [{ ip: "10.1.2.3" }], ports: [{ port: 1 }, { port: 2 }] },
    ["subsets[0].ports[0].name: Required value", "subsets[0].ports[1].name: Required value"],
  ],
])("%j", (subset, errors) => {
  expect(errorsOf(schema, { metadata, subsets: [subset] })).toEqual(errors);
});

test("those of this server may be on loopback, where no others may be", () => {
  const subsets = [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 6443 }] }];
  const of = (name: string): string[] =>
    errorsOf(schema, { metadata: { name, namespace: "default" }, subsets });
  expect(of("kubernetes")).toEqual([]);
  expect(of("other")).toHaveLength(1);
});

test.each<[object[], string]>([
  [[], "<none>"],
  [[{ addresses: [{ ip: "10.1.2.3" }] }], "10.1.2.3"],
  [
    [{ addresses: [{ ip: "10.1.2.3" }, { ip: "fd00::1" }], ports: [{ port: 80 }] }],
    "10.1.2.3:80,[fd00::1]:80",
  ],
  [
    [{ addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }], ports: [{ port: 1 }, { port: 2 }] }],
    "10.0.0.1:1,10.0.0.2:1,10.0.0.1:2 + 1 more...",
  ],
])("%j shows as %s", (subsets, text) => {
  expect(cellsOf(schema, { metadata, subsets })).toMatchObject({ Endpoints: text });
});
