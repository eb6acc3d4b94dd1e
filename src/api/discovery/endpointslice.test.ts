/** EndpointSlices: defaults, what is valid, when the generation rises, and the row. */
import { expect, test } from "vitest";
import {
  cellsOf,
  decoded,
  errorsOf,
  kindOf,
  metadata,
  updateErrorsOf,
  withPath,
} from "../../testing/kind-fixtures.ts";
import type { Draft } from "../../machinery/index.ts";
import type { EndpointSlice } from "../generated/types.gen.ts";

const schema = "discovery.v1.EndpointSlice";
const slice = {
  metadata,
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.1.2.3"] }],
  ports: [{ name: "a", port: 80 }],
};

test("defaults", () => {
  const object = decoded<EndpointSlice>(schema, { ...slice, endpoints: [], ports: [{ port: 80 }] });
  expect(object).toMatchObject({ endpoints: null, ports: [{ name: "", port: 80, protocol: "TCP" }] });
});

test.each<[path: string, value: unknown, errors: string[]]>([
  ["addressType", "", ["addressType: Required value"]],
  ["endpoints[0].addresses", [], ["endpoints[0].addresses: Required value: must contain at least 1 address"]],
  [
    "endpoints[0].addresses",
    ["::1"],
    [
      'endpoints[0].addresses: Invalid value: "::1": must be an IPv4 address',
      'endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  ],
  ["ports", [{ name: "a" }, { name: "a" }], ['ports[1].name: Duplicate value: "a"']],
  [
    "endpoints[0].hints",
    { forZones: [{ name: "a" }, { name: "a" }] },
    ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
  ],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(slice, path, value))).toEqual(errors);
});

test("names in place of addresses have two segments", () => {
  const named = (name: string): object => ({
    metadata,
    addressType: "FQDN",
    endpoints: [{ addresses: [name] }],
  });
  expect(errorsOf(schema, named("a.example.com"))).toEqual([]);
  expect(errorsOf(schema, named("a"))).toEqual([
    'endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by dots',
  ]);
});

test("the type of addresses stays", () => {
  const other = { metadata, addressType: "IPv6" };
  expect(updateErrorsOf(schema, other, { ...other, addressType: "IPv4" })).toEqual([
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});

test.each<[string, object, number]>([
  ["a label", { metadata: { labels: { a: "b" } } }, 2],
  ["an annotation", { metadata: { annotations: { a: "b" } } }, 1],
  ["an endpoint", { endpoints: [{ addresses: ["10.1.2.4"] }] }, 2],
])("with %s the generation is %3$i", (_, change, generation) => {
  const before = decoded<EndpointSlice>(schema, { ...slice, metadata: { generation: 1 } });
  const object = decoded<Draft<EndpointSlice>>(schema, { ...slice, metadata: {}, ...change });
  object.metadata.generation = 1;
  kindOf(schema).rules.prepareForUpdate?.(object, before, { nowMs: 0, user: { username: "a", groups: [] } });
  expect(object.metadata.generation).toBe(generation);
});

test("row", () => {
  expect(cellsOf(schema, slice)).toMatchObject({ AddressType: "IPv4", Ports: "80", Endpoints: "10.1.2.3" });
  expect(cellsOf(schema, { metadata, addressType: "IPv4", ports: [{ name: "any" }] })).toMatchObject({
    Ports: "any",
    Endpoints: "<unset>",
  });
});
