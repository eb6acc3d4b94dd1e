/** Cells as `kubectl get` shows them, kind by kind. */
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../machinery/index.ts";
import { kinds } from "../kind-table.ts";
import type { TableLayout } from "../parts/kinds.ts";
import type { ContainerStatus, Event, Pod } from "../generated/types.gen.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");
const created = { name: "n", creationTimestamp: "2026-01-01T00:00:00Z" };

function layoutOf(schema: string): TableLayout {
  const table = kinds.find((kind) => kind.schema === schema)?.table;
  if (table === undefined) throw new Error(`no table for ${schema}`);
  return table;
}

/** Cells by column name. */
function cellsOf(schema: string, object: object): Record<string, unknown> {
  const { columns, cells } = layoutOf(schema);
  const row = cells({ metadata: created, ...object } as KubeObject, nowMs);
  expect(row).toHaveLength(columns.length);
  return Object.fromEntries(columns.map((column, index) => [column.name, row[index]]));
}

test.each<[string, string[], string[]]>([
  [
    "core.v1.Pod",
    ["Name", "Ready", "Status", "Restarts", "Age"],
    ["IP", "Node", "Nominated Node", "Readiness Gates"],
  ],
  [
    "core.v1.Node",
    ["Name", "Status", "Roles", "Age", "Version"],
    ["Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"],
  ],
  [
    "apps.v1.DaemonSet",
    ["Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age"],
    ["Containers", "Images", "Selector"],
  ],
  ["apps.v1.ControllerRevision", ["Name", "Controller", "Revision", "Age"], []],
  [
    "core.v1.Event",
    ["Last Seen", "Type", "Reason", "Object", "Message"],
    ["Subobject", "Source", "First Seen", "Count", "Name"],
  ],
  ["core.v1.Namespace", ["Name", "Status", "Age"], []],
  ["coordination.v1.Lease", ["Name", "Holder", "Age"], []],
  ["core.v1.ConfigMap", ["Name", "Data", "Age"], []],
  ["core.v1.Secret", ["Name", "Type", "Data", "Age"], []],
  ["core.v1.ServiceAccount", ["Name", "Secrets", "Age"], []],
  ["core.v1.Service", ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"], ["Selector"]],
  [
    "policy.v1.PodDisruptionBudget",
    ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
    [],
  ],
  ["scheduling.v1.PriorityClass", ["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"], []],
])("columns of %s", (schema, shown, wide) => {
  const { columns } = layoutOf(schema);
  expect(columns.filter((column) => column.priority === 0).map((column) => column.name)).toEqual(shown);
  expect(columns.filter((column) => column.priority === 1).map((column) => column.name)).toEqual(wide);
});

test("message stands after source in events", () => {
  expect(layoutOf("core.v1.Event").columns.map((column) => column.name)).toEqual([
    "Last Seen",
    "Type",
    "Reason",
    "Object",
    "Subobject",
    "Source",
    "Message",
    "First Seen",
    "Count",
    "Name",
  ]);
  expect(layoutOf("events.v1.Event").columns).toBe(layoutOf("core.v1.Event").columns);
});

describe("pods", () => {
  const status = (name: string, more: Partial<ContainerStatus>): ContainerStatus => ({
    name,
    image: "i",
    imageID: "",
    ready: false,
    restartCount: 0,
    ...more,
  });
  const running = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus =>
    status(name, { ready: true, state: { running: {} }, ...more });
  const waiting = (name: string, reason: string): ContainerStatus =>
    status(name, { state: { waiting: { reason } } });
  const ended = (
    name: string,
    exitCode: number,
    more: { reason?: string; signal?: number } = {},
  ): ContainerStatus => status(name, { state: { terminated: { exitCode, ...more } } });
  const condition = (type: string, reason?: string): object => ({
    type,
    status: reason === undefined ? "True" : "False",
    ...(reason === undefined ? {} : { reason }),
  });

  interface Given {
    readonly init?: readonly ContainerStatus[];
    readonly main?: readonly ContainerStatus[];
    readonly sidecars?: readonly string[];
    readonly status?: object;
    readonly deleted?: boolean;
  }
  const shown = ({
    init = [],
    main = [],
    sidecars = [],
    status: more = {},
    deleted = false,
  }: Given): unknown[] => {
    const pod = {
      metadata: deleted ? { ...created, deletionTimestamp: "2026-01-01T01:00:30Z" } : created,
      spec: {
        containers: (main.length === 0 ? [status("a", {})] : main).map(({ name }) => ({ name })),
        initContainers: init.map(({ name }) => ({
          name,
          ...(sidecars.includes(name) ? { restartPolicy: "Always" } : {}),
        })),
      },
      status: { phase: "Running", containerStatuses: main, initContainerStatuses: init, ...more },
    };
    const cells = cellsOf("core.v1.Pod", pod);
    return [cells["Ready"], cells["Status"], cells["Restarts"]];
  };

  const pending = { phase: "Pending" };
  test.each<[string, Given, unknown[]]>([
    ["fresh", { status: pending }, ["0/1", "Pending", "0"]],
    ["reason of the pod", { status: { phase: "Failed", reason: "Evicted" } }, ["0/1", "Evicted", "0"]],
    [
      "gated",
      { status: { ...pending, conditions: [condition("PodScheduled", "SchedulingGated")] } },
      ["0/1", "SchedulingGated", "0"],
    ],
    ["running", { main: [running("a"), running("b")] }, ["2/2", "Running", "0"]],
    ["one not ready", { main: [running("a"), running("b", { ready: false })] }, ["1/2", "Running", "0"]],
    [
      "creating",
      { main: [waiting("a", "ContainerCreating")], status: pending },
      ["0/1", "ContainerCreating", "0"],
    ],
    [
      "the first waiting container wins",
      { main: [waiting("a", "First"), waiting("b", "Second")] },
      ["0/2", "First", "0"],
    ],
    ["ended with a reason", { main: [ended("a", 1, { reason: "Error" })] }, ["0/1", "Error", "0"]],
    ["ended by a signal", { main: [ended("a", 137, { signal: 9 })] }, ["0/1", "Signal:9", "0"]],
    ["ended without a reason", { main: [ended("a", 3)] }, ["0/1", "ExitCode:3", "0"]],
    [
      "completed while another runs, ready",
      {
        main: [ended("a", 0, { reason: "Completed" }), running("b")],
        status: { conditions: [condition("Ready")] },
      },
      ["1/2", "Running", "0"],
    ],
    [
      "completed while another runs, not ready",
      { main: [ended("a", 0, { reason: "Completed" }), running("b")] },
      ["1/2", "NotReady", "0"],
    ],
    [
      "a failure is not hidden by Completed",
      { main: [ended("a", 0, { reason: "Completed" }), ended("b", 1, { reason: "Error" })] },
      ["0/2", "Error", "0"],
    ],
    [
      "init 0 of 2",
      { init: [waiting("i", "PodInitializing"), status("j", {})], status: pending },
      ["0/1", "Init:0/2", "0"],
    ],
    [
      "init 1 of 2",
      { init: [ended("i", 0), running("j", { ready: false })], status: pending },
      ["0/1", "Init:1/2", "0"],
    ],
    [
      "init failed",
      { init: [ended("i", 1, { reason: "Error" })], status: pending },
      ["0/1", "Init:Error", "0"],
    ],
    [
      "init failed by a signal",
      { init: [ended("i", 137, { signal: 9 })], status: pending },
      ["0/1", "Init:Signal:9", "0"],
    ],
    [
      "init failed without a reason",
      { init: [ended("i", 2)], status: pending },
      ["0/1", "Init:ExitCode:2", "0"],
    ],
    [
      "init crashes",
      { init: [waiting("i", "CrashLoopBackOff")], status: pending },
      ["0/1", "Init:CrashLoopBackOff", "0"],
    ],
    [
      "sidecar counts",
      { init: [running("s", { started: true })], sidecars: ["s"], main: [running("a")] },
      ["2/2", "Running", "0"],
    ],
    [
      "sidecar not started",
      {
        init: [running("s", { started: false })],
        sidecars: ["s"],
        main: [waiting("a", "PodInitializing")],
        status: pending,
      },
      ["0/2", "Init:0/1", "0"],
    ],
    [
      "restarts of init containers while initializing",
      {
        init: [{ ...waiting("i", "CrashLoopBackOff"), restartCount: 2 }, status("j", { restartCount: 9 })],
        status: pending,
      },
      ["0/1", "Init:CrashLoopBackOff", "2"],
    ],
    [
      "initialized: their restarts count no longer",
      { init: [{ ...ended("i", 0), restartCount: 4 }], main: [running("a", { restartCount: 1 })] },
      ["1/1", "Running", "1"],
    ],
    [
      "a failed init container of an initialized pod: containers count, the reason stays",
      {
        init: [ended("i", 1, { reason: "Error" })],
        main: [running("a")],
        status: { conditions: [condition("Initialized")] },
      },
      ["1/1", "Init:Error", "0"],
    ],
    [
      "last restart, newest first",
      {
        main: [
          running("a", {
            restartCount: 1,
            lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:50:00Z" } },
          }),
          running("b", {
            restartCount: 2,
            lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:59:00Z" } },
          }),
        ],
      },
      ["2/2", "Running", "3 (60s ago)"],
    ],
    ["deleted", { main: [running("a")], deleted: true }, ["1/1", "Terminating", "0"]],
    [
      "deleted on a lost node",
      { main: [running("a")], deleted: true, status: { reason: "NodeLost" } },
      ["1/1", "Unknown", "0"],
    ],
    ["deleted after its end", { deleted: true, status: { phase: "Succeeded" } }, ["0/1", "Succeeded", "0"]],
  ])("%s", (_name, given, expected) => {
    expect(shown(given)).toEqual(expected);
  });

  test("wide cells", () => {
    const spec = {
      containers: [],
      nodeName: "node",
      readinessGates: [{ conditionType: "a" }, { conditionType: "b" }],
    };
    const cells = cellsOf("core.v1.Pod", {
      spec,
      status: { phase: "Running", podIPs: [{ ip: "10.0.0.1" }], conditions: [condition("a")] },
    });
    expect(cells).toMatchObject({
      Age: "60m",
      IP: "10.0.0.1",
      Node: "node",
      "Nominated Node": "<none>",
      "Readiness Gates": "1/2",
    });
    expect(cellsOf("core.v1.Pod", { spec: { containers: [] }, status: {} })).toMatchObject({
      IP: "<none>",
      Node: "<none>",
      "Readiness Gates": "<none>",
    });
  });

  test("a pod that has ended says so in its row", () => {
    const of = (phase: string): unknown =>
      layoutOf("core.v1.Pod").conditions?.({ metadata: {}, status: { phase } } as unknown as Pod);
    expect(of("Running")).toBeUndefined();
    expect(of("Failed")).toEqual([
      { type: "Completed", status: "True", reason: "Failed", message: expect.any(String) as string },
    ]);
    expect(of("Succeeded")).toMatchObject([{ reason: "Succeeded" }]);
  });
});

describe("nodes", () => {
  const ready = (value: string): object => ({ status: { conditions: [{ type: "Ready", status: value }] } });
  test.each<[object, string]>([
    [ready("True"), "Ready"],
    [ready("False"), "NotReady"],
    [ready("Unknown"), "NotReady"],
    [{ status: {} }, "Unknown"],
    [{ ...ready("True"), spec: { unschedulable: true } }, "Ready,SchedulingDisabled"],
  ])("status of %j is %s", (object, expected) => {
    expect(cellsOf("core.v1.Node", { spec: {}, ...object })["Status"]).toBe(expected);
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
    const node = { metadata: { ...created, labels }, spec: {}, status: { nodeInfo, addresses } };
    expect(cellsOf("core.v1.Node", node)).toEqual({
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
    expect(cellsOf("core.v1.Node", { spec: {} })["Roles"]).toBe("<none>");
  });
});

test("daemonsets", () => {
  const containers = [
    { name: "a", image: "i:1" },
    { name: "b", image: "j:2" },
  ];
  const status = {
    desiredNumberScheduled: 5,
    currentNumberScheduled: 4,
    numberReady: 3,
    updatedNumberScheduled: 2,
    numberAvailable: 1,
    numberMisscheduled: 0,
  };
  const selector = {
    matchLabels: { app: "agent" },
    matchExpressions: [{ key: "x", operator: "In", values: ["a", "b"] }],
  };
  const spec = { selector, template: { spec: { containers, nodeSelector: { z: "1", a: "2" } } } };
  expect(cellsOf("apps.v1.DaemonSet", { spec, status })).toEqual({
    Name: "n",
    Desired: 5,
    Current: 4,
    Ready: 3,
    "Up-to-date": 2,
    Available: 1,
    "Node Selector": "a=2,z=1",
    Age: "60m",
    Containers: "a,b",
    Images: "i:1,j:2",
    Selector: "app=agent,x in (a,b)",
  });
  const bare = { spec: { selector: {}, template: { spec: { containers: [] } } } };
  expect(cellsOf("apps.v1.DaemonSet", bare)).toMatchObject({
    Desired: 0,
    "Node Selector": "<none>",
    Selector: "<none>",
  });
});

test("controllerrevisions", () => {
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "u", controller: true };
  expect(
    cellsOf("apps.v1.ControllerRevision", {
      metadata: { ...created, ownerReferences: [owner] },
      revision: 7,
    }),
  ).toMatchObject({ Controller: "daemonset.apps/agent", Revision: 7 });
  expect(cellsOf("apps.v1.ControllerRevision", { revision: 1 })).toMatchObject({ Controller: "<none>" });
});

describe("events", () => {
  const base = {
    involvedObject: { kind: "Pod", name: "p" },
    type: "Normal",
    reason: "Started",
    message: " up \n",
  };
  test.each<[string, object, object]>([
    [
      "counted",
      { firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:59:00Z", count: 3 },
      { "Last Seen": "60s", "First Seen": "60m", Count: 3 },
    ],
    [
      "of one time",
      { eventTime: "2026-01-01T00:59:30.000000Z", count: 0 },
      { "Last Seen": "30s", "First Seen": "30s", Count: 1 },
    ],
    [
      "in a series",
      {
        eventTime: "2026-01-01T00:00:00.000000Z",
        series: { count: 8, lastObservedTime: "2026-01-01T00:59:59.000000Z" },
      },
      { "Last Seen": "1s", "First Seen": "60m", Count: 8 },
    ],
    ["without times", {}, { "Last Seen": "<unknown>", "First Seen": "<unknown>" }],
    ["with a source", { source: { component: "kubelet", host: "n1" } }, { Source: "kubelet, n1" }],
    ["with a reporter", { source: {}, reportingComponent: "r", reportingInstance: "i" }, { Source: "r, i" }],
    ["with neither host", { source: { component: "kubelet" } }, { Source: "kubelet" }],
    ["of a kind only", { involvedObject: { kind: "Node" } }, { Object: "node" }],
    [
      "of a part",
      { involvedObject: { kind: "Pod", name: "p", fieldPath: "spec.containers{a}" } },
      { Object: "pod/p", Subobject: "spec.containers{a}", Message: "up" },
    ],
  ])("%s", (_name, more, expected) => {
    expect(cellsOf("core.v1.Event", { ...base, ...more })).toMatchObject(expected);
  });

  test("in their newer shape look the same", () => {
    const newer = {
      regarding: base.involvedObject,
      note: base.message,
      type: "Normal",
      reason: "Started",
      reportingController: "r",
      deprecatedCount: 2,
      deprecatedFirstTimestamp: "2026-01-01T00:00:00Z",
      deprecatedLastTimestamp: "2026-01-01T00:59:00Z",
    };
    const older: Partial<Event> = {
      ...base,
      reportingComponent: "r",
      count: 2,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:59:00Z",
    };
    expect(cellsOf("events.v1.Event", newer)).toEqual(cellsOf("core.v1.Event", older));
  });
});

describe("services", () => {
  test.each<[object, object]>([
    [
      {
        type: "ClusterIP",
        clusterIP: "10.0.0.1",
        ports: [
          { port: 80, protocol: "TCP" },
          { port: 53, nodePort: 30053, protocol: "UDP" },
        ],
      },
      {
        "Cluster-IP": "10.0.0.1",
        "External-IP": "<none>",
        "Port(s)": "80/TCP,53:30053/UDP",
        Selector: "<none>",
      },
    ],
    [{ type: "LoadBalancer" }, { "External-IP": "<pending>", "Port(s)": "<none>" }],
    [
      { type: "ExternalName", externalName: "a.b" },
      { "External-IP": "a.b", "Cluster-IP": "<none>" },
    ],
    [
      { type: "NodePort", externalIPs: ["1.2.3.4", "5.6.7.8"], selector: { a: "b" } },
      { "External-IP": "1.2.3.4,5.6.7.8", Selector: "a=b" },
    ],
  ])("%j", (spec, expected) => {
    expect(cellsOf("core.v1.Service", { spec })).toMatchObject(expected);
  });

  test("of a load balancer that is there", () => {
    const status = { loadBalancer: { ingress: [{ ip: "1.2.3.4" }, { hostname: "h" }] } };
    expect(cellsOf("core.v1.Service", { spec: { type: "LoadBalancer" }, status })).toMatchObject({
      "External-IP": "1.2.3.4,h",
    });
  });
});

test.each<[string, object, object]>([
  ["core.v1.Namespace", { status: { phase: "Active" } }, { Status: "Active" }],
  ["coordination.v1.Lease", { spec: { holderIdentity: "me" } }, { Holder: "me" }],
  ["core.v1.ConfigMap", { data: { a: "", b: "" }, binaryData: { c: "" } }, { Data: 3 }],
  ["core.v1.Secret", { type: "Opaque", data: { a: "" } }, { Type: "Opaque", Data: 1 }],
  ["core.v1.ServiceAccount", { secrets: [{}, {}] }, { Secrets: 2 }],
  [
    "policy.v1.PodDisruptionBudget",
    { spec: { maxUnavailable: "10%" }, status: { disruptionsAllowed: 2 } },
    { "Min Available": "N/A", "Max Unavailable": "10%", "Allowed Disruptions": 2 },
  ],
  [
    "scheduling.v1.PriorityClass",
    { value: 5, preemptionPolicy: "Never" },
    { Value: 5, "Global-Default": false, PreemptionPolicy: "Never" },
  ],
  ["core.v1.Namespace", { metadata: { name: "n" } }, { Age: "<unknown>" }],
])("%s %j", (schema, object, expected) => {
  expect(cellsOf(schema, object)).toMatchObject(expected);
});
