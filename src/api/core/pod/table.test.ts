/** The row of a pod: upstream's cases of its Status cell among them. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, hourOld, layoutOf } from "../../../testing/kind-fixtures.ts";
import type { ContainerStatus, Pod } from "../../generated/types.gen.ts";

const schema = "core.v1.Pod";

test("columns", () => {
  expect(columnsOf(schema)).toEqual([
    ["Name", "Ready", "Status", "Restarts", "Age"],
    ["IP", "Node", "Nominated Node", "Readiness Gates"],
  ]);
});

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
    metadata: deleted ? { ...hourOld, deletionTimestamp: "2026-01-01T01:00:30Z" } : hourOld,
    spec: {
      containers: (main.length === 0 ? [status("a", {})] : main).map(({ name }) => ({ name })),
      initContainers: init.map(({ name }) => ({
        name,
        ...(sidecars.includes(name) ? { restartPolicy: "Always" } : {}),
      })),
    },
    status: { phase: "Running", containerStatuses: main, initContainerStatuses: init, ...more },
  };
  const cells = cellsOf(schema, pod);
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
  const cells = cellsOf(schema, {
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
  expect(cellsOf(schema, { spec: { containers: [] }, status: {} })).toMatchObject({
    IP: "<none>",
    Node: "<none>",
    "Readiness Gates": "<none>",
  });
});

test("a pod that has ended says so in its row", () => {
  const of = (phase: string): unknown =>
    layoutOf(schema).conditions?.({ metadata: {}, status: { phase } } as unknown as Pod);
  expect(of("Running")).toBeUndefined();
  expect(of("Failed")).toEqual([
    { type: "Completed", status: "True", reason: "Failed", message: expect.any(String) as string },
  ]);
  expect(of("Succeeded")).toMatchObject([{ reason: "Succeeded" }]);
});
