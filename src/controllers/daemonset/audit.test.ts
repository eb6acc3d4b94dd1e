/** What events have left wrong heals: at the next audit, or at once after a handler has thrown. */
import { expect, test } from "vitest";
import { type DaemonSet, daemonsets, nodes, pods } from "../../api/index.ts";
import { type Metrics, silentMetrics } from "../../base/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { createDaemonSetController, type DaemonSetController } from "./index.ts";
import { buildSlice } from "./tracked-daemonset.ts";

/** An audit comes at the first sweep that is ten minutes after the last one. */
const auditWithinMs = 600_000;
const labels = { app: "x" };
const daemonSet: DaemonSet = {
  metadata: { name: "foo", namespace: "default" },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "i" }] } },
  },
};

interface Rig {
  readonly cluster: TestCluster;
  readonly controller: DaemonSetController;
  /** `reason` of each repair. */
  readonly repairs: string[];
}

/** A running controller with a DaemonSet on so many nodes. */
async function withController(size: number, body: (rig: Rig) => Promise<void>): Promise<void> {
  await withCluster(async (cluster) => {
    const repairs: string[] = [];
    const metrics: Metrics = {
      ...silentMetrics,
      counter: (name, ...rest) =>
        name === "lares_daemonset_repairs_total"
          ? { add: (_count, given = {}) => void repairs.push(given["reason"] ?? "") }
          : silentMetrics.counter(name, ...rest),
    };
    const dependencies = { ...cluster.dependencies("daemonset-controller"), metrics };
    const controller = createDaemonSetController({ placement: "controller", burst: size }, dependencies);
    await cluster.start(controller);
    for (let i = 0; i < size; i++) {
      const { metadata, ...rest } = makeNode(`n${i}`);
      await cluster.client.create(nodes, { ...rest, metadata: { name: metadata.name! } });
    }
    await cluster.client.create(daemonsets, daemonSet);
    await cluster.advance(1_000);
    await body({ cluster, controller, repairs });
  });
}

const tracked = ({ controller }: Rig): NonNullable<ReturnType<DaemonSetController["tracked"]>> =>
  controller.tracked("default/foo")!;

test("a slot, a pod and a count that are wrong are right again after ten minutes, and it is told", () =>
  withController(3, async (rig) => {
    const { cluster, controller, repairs } = rig;
    const spoils = [
      () => tracked(rig).slots.removeNode("n1"),
      () => tracked(rig).slots.removePod([...tracked(rig).slots.pods()][0]!.uid),
      () => void Object.assign(tracked(rig).slots.slot("n2")!, { bits: 0 }),
    ];
    for (const spoil of spoils) {
      spoil();
      expect(controller.recount()).not.toEqual([]);
      await cluster.advance(auditWithinMs);
      expect(controller.recount()).toEqual([]);
    }
    expect(repairs).toEqual(["audit", "audit", "audit"]);
    expect(cluster.complaints.filter((text) => text.startsWith("an audit found"))).toHaveLength(3);
    expect(await cluster.client.list(pods)).toMatchObject({ items: { length: 3 } });
    await cluster.advance(3 * auditWithinMs);
    expect(repairs).toHaveLength(3);
  }));

test("an audit gives way after each slice, and what changes meanwhile is no disagreement", () =>
  withController(3, async (rig) => {
    const { cluster } = rig;
    const steps = tracked(rig).recountInSlices(1);
    let count = 0;
    for (const wrong of steps) {
      expect(wrong).toEqual([]);
      count++;
      if (count === 2) await cluster.client.delete(nodes, { name: "n2" });
      if (count === 4) await cluster.client.create(nodes, { metadata: { name: "n9" }, spec: {} });
      await cluster.advance(0);
    }
    // Three nodes, three pods and the sums.
    expect(count).toBe(7);
    expect(buildSlice).toBeLessThanOrEqual(1_000);
  }));

test("after a handler has thrown, everything is built anew at once", () =>
  withController(2, async (rig) => {
    const { cluster, controller, repairs } = rig;
    const wrong = tracked(rig);
    const put = wrong.put.bind(wrong);
    wrong.put = () => {
      wrong.put = put;
      throw new Error("a defect");
    };
    const [pod] = (await cluster.client.list(pods)).items;
    const conditions = [{ type: "Ready", status: "True" }];
    await cluster.client.patch(
      pods,
      { namespace: "default", name: pod!.metadata.name!, subresource: "status" },
      { type: "strategic", body: { status: { conditions } } },
    );
    await cluster.advance(1_000);
    expect(controller.recount()).toEqual([]);
    expect(
      (await cluster.client.get(daemonsets, { namespace: "default", name: "foo" })).status,
    ).toMatchObject({
      numberReady: 1,
    });
    expect(repairs).toEqual(["handler"]);
    expect(cluster.complaints.some((text) => text.startsWith("informer handler failed"))).toBe(true);
  }));
