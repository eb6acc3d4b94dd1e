/**
 * Placement `controller-legacy` (docs/spec/daemonset-controller.md#19.2): what upstream's unit tests of 1.11 said of
 * resources, ports and conditions.
 */
import { describe, expect, test } from "vitest";
import { nodes, type NodeStatus, type PodSpec, targetNodeName } from "../../api/index.ts";
import { makeNode, makePod } from "../../testing/cluster-objects.ts";
import { type DaemonSetFixture, withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { deletePod, foreignPod, hungry, smallNode } from "../../testing/upstream-cases.ts";
import { legacyAnswer, refusalText, takenPorts } from "./legacy-placement.ts";

const welcome = { shouldRun: true, shouldContinue: true };
const port = (hostPort: number, hostIP?: string): PodSpec => ({
  containers: [
    {
      name: "c",
      ports: [{ containerPort: hostPort, hostPort, ...(hostIP === undefined ? {} : { hostIP }) }],
    },
  ],
});
const asking = (requests: Record<string, string>): PodSpec => ({
  containers: [{ name: "c", resources: { requests } }],
});

describe("legacyAnswer", () => {
  interface Case {
    readonly name: string;
    readonly spec: PodSpec;
    readonly others?: readonly PodSpec[];
    readonly status?: Partial<NodeStatus>;
    readonly phase?: string;
    readonly runs?: boolean;
    readonly refusal?: string;
  }
  const full =
    "Node didn't have enough resource: memory, requested: 75000000, used: 75000000, capacity: 100000000";
  const pressure = (type: string): Partial<NodeStatus> => ({
    ...smallNode,
    conditions: [{ type, status: "True" }],
  });
  const plain: PodSpec = { containers: [{ name: "c" }] };
  const cases: readonly Case[] = [
    { name: "an empty node", spec: asking({ cpu: "100m" }) },
    {
      name: "memory is used by another",
      spec: asking({ memory: "75M" }),
      others: [asking({ memory: "75M" })],
      refusal: full,
    },
    {
      name: "the other has ended",
      spec: asking({ memory: "75M" }),
      others: [asking({ memory: "75M" })],
      phase: "Failed",
    },
    {
      name: "too little processor",
      spec: asking({ cpu: "1500m" }),
      refusal: "Node didn't have enough resource: cpu, requested: 1500, used: 0, capacity: 200",
    },
    {
      name: "no room for one more pod",
      spec: plain,
      others: [plain],
      status: { allocatable: { pods: "1" } },
      refusal: "Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1",
    },
    {
      name: "a resource that the node does not have",
      spec: asking({ "example.com/gpu": "1" }),
      refusal: "Node didn't have enough resource: example.com/gpu, requested: 1, used: 0, capacity: 0",
    },
    { name: "the port is taken", spec: port(80), others: [port(80)], runs: false },
    { name: "another port is taken", spec: port(80), others: [port(81)] },
    {
      name: "the port is taken at another address",
      spec: port(80, "10.0.0.1"),
      others: [port(80, "10.0.0.2")],
    },
    {
      name: "the port is taken at all addresses",
      spec: port(80, "10.0.0.1"),
      others: [port(80)],
      runs: false,
    },
    {
      name: "disk pressure",
      spec: asking({ cpu: "1m" }),
      status: pressure("DiskPressure"),
      refusal: "node(s) had disk pressure",
    },
    {
      name: "memory pressure and best effort",
      spec: plain,
      status: pressure("MemoryPressure"),
      refusal: "node(s) had memory pressure",
    },
    {
      name: "memory pressure and a request",
      spec: asking({ cpu: "1m" }),
      status: pressure("MemoryPressure"),
    },
  ];
  for (const {
    name,
    spec,
    others = [],
    status = smallNode,
    phase = "Running",
    runs = true,
    refusal,
  } of cases) {
    test(name, () => {
      const pods = others.map((other, i) => ({ ...makePod(`p${i}`, { spec: other }), status: { phase } }));
      const answer = legacyAnswer(spec, makeNode("n", { status }), { basic: welcome, others: pods });
      expect(answer.placement).toEqual({ shouldRun: runs, shouldContinue: runs });
      expect(answer.refusal.map(refusalText)[0]).toBe(refusal);
    });
  }

  test("every obstacle is told, upstream's first one in front, and every pod that has a port of the template", () => {
    const status = pressure("DiskPressure");
    const big = asking({ cpu: "1500m", memory: "200M" });
    const { refusal } = legacyAnswer(big, makeNode("n", { status }), { basic: welcome, others: [] });
    expect(refusal).toEqual([
      { why: "NodePressure", condition: "DiskPressure" },
      { why: "InsufficientResource", resource: "cpu", requested: 1500, used: 0, capacity: 200 },
      {
        why: "InsufficientResource",
        resource: "memory",
        requested: 200_000_000,
        used: 0,
        capacity: 100_000_000,
      },
    ]);
    const others = [80, 81, 80].map((number, i) => makePod(`p${i}`, { spec: port(number) }));
    expect(takenPorts(port(80), others)).toEqual([
      { why: "HostPortTaken", port: "TCP/80", by: "default/p0" },
      { why: "HostPortTaken", port: "TCP/80", by: "default/p2" },
    ]);
  });

  test("a node that the template does not want is not looked at further", () => {
    const basic = { shouldRun: false, shouldContinue: false };
    const answer = legacyAnswer(port(80), makeNode("n"), {
      basic,
      others: [makePod("p", { spec: port(80) })],
    });
    expect(answer).toEqual({ placement: basic, refusal: [] });
  });
});

function withLegacy(body: (fixture: DaemonSetFixture) => Promise<void>): Promise<void> {
  return withDaemonSets(body, { placement: "controller-legacy" });
}

test("a full node counts as desired, gets no pod but an event, and its pod as soon as there is room (upstream: one at once)", () =>
  withLegacy(async (fixture) => {
    await fixture.addNodes(2, { status: smallNode });
    const other = await foreignPod(fixture, { ...hungry, nodeName: "node-0" });
    await fixture.addDaemonSet({ podSpec: hungry });
    expect(await fixture.sync()).toBe("1/0");
    expect((await fixture.pods()).map(({ spec }) => [spec.nodeName, spec.schedulerName])).toContainEqual([
      "node-1",
      "kubernetes.io/daemonset-controller",
    ]);
    expect((await fixture.get()).status).toMatchObject({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 1,
    });
    const events = async (): Promise<string[]> =>
      (await fixture.cluster.eventsOf("foo")).filter((event) => event.includes("FailedPlacement"));
    expect(await events()).toEqual([
      `Warning FailedPlacement daemonset-controller: failed to place pod on "node-0": Node didn't have enough resource: memory, requested: 75000000, used: 75000000, capacity: 100000000`,
    ]);
    expect([await fixture.sync(), (await events()).length]).toEqual(["0/0", 1]);
    fixture.enqueued();
    await deletePod(fixture, other);
    expect(fixture.enqueued()).toEqual(["default/foo"]);
    expect(await fixture.sync()).toBe("1/0");
  }));

test("a node whose port is taken is not wanted, and an own pod there goes", () =>
  withLegacy(async (fixture) => {
    await fixture.addNodes(1);
    const ports = [{ name: "main", image: "foo/bar", ports: [{ containerPort: 80, hostPort: 80 }] }];
    await fixture.addDaemonSet({ podSpec: { containers: ports } });
    expect(await fixture.sync()).toBe("1/0");
    expect(await fixture.sync()).toBe("0/0");
    fixture.enqueued();
    await foreignPod(fixture, { containers: ports, nodeName: "node-0" });
    expect(fixture.enqueued()).toEqual(["default/foo"]);
    expect(await fixture.sync()).toBe("0/1");
    expect((await fixture.get()).status?.desiredNumberScheduled).toBe(0);
  }));

test("a foreign pod that ends makes room while it is still there", () =>
  withLegacy(async (fixture) => {
    await fixture.addNodes(1, { status: smallNode });
    const other = await foreignPod(fixture, { ...hungry, nodeName: "node-0" });
    await fixture.addDaemonSet({ podSpec: hungry });
    expect(await fixture.sync()).toBe("0/0");
    fixture.enqueued();
    await fixture.setStatus(other, { phase: "Succeeded" });
    expect(fixture.enqueued()).toEqual(["default/foo"]);
    expect(await fixture.sync()).toBe("1/0");
  }));

test("a node that grows, or whose pressure ends, wakes the DaemonSet; a heartbeat does not", () =>
  withLegacy(async (fixture) => {
    await fixture.addNodes(1, { status: { allocatable: { memory: "50M", cpu: "1", pods: "9" } } });
    await fixture.addDaemonSet({ podSpec: hungry });
    expect(await fixture.sync()).toBe("0/0");
    fixture.enqueued();
    const setStatus = async (status: Partial<NodeStatus>): Promise<readonly string[]> => {
      const node = await fixture.cluster.client.get(nodes, { name: "node-0" });
      await fixture.cluster.client.update(
        nodes,
        { ...node, status: { ...node.status, ...status } },
        { subresource: "status" },
      );
      await fixture.settle();
      return fixture.enqueued();
    };
    expect(
      await setStatus({
        conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-02T00:00:00Z" }],
      }),
    ).toEqual([]);
    expect(
      await setStatus({
        allocatable: smallNode.allocatable,
        conditions: [{ type: "DiskPressure", status: "True" }],
      }),
    ).toEqual([]);
    expect(await fixture.sync()).toBe("0/0");
    expect(await setStatus({ conditions: [{ type: "DiskPressure", status: "False" }] })).toEqual([
      "default/foo",
    ]);
    expect(await fixture.sync()).toBe("1/0");
  }));

test("of two DaemonSets only one finds room; a roll-out looks at the node without its own old pod", () =>
  withLegacy(async (fixture) => {
    await fixture.addNodes(1, { status: smallNode });
    await fixture.addDaemonSet({ podSpec: hungry });
    await fixture.addDaemonSet({ podSpec: hungry }, "second");
    expect([await fixture.sync(), await fixture.sync("second")]).toEqual(["1/0", "0/0"]);
    await fixture.markReady();
    await fixture.setImage("foo/bar:2");
    expect([await fixture.sync(), await fixture.sync("foo")]).toEqual(["0/1", "1/0"]);
    expect((await fixture.pods()).map(targetNodeName)).toEqual(["node-0"]);
    await fixture.setImage("foo/bar:3", { containers: [{ name: "main", image: "foo/bar:3" }] });
    await fixture.markReady();
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
    expect(await fixture.sync("second")).toBe("1/0");
  }));
