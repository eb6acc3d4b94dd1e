/**
 * Pods that no scheduler has bound: told of while their node is desired, deleted when it no longer is.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import { type Node, type Pod, pods, targetNodeName } from "../../api/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";

const noRoom = "0/4 nodes are available: 1 Insufficient cpu, 3 node is filtered out by the prefilter result.";

const tainted = (node: Node): Node => ({
  ...node,
  spec: { ...node.spec, taints: [{ key: "busy", effect: "NoSchedule" }] },
});

const isOn =
  (node: string) =>
  (pod: Pod): boolean =>
    targetNodeName(pod) === node;

/** As a scheduler says it. */
async function refuse(fixture: DaemonSetFixture, pod: Pod, message = noRoom): Promise<void> {
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
  const address = { namespace: "default", name: pod.metadata.name!, subresource: "status" };
  await fixture.cluster.client.patch(pods, address, { type: "strategic", body: { status: { conditions } } });
  await fixture.settle();
}

async function bind(fixture: DaemonSetFixture, pod: Pod, node: string): Promise<void> {
  const { name } = pod.metadata;
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name },
    target: { kind: "Node", name: node },
  };
  const address = { namespace: "default", name: name!, subresource: "binding" };
  await fixture.cluster.client.createSubresource(pods, address, binding);
}

async function placed(fixture: DaemonSetFixture): Promise<string[]> {
  return (await fixture.cluster.eventsOf("foo")).filter((event) => event.includes("FailedPlacement"));
}

describe("a pod without room on a node that gets a taint does not hold up the roll-out", () => {
  for (const [name, strategy] of [
    ["maxUnavailable", rollingUpdate(1)],
    ["maxSurge", rollingUpdate(0, 1)],
  ] as const) {
    test(name, () =>
      withDaemonSets(async (fixture) => {
        await fixture.addNodes(4);
        await fixture.addDaemonSet({ spec: { updateStrategy: strategy } });
        expect(await fixture.sync()).toBe("4/0");
        await fixture.markReady();
        // The roll-out begins at node-0, where the new pod gets no room.
        await fixture.setImage("foo/bar:2");
        await fixture.sync();
        await fixture.sync();
        const isNew = (pod: Pod): boolean => pod.spec.containers[0]!.image === "foo/bar:2";
        const [waiting] = (await fixture.pods()).filter(isNew);
        expect(targetNodeName(waiting!)).toBe("node-0");
        await refuse(fixture, waiting!);
        await fixture.editNode("node-0", tainted);
        for (let step = 0; step < 8; step++) {
          await fixture.sync();
          await fixture.markReady((pod) => !isOn("node-0")(pod));
        }
        const left = (await fixture.pods()).map(
          (pod) => `${targetNodeName(pod)} ${pod.spec.containers[0]!.image}`,
        );
        expect(left.sort()).toEqual(["node-1 foo/bar:2", "node-2 foo/bar:2", "node-3 foo/bar:2"]);
        expect((await fixture.get()).status).toMatchObject({ numberMisscheduled: 0, numberAvailable: 3 });
      }),
    );
  }
});

test("a pod that is bound in the same moment stays, and so do started and ready ones", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(3);
    await fixture.addDaemonSet();
    expect(await fixture.sync()).toBe("3/0");
    const [bound, started, ready] = ["node-0", "node-1", "node-2"].map(isOn);
    const all = await fixture.pods();
    await fixture.setStatus(all.find(started!)!, { ready: false });
    await fixture.setStatus(all.find(ready!)!, { ready: true });
    for (const node of ["node-0", "node-1", "node-2"]) await fixture.editNode(node, tainted);
    fixture.hold("pods");
    await bind(fixture, all.find(bound!)!, "node-0");
    expect(await fixture.sync()).toBe("0/1");
    expect(fixture.cluster.calls.some((call) => call.startsWith("DELETE"))).toBe(true);
    expect(await fixture.pods()).toHaveLength(3);
    await fixture.release();
    expect(await fixture.sync()).toBe("0/0");
    expect(await fixture.cluster.eventsOf("foo")).not.toContainEqual(expect.stringContaining("Delete"));
    // Its end would be somebody else's doing, not the controller's.
    expect(
      fixture.controller.tracked("default/foo")?.writes.isDeleting(all.find(bound!)!.metadata.uid!),
    ).toBe(false);
  }));

test("a pod that gets no place on a desired node is told of once, with node and the scheduler's reason (#23.31)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.sync();
    const [pod] = await fixture.pods();
    expect(await placed(fixture)).toEqual([]);
    await refuse(fixture, pod!);
    expect(await fixture.sync()).toBe("0/0");
    await refuse(fixture, pod!, "0/5 nodes are available: 1 Too many pods.");
    await fixture.sync();
    expect(await placed(fixture)).toEqual([
      `Warning FailedPlacement daemonset-controller: failed to place pod on "node-0": ${noRoom}`,
    ]);
  }));

test("of many pods without a place the first are named, and the number of the others (#23.31)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(5);
    await fixture.addDaemonSet();
    await fixture.sync();
    for (const pod of await fixture.pods()) await refuse(fixture, pod, "no room");
    await fixture.sync();
    const told = await placed(fixture);
    expect(told).toHaveLength(3);
    expect(
      told.filter((event) => event.endsWith("no room; 2 other nodes wait for theirs as well")),
    ).toHaveLength(1);
  }));
