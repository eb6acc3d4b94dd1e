/** Upstream's daemon_controller_test.go, placement: the cases that the room's other tests do not have. */
import { describe, expect, test } from "vitest";
import { type NodeStatus, type PodSpec, type Taint, targetNodeName } from "../../../api/index.ts";
import { blue, withDaemonSets } from "../../../testing/daemonset-fixture.ts";
import { makeNode } from "../../../testing/cluster-objects.ts";
import { nodeChange } from "../placement.ts";
import { both, foreignPod, hungry, smallNode } from "../../../testing/upstream-cases.ts";

const condition = (type: string, status: string): Partial<NodeStatus> => ({ conditions: [{ type, status }] });
const hostPort = (port: number): Partial<PodSpec> => ({
  containers: [{ name: "main", image: "foo/bar", ports: [{ containerPort: port, hostPort: port }] }],
});

describe("conditions alone decide nothing", () => {
  both("TestNotReadyNodeDaemonDoesLaunchPod", async (fixture, updateStrategy) => {
    await fixture.addNodes(1, { status: condition("Ready", "False") });
    await fixture.addDaemonSet({ spec: { updateStrategy } });
    expect(await fixture.sync()).toBe("1/0");
  });

  both("TestNetworkUnavailableNodeDaemonLaunchesPod", async (fixture, updateStrategy) => {
    await fixture.addNodes(1, {
      status: condition("NetworkUnavailable", "True"),
      taints: [{ key: "node.kubernetes.io/network-unavailable", effect: "NoSchedule" }],
    });
    await fixture.addDaemonSet({ spec: { updateStrategy }, podSpec: { hostNetwork: true } });
    expect(await fixture.sync()).toBe("1/0");
  });
});

describe("neither do resources nor ports: that is the scheduler's business", () => {
  both("TestInsufficientCapacityNodeDaemonDoesNotUnscheduleRunningPod", async (fixture, updateStrategy) => {
    await fixture.addNodes(1, { status: smallNode });
    await foreignPod(fixture, { ...hungry, nodeName: "node-0" });
    await fixture.addDaemonSet({ spec: { updateStrategy }, podSpec: { ...hungry, nodeName: "node-0" } });
    expect(await fixture.sync()).toBe("1/0");
  });

  both(
    "TestInsufficientCapacityNodeSufficientCapacityWithNodeLabelDaemonLaunchPod",
    async (fixture, updateStrategy) => {
      await fixture.addNodes(1, { status: { allocatable: { memory: "50M", cpu: "50m", pods: "100" } } });
      await fixture.addNodes(1, { first: 1, labels: blue, status: smallNode });
      await fixture.addDaemonSet({ spec: { updateStrategy }, podSpec: { ...hungry, nodeSelector: blue } });
      expect(await fixture.sync()).toBe("1/0");
      expect((await fixture.pods()).map(targetNodeName)).toEqual(["node-1"]);
    },
  );

  both("TestPortConflictWithSameDaemonPodDoesNotDeletePod", async (fixture, updateStrategy) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet({
      spec: { updateStrategy },
      podSpec: { ...hostPort(666), nodeName: "node-0" },
    });
    expect(await fixture.sync()).toBe("1/0");
    expect(await fixture.sync()).toBe("0/0");
  });

  both("TestNoPortConflictNodeDaemonLaunchesPod", async (fixture, updateStrategy) => {
    await fixture.addNodes(1);
    await foreignPod(fixture, { ...hostPort(6661), nodeName: "node-0" });
    await fixture.addDaemonSet({
      spec: { updateStrategy },
      podSpec: { ...hostPort(6662), nodeName: "node-0" },
    });
    expect(await fixture.sync()).toBe("1/0");
  });
});

both("TestSelectorDaemonSetLaunchesPods", async (fixture, updateStrategy) => {
  await fixture.addNodes(4);
  await fixture.addNodes(3, { first: 4, labels: { ...blue, zone: "a" } });
  await fixture.addDaemonSet({ spec: { updateStrategy }, podSpec: { nodeSelector: blue } });
  expect(await fixture.sync()).toBe("3/0");
});

test("TestAddNode: a node that matches wakes the DaemonSet, one that does not wakes nobody", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addDaemonSet({ podSpec: { nodeSelector: blue } });
    await fixture.sync();
    fixture.enqueued();
    await fixture.addNodes(1);
    expect(fixture.enqueued()).toEqual([]);
    await fixture.addNodes(1, { first: 1, labels: blue });
    expect(fixture.enqueued()).toEqual(["default/foo"]);
    expect(await fixture.sync()).toBe("1/0");
  }));

describe("TestShouldIgnoreNodeUpdate", () => {
  const taint: Taint = { key: "dedicated", effect: "NoSchedule" };
  const cases = [
    { name: "identical nodes", before: {}, after: {}, ignored: true },
    { name: "labels differ", before: {}, after: { labels: { a: "b" } }, ignored: false },
    { name: "taints differ", before: {}, after: { spec: { taints: [taint] } }, ignored: false },
    { name: "taints in another order", before: {}, after: { spec: { taints: [] } }, ignored: true },
    {
      name: "conditions and allocatable differ",
      before: {},
      after: { status: { ...smallNode, ...condition("Ready", "False") } },
      ignored: true,
    },
  ];
  for (const { name, before, after, ignored } of cases) {
    test(name, () => {
      expect(nodeChange(makeNode("n", before), makeNode("n", after)) === undefined).toBe(ignored);
    });
  }
});
