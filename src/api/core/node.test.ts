/** Nodes: what is valid, what may change, what the server sets, and the row. */
import { expect, test } from "vitest";
import {
  cellsOf,
  columnsOf,
  created,
  decoded,
  errorsOf,
  hourOld,
  kindOf,
  textsOf,
  updateErrorsOf,
  withPath,
} from "../../testing/kind-fixtures.ts";
import type { Node } from "../generated/types.gen.ts";

const schema = "core.v1.Node";
const node = { metadata: { name: "n" } };
const taint = { key: "a", value: "b", effect: "NoSchedule" };

test("valid", () => expect(errorsOf(schema, node)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  ["spec.taints", [taint, { ...taint, effect: "NoExecute" }], []],
  [
    "spec.taints",
    [taint, { ...taint, value: "c" }],
    [
      'metadata.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"a","value":"c"}: taints must be unique by key and effect pair',
    ],
  ],
  [
    "spec.taints",
    [{ ...taint, effect: "X" }],
    [
      'metadata.taints[0].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
  ],
  ["spec.taints", [{ ...taint, effect: "" }], ["metadata.taints[0].effect: Required value"]],
  ["spec.podCIDR", "10.0.0.0/24", []],
  [
    "spec.podCIDRs",
    ["10.0.0.0"],
    [
      'spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ],
  [
    "spec.podCIDRs",
    ["10.0.0.0/24", "10.0.1.0/24"],
    [
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  ],
  ["spec.podCIDRs", ["10.0.0.0/24", "fd00::/64"], []],
  [
    "status.capacity",
    { cpu: "-1" },
    [
      'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
      'status.allocatable.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ],
  ],
  [
    "status.capacity",
    { pods: "1500m" },
    [
      'status.capacity.pods: Invalid value: "1500m": must be an integer',
      'status.allocatable.pods: Invalid value: "1500m": must be an integer',
    ],
  ],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(node, path, value))).toEqual(errors);
});

test.each<[object, object, string[]]>([
  [{ podCIDR: "10.0.0.0/24" }, {}, []],
  [
    { podCIDR: "10.0.1.0/24", podCIDRs: ["10.0.0.0/24"] },
    { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24"] },
    ['spec.podCIDR: Forbidden: node updates may not change podCIDR except from "" to valid'],
  ],
  [
    { podCIDR: "10.0.1.0/24" },
    { podCIDR: "10.0.0.0/24" },
    ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
  ],
  [
    {},
    { providerID: "a" },
    ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid'],
  ],
])("spec %j after %j", (spec, before, errors) => {
  expect(updateErrorsOf(schema, { ...node, spec }, { ...node, spec: before })).toEqual(errors);
});

test("an address stands once", () => {
  const address = { type: "InternalIP", address: "1.2.3.4" };
  const object = decoded<Node>(schema, { ...node, status: { addresses: [address, address] } });
  expect(textsOf(kindOf(schema).rules.validateStatusUpdate?.(object, object))).toEqual([
    'status.addresses[1]: Duplicate value: {"address":"1.2.3.4","type":"InternalIP"}',
  ]);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([
    ["Name", "Status", "Roles", "Age", "Version"],
    ["Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"],
  ]);
});

const ready = (value: string): object => ({ status: { conditions: [{ type: "Ready", status: value }] } });
test.each<[object, string]>([
  [ready("True"), "Ready"],
  [ready("False"), "NotReady"],
  [ready("Unknown"), "NotReady"],
  [{ status: {} }, "Unknown"],
  [{ ...ready("True"), spec: { unschedulable: true } }, "Ready,SchedulingDisabled"],
])("status of %j is %s", (object, expected) => {
  expect(cellsOf(schema, { spec: {}, ...object })["Status"]).toBe(expected);
});

test("roles, versions and addresses", () => {
  const labels = {
    "node-role.kubernetes.io/worker": "",
    "node-role.kubernetes.io/": "",
    "kubernetes.io/role": "infra",
    "node-role.kubernetes.io/control-plane": "",
  };
  const nodeInfo = { kubeletVersion: "v1.35.0", osImage: "Linux" };
  const addresses = [{ type: "InternalIP", address: "10.0.0.1" }];
  const node = { metadata: { ...hourOld, labels }, spec: {}, status: { nodeInfo, addresses } };
  expect(cellsOf(schema, node)).toEqual({
    Name: "n",
    Status: "Unknown",
    Roles: "control-plane,infra,worker",
    Age: "60m",
    Version: "v1.35.0",
    "Internal-IP": "10.0.0.1",
    "External-IP": "<none>",
    "OS-Image": "Linux",
    "Kernel-Version": "<unknown>",
    "Container-Runtime": "<unknown>",
  });
  expect(cellsOf(schema, { spec: {} })["Roles"]).toBe("<none>");
});

test("nodes keep the status that they register with; allocatable follows capacity", () => {
  const node = created<Node>(schema, {
    metadata: { name: "n" },
    spec: { podCIDR: "10.0.0.0/24" },
    status: { capacity: { cpu: "4" } },
  });
  expect(node.status).toMatchObject({ capacity: { cpu: "4" }, allocatable: { cpu: "4" } });
  expect(node.spec.podCIDRs).toEqual(["10.0.0.0/24"]);
});
