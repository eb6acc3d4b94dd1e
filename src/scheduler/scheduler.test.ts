/** The scheduler against the real API server: pods get nodes, or say why not, and are tried again when it may help. */
import { expect, test } from "vitest";
import { type Node, nodes, type Pod, podCondition, pods } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import { makeNode, makePod, pinnedTo } from "../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../testing/cluster.ts";
import { createScheduler } from "./index.ts";

async function start(cluster: TestCluster, ...names: (string | Node)[]): Promise<void> {
  for (const name of names) await addNode(cluster, name);
  await cluster.start(createScheduler({}, cluster.dependencies("default-scheduler")));
}

async function addNode(cluster: TestCluster, node: string | Node): Promise<void> {
  const { metadata, ...rest } = typeof node === "string" ? makeNode(node) : node;
  const { uid: _uid, ...given } = metadata;
  await cluster.client.create(nodes, { ...rest, metadata: given });
}

async function addPod(cluster: TestCluster, pod: Pod): Promise<void> {
  const { uid: _uid, ...metadata } = pod.metadata;
  await cluster.client.create(pods, { ...pod, metadata });
}

const nodeOf = async (cluster: TestCluster, name: string): Promise<string | undefined> =>
  (await cluster.find(pods, name, "default"))?.spec.nodeName;

test("a daemon pod is bound to its node, with the event that people know", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a", "b");
    await addPod(cluster, makePod("p", { spec: pinnedTo("b") }));
    expect(await cluster.until("bound", () => nodeOf(cluster, "p"))).toBe("b");
    const condition = podCondition((await cluster.find(pods, "p", "default"))!, "PodScheduled");
    expect(condition?.status).toBe("True");
    expect(await cluster.eventsOf("p")).toEqual([
      "Normal Scheduled default-scheduler: Successfully assigned default/p to b",
    ]);
  });
});

test("ordinary pods are spread, and never more than fits", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a", "b");
    for (let i = 0; i < 5; i++) await addPod(cluster, makePod(`p${i}`, { requests: { cpu: "2" } }));
    await cluster.advance(100);
    const placed = await Promise.all([0, 1, 2, 3, 4].map((i) => nodeOf(cluster, `p${i}`)));
    const count = (name: string | undefined): number =>
      placed.filter((node) => (node || undefined) === name).length;
    expect([count("a"), count("b"), count(undefined)]).toEqual([2, 2, 1]);
  });
});

test("a pod that does not fit says so, and is bound when another one goes", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, makePod("big", { spec: pinnedTo("a"), requests: { cpu: "4" } }));
    await cluster.until("bound", () => nodeOf(cluster, "big"));
    await addPod(cluster, makePod("p", { spec: pinnedTo("a"), requests: { cpu: "1" } }));
    const message =
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    await cluster.advance(20_000);
    const condition = podCondition((await cluster.find(pods, "p", "default"))!, "PodScheduled");
    expect(condition).toMatchObject({ status: "False", reason: "Unschedulable", message });
    expect(await cluster.eventsOf("p")).toEqual([`Warning FailedScheduling default-scheduler: ${message}`]);
    await cluster.client.delete(pods, { name: "big", namespace: "default" }, { gracePeriodSeconds: 0 });
    await cluster.advance(100);
    expect(await nodeOf(cluster, "p")).toBe("a");
  });
});

test("pods wait for a node to appear, to be uncordoned, to lose a taint, to get a label", async () => {
  await withCluster(async (cluster) => {
    const taints = [{ key: "k", effect: "NoSchedule" }];
    await start(
      cluster,
      makeNode("b", { spec: { unschedulable: true } }),
      makeNode("c", { spec: { taints } }),
      "d",
    );
    await addPod(cluster, makePod("to-a", { spec: pinnedTo("a") }));
    await addPod(cluster, makePod("to-b", { spec: pinnedTo("b") }));
    await addPod(cluster, makePod("to-c", { spec: pinnedTo("c") }));
    await addPod(cluster, makePod("to-d", { spec: { nodeSelector: { disk: "ssd" } } }));
    await cluster.advance(20_000);
    const waiting = ["to-a", "to-b", "to-c", "to-d"];
    const placed = (): Promise<(string | undefined)[]> =>
      Promise.all(waiting.map((name) => nodeOf(cluster, name)));
    expect(await placed()).toEqual([undefined, undefined, undefined, undefined]);
    await addNode(cluster, "a");
    await cluster.client.patch(
      nodes,
      { name: "b" },
      { type: "merge", body: { spec: { unschedulable: null } } },
    );
    await cluster.client.patch(nodes, { name: "c" }, { type: "merge", body: { spec: { taints: null } } });
    await cluster.client.patch(
      nodes,
      { name: "d" },
      { type: "merge", body: { metadata: { labels: { disk: "ssd" } } } },
    );
    await cluster.advance(100);
    expect(await placed()).toEqual(["a", "b", "c", "d"]);
  });
});

test("heartbeats and changes of other nodes wake no parked pod", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a", "b");
    await addPod(cluster, makePod("p", { spec: pinnedTo("z") }));
    await cluster.advance(30_000);
    const before = cluster.calls.length;
    const status = {
      conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-01T00:05:00Z" }],
    };
    await cluster.client.patch(
      nodes,
      { name: "a", subresource: "status" },
      { type: "strategic", body: { status } },
    );
    await cluster.client.patch(
      nodes,
      { name: "b" },
      { type: "merge", body: { metadata: { labels: { x: "y" } } } },
    );
    await cluster.advance(60_000);
    expect(cluster.calls.slice(before).filter((call) => !call.startsWith("GET"))).toEqual([
      "PATCH /api/v1/nodes/a/status",
      "PATCH /api/v1/nodes/b",
    ]);
  });
});

test("pods of other schedulers, gated pods and pods being deleted are left alone", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, makePod("other", { spec: { schedulerName: "mine" } }));
    await addPod(cluster, makePod("gated", { spec: { schedulingGates: [{ name: "example.com/wait" }] } }));
    await cluster.advance(1000);
    expect(await nodeOf(cluster, "other")).toBeUndefined();
    const gated = (await cluster.find(pods, "gated", "default"))!;
    expect(gated.spec.nodeName).toBeUndefined();
    expect(podCondition(gated, "PodScheduled")?.reason).toBe("SchedulingGated");
    await cluster.client.patch(
      pods,
      { name: "gated", namespace: "default" },
      { type: "merge", body: { spec: { schedulingGates: [] } } },
    );
    await cluster.advance(1000);
    expect(await nodeOf(cluster, "gated")).toBe("a");
  });
});

/** The scheduler over a client whose first binding goes wrong. */
async function startWithFault(
  cluster: TestCluster,
  fault: "lost-request" | "lost-reply",
): Promise<() => number> {
  const dependencies = cluster.dependencies("default-scheduler");
  let bindings = 0;
  const client: Client = Object.create(cluster.client, {
    createSubresource: {
      value: async (...call: Parameters<Client["createSubresource"]>) => {
        bindings++;
        if (bindings === 1 && fault === "lost-request") throw new Error("connection reset");
        const reply = await cluster.client.createSubresource(...call);
        if (bindings === 1) throw new Error("connection reset");
        return reply;
      },
    },
  });
  await cluster.start(createScheduler({}, { ...dependencies, client }));
  return () => bindings;
}

test("a binding that did not arrive is sent again after the back-off, and its room is free until then", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    const bindings = await startWithFault(cluster, "lost-request");
    await addPod(cluster, makePod("first", { requests: { cpu: "4" } }));
    await cluster.advance(100);
    expect(await nodeOf(cluster, "first")).toBeUndefined();
    await addPod(cluster, makePod("second", { requests: { cpu: "4" } }));
    await cluster.advance(100);
    expect(await nodeOf(cluster, "second")).toBe("a");
    await cluster.client.delete(pods, { name: "second", namespace: "default" }, { gracePeriodSeconds: 0 });
    await cluster.advance(2_000);
    expect(await nodeOf(cluster, "first")).toBe("a");
    expect(bindings()).toBe(3);
  });
});

test("a binding whose answer was lost counts once and is not sent again", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    const bindings = await startWithFault(cluster, "lost-reply");
    await addPod(cluster, makePod("first", { requests: { cpu: "2" } }));
    await cluster.advance(20_000);
    expect(await nodeOf(cluster, "first")).toBe("a");
    expect(bindings()).toBe(1);
    await addPod(cluster, makePod("second", { requests: { cpu: "2" } }));
    await addPod(cluster, makePod("third", { requests: { cpu: "2" } }));
    await cluster.advance(100);
    expect([await nodeOf(cluster, "second"), await nodeOf(cluster, "third")]).toEqual(["a", undefined]);
  });
});

test("identical pods that do not fit cost one look together", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    for (let i = 0; i < 20; i++) await addPod(cluster, makePod(`p${i}`, { requests: { cpu: "1" } }));
    await cluster.advance(30_000);
    const bound = async (): Promise<number> =>
      (await Promise.all([...Array(20).keys()].map((i) => nodeOf(cluster, `p${i}`)))).filter(Boolean).length;
    expect(await bound()).toBe(4);
    await addNode(cluster, "b");
    await cluster.advance(15_000);
    expect(await bound()).toBe(8);
  });
});
