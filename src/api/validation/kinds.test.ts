/** Rules of the small kinds: nodes, namespaces, configmaps, secrets, services, leases, priority classes, events, budgets. */
import { describe, expect, test } from "vitest";
import type { Namespace, Node } from "../generated/types.gen.ts";
import {
  decoded,
  errorsOf,
  kindOf,
  metadata,
  textsOf,
  updateErrorsOf,
  withPath,
} from "../../testing/kind-fixtures.ts";

type Case = readonly [path: string, value: unknown, errors: readonly string[]];

function table(schema: string, input: object, cases: readonly Case[]): void {
  test("valid", () => expect(errorsOf(schema, input)).toEqual([]));
  test.each(cases)("%s = %j", (path, value, errors) => {
    expect(errorsOf(schema, withPath(input, path, value))).toEqual(errors);
  });
}

describe("nodes", () => {
  const node = { metadata: { name: "n" } };
  const taint = { key: "a", value: "b", effect: "NoSchedule" };
  table("core.v1.Node", node, [
    ["spec.taints", [taint, { ...taint, effect: "NoExecute" }], []],
    [
      "spec.taints",
      [taint, { ...taint, value: "c" }],
      [
        'spec.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"a","value":"c"}: taints must be unique by key and effect pair',
      ],
    ],
    [
      "spec.taints",
      [{ ...taint, effect: "X" }],
      [
        'spec.taints[0].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      ],
    ],
    ["spec.taints", [{ ...taint, effect: "" }], ["spec.taints[0].effect: Required value"]],
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
        'status.capacity[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        'status.allocatable[cpu]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      "status.capacity",
      { pods: "1500m" },
      [
        'status.capacity[pods]: Invalid value: "1500m": must be an integer',
        'status.allocatable[pods]: Invalid value: "1500m": must be an integer',
      ],
    ],
  ]);

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
    expect(updateErrorsOf("core.v1.Node", { ...node, spec }, { ...node, spec: before })).toEqual(errors);
  });

  test("an address stands once", () => {
    const address = { type: "InternalIP", address: "1.2.3.4" };
    const object = decoded<Node>("core.v1.Node", { ...node, status: { addresses: [address, address] } });
    expect(textsOf(kindOf("core.v1.Node").rules.validateStatusUpdate?.(object, object))).toEqual([
      'status.addresses[1]: Duplicate value: {"address":"1.2.3.4","type":"InternalIP"}',
    ]);
  });
});

test.each<[string, string | undefined, string[]]>([
  ["Active", undefined, []],
  ["Terminating", "2026-01-01T00:00:00Z", []],
  [
    "Terminating",
    undefined,
    ["status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"],
  ],
  [
    "Active",
    "2026-01-01T00:00:00Z",
    [
      "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty",
    ],
  ],
])("namespace phase %s, deleted %s", (phase, deletionTimestamp, errors) => {
  const input = {
    metadata: { name: "n", ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    status: { phase },
  };
  const object = decoded<Namespace>("core.v1.Namespace", input);
  expect(textsOf(kindOf("core.v1.Namespace").rules.validateStatusUpdate?.(object, object))).toEqual(errors);
});

const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const frozen = "Forbidden: field is immutable when `immutable` is set";

describe("configmaps", () => {
  const configMap = { metadata, data: { a: "b" } };
  table("core.v1.ConfigMap", configMap, [
    ["data", { "a b": "c" }, [`data[a b]: Invalid value: "a b": ${keyText}`]],
    ["data", { "..": "c" }, ["data[..]: Invalid value: \"..\": must not be '..'"]],
    ["binaryData", { a: "YQ==" }, ['data[a]: Invalid value: "a": duplicate of key present in binaryData']],
    ["data", { a: "x".repeat(1_048_576) }, []],
    ["data", { a: "x".repeat(1_048_577) }, ["[]: Too long: may not be more than 1048576 bytes"]],
  ]);
  test("an immutable one stays as it is", () => {
    const before = { ...configMap, immutable: true };
    expect(updateErrorsOf("core.v1.ConfigMap", before, configMap)).toEqual([]);
    expect(
      updateErrorsOf("core.v1.ConfigMap", { ...configMap, data: { a: "c" }, immutable: false }, before),
    ).toEqual([`immutable: ${frozen}`, `data: ${frozen}`]);
  });
});

describe("secrets", () => {
  const secret = { metadata, stringData: { a: "b" } };
  table("core.v1.Secret", secret, [
    ["stringData", { "a b": "c" }, [`data[a b]: Invalid value: "a b": ${keyText}`]],
    ["stringData", { a: "x".repeat(1_048_577) }, ["data: Too long: may not be more than 1048576 bytes"]],
    ["type", "kubernetes.io/tls", ["data[tls.crt]: Required value", "data[tls.key]: Required value"]],
    ["type", "kubernetes.io/dockerconfigjson", ["data[.dockerconfigjson]: Required value"]],
    [
      "type",
      "kubernetes.io/basic-auth",
      ["data[username]: Required value", "data[password]: Required value"],
    ],
    [
      "type",
      "kubernetes.io/service-account-token",
      ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ],
    ["type", "constructor", []],
  ]);
  test("the type never changes, an immutable one not at all", () => {
    expect(updateErrorsOf("core.v1.Secret", { ...secret, type: "x/y" }, secret)).toEqual([
      'type: Invalid value: "x/y": field is immutable',
    ]);
    const before = { ...secret, immutable: true };
    expect(updateErrorsOf("core.v1.Secret", { ...before, stringData: { a: "c" } }, before)).toEqual([
      `data: ${frozen}`,
    ]);
  });
});

describe("services", () => {
  const service = { metadata, spec: { ports: [{ port: 80 }] } };
  table("core.v1.Service", service, [
    [
      "metadata.name",
      "1a",
      [
        "metadata.name: Invalid value: \"1a\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ["spec.ports", [], ["spec.ports: Required value"]],
    ["spec", { clusterIP: "None" }, []],
    [
      "spec.ports",
      [{ port: 0 }],
      [
        "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
      ],
    ],
    ["spec.ports", [{ port: 1 }, { port: 2, name: "a" }], ["spec.ports[0].name: Required value"]],
    [
      "spec.ports",
      [
        { port: 1, name: "a" },
        { port: 1, name: "b" },
      ],
      ['spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}'],
    ],
    [
      "spec.type",
      "Odd",
      [
        'spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [
      "spec.sessionAffinity",
      "Odd",
      ['spec.sessionAffinity: Unsupported value: "Odd": supported values: "ClientIP", "None"'],
    ],
    ["spec", { type: "ExternalName" }, ["spec.externalName: Required value"]],
  ]);
});

describe("leases", () => {
  table("coordination.v1.Lease", { metadata, spec: { leaseDurationSeconds: 40 } }, [
    ["spec.leaseDurationSeconds", 0, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]],
    [
      "spec.leaseTransitions",
      -1,
      ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"],
    ],
  ]);
});

describe("priority classes", () => {
  const priorityClass = { metadata: { name: "high" }, value: 10 };
  const reserved =
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error:";
  table("scheduling.v1.PriorityClass", priorityClass, [
    [
      "value",
      1_000_000_001,
      ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
    ],
    ["metadata.name", "system-mine", [`${reserved} system-mine is not a known system priority class`]],
    [
      "metadata.name",
      "system-node-critical",
      [`${reserved} value of system-node-critical PriorityClass must be 2000001000`],
    ],
    [
      "preemptionPolicy",
      "X",
      ['preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"'],
    ],
  ]);
  test("its value never changes", () => {
    expect(
      updateErrorsOf(
        "scheduling.v1.PriorityClass",
        { ...priorityClass, value: 11, preemptionPolicy: "Never" },
        priorityClass,
      ),
    ).toEqual([
      "value: Forbidden: may not be changed in an update.",
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]);
  });
});

describe("events", () => {
  const wrong = (namespace: string): string[] => [
    `involvedObject.namespace: Invalid value: "${namespace}": does not match event.namespace`,
  ];
  table("core.v1.Event", { metadata, involvedObject: { namespace: "default", name: "p" } }, [
    ["involvedObject.namespace", undefined, []],
    ["involvedObject.namespace", "other", wrong("other")],
    ["metadata.namespace", "other", wrong("default")],
  ]);
});

describe("disruption budgets", () => {
  table("policy.v1.PodDisruptionBudget", { metadata, spec: { minAvailable: 1, selector: {} } }, [
    [
      "spec.maxUnavailable",
      1,
      [
        'spec: Invalid value: {"maxUnavailable":1,"minAvailable":1,"selector":{}}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
    ["spec.minAvailable", -1, ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"]],
    [
      "spec.minAvailable",
      "x",
      [
        "spec.minAvailable: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
    [
      "spec.unhealthyPodEvictionPolicy",
      "X",
      [
        'spec.unhealthyPodEvictionPolicy: Unsupported value: "X": supported values: "AlwaysAllow", "IfHealthyBudget"',
      ],
    ],
  ]);
});
