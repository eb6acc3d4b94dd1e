/** Preemption against the real API server: who goes, what is said, who gets the room, and what others may not take. */
import { expect, test } from "vitest";
import { events, nodes, type Pod, podCondition, pods } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import { makeNode, makePod, pinnedTo } from "../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../testing/cluster.ts";
import { createScheduler } from "./index.ts";

async function start(cluster: TestCluster, ...names: string[]): Promise<void> {
  for (const name of names) await addNode(cluster, name);
  await cluster.start(createScheduler({}, cluster.dependencies("default-scheduler")));
}

async function addNode(cluster: TestCluster, name: string): Promise<void> {
  const { metadata, ...rest } = makeNode(name);
  const { uid: _uid, ...given } = metadata;
  await cluster.client.create(nodes, { ...rest, metadata: given });
}

/** The API server sets the priority of a pod by its class, so tests set it there, by classes that always exist. */
const classes = { high: "system-node-critical", mid: "system-cluster-critical" };

async function addPod(
  cluster: TestCluster,
  name: string,
  change: {
    readonly cpu?: string;
    readonly class?: keyof typeof classes;
    readonly spec?: Partial<Pod["spec"]>;
  } = {},
): Promise<void> {
  const { cpu = "4", spec } = change;
  const given = change.class === undefined ? {} : { priorityClassName: classes[change.class] };
  const { uid: _uid, ...metadata } = makePod(name).metadata;
  const pod = makePod(name, { requests: { cpu }, spec: { ...given, ...spec } });
  await cluster.client.create(pods, { ...pod, metadata });
  await cluster.advance(100);
}

const find = (cluster: TestCluster, name: string): Promise<Pod | undefined> =>
  cluster.find(pods, name, "default");
const nodeOf = async (cluster: TestCluster, name: string): Promise<string | undefined> =>
  (await find(cluster, name))?.spec.nodeName;
const nominated = async (cluster: TestCluster, name: string): Promise<string | undefined> =>
  (await find(cluster, name))?.status?.nominatedNodeName;
const isGoing = async (cluster: TestCluster, name: string): Promise<boolean> =>
  (await find(cluster, name))?.metadata.deletionTimestamp !== undefined;

/** As the kubelet does when the last container has ended. */
async function end(cluster: TestCluster, name: string): Promise<void> {
  await cluster.client.delete(pods, { name, namespace: "default" }, { gracePeriodSeconds: 0 });
  await cluster.advance(100);
}

test("a daemon that the node cannot do without gets its room: the lower pod goes gracefully, and both say why", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a", "b");
    await addPod(cluster, "on-a", { spec: pinnedTo("a") });
    await addPod(cluster, "on-b", { spec: pinnedTo("b") });
    await addPod(cluster, "daemon", { class: "high", spec: pinnedTo("a") });
    const victim = (await find(cluster, "on-a"))!;
    expect(victim.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(podCondition(victim, "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "PreemptionByScheduler",
      message: "default-scheduler: preempting to accommodate a higher priority pod",
    });
    const uid = (await find(cluster, "daemon"))!.metadata.uid!;
    expect(await cluster.eventsOf("on-a")).toContain(
      `Normal Preempted default-scheduler: Preempted by pod ${uid} on node a`,
    );
    const message =
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].";
    expect(podCondition((await find(cluster, "daemon"))!, "PodScheduled")).toMatchObject({
      status: "False",
      reason: "Unschedulable",
      message,
    });
    expect(await nominated(cluster, "daemon")).toBe("a");
    expect(await isGoing(cluster, "on-b")).toBe(false);
    await end(cluster, "on-a");
    expect(await nodeOf(cluster, "daemon")).toBe("a");
    expect(await nominated(cluster, "daemon")).toBeUndefined();
    expect(await cluster.eventsOf("daemon")).toEqual([
      `Warning FailedScheduling default-scheduler: ${message}`,
      "Normal Scheduled default-scheduler: Successfully assigned default/daemon to a",
    ]);
    expect(cluster.complaints).toEqual([]);
  });
});

test("a pod whose victims go at once is bound at once", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    const brief = { terminationGracePeriodSeconds: 0 };
    await addPod(cluster, "one", { cpu: "2", spec: brief });
    await addPod(cluster, "two", { cpu: "2", spec: brief });
    await addPod(cluster, "p", { class: "high" });
    await cluster.advance(3_000);
    expect(await nodeOf(cluster, "p")).toBe("a");
    expect([await find(cluster, "one"), await find(cluster, "two")]).toEqual([undefined, undefined]);
  });
});

test("a pod that never preempts waits, and nobody goes for one of the same priority", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "there");
    await addPod(cluster, "polite", { class: "high", spec: { preemptionPolicy: "Never" } });
    await addPod(cluster, "equal");
    await cluster.advance(20_000);
    expect(await isGoing(cluster, "there")).toBe(false);
    expect(podCondition((await find(cluster, "polite"))!, "PodScheduled")?.message).toMatch(
      / preemption: not eligible due to preemptionPolicy=Never\.$/,
    );
    expect(podCondition((await find(cluster, "equal"))!, "PodScheduled")?.message).toMatch(
      / 1 No preemption victims found for incoming pod\.$/,
    );
  });
});

test("the room is kept: pods of lower or the same priority do not take it, one of a higher priority does", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "one", { cpu: "2" });
    await addPod(cluster, "two", { cpu: "2" });
    await addPod(cluster, "p", { class: "mid" });
    await addPod(cluster, "lower", { cpu: "2" });
    await addPod(cluster, "equal", { cpu: "2", class: "mid" });
    expect([await isGoing(cluster, "one"), await isGoing(cluster, "two")]).toEqual([true, true]);
    await end(cluster, "one");
    await cluster.advance(15_000);
    expect([await nodeOf(cluster, "lower"), await nodeOf(cluster, "equal")]).toEqual([undefined, undefined]);
    await addPod(cluster, "higher", { cpu: "2", class: "high" });
    expect(await nodeOf(cluster, "higher")).toBe("a");
    expect(await nominated(cluster, "p")).toBe("a");
    // When its last victim is gone the pod sees that it does not fit, and gives the room back.
    await end(cluster, "two");
    await cluster.advance(15_000);
    expect(await nominated(cluster, "p")).toBeUndefined();
    expect(await nodeOf(cluster, "p")).toBeUndefined();
    expect(await nodeOf(cluster, "equal")).toBe("a");
  });
});

test("a promise ends when a pod of a higher priority makes room for itself there", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "there");
    await addPod(cluster, "p", { cpu: "3", class: "mid" });
    expect(await nominated(cluster, "p")).toBe("a");
    await addPod(cluster, "higher", { class: "high" });
    expect([await nominated(cluster, "higher"), await nominated(cluster, "p")]).toEqual(["a", undefined]);
    await end(cluster, "there");
    await cluster.advance(15_000);
    expect([await nodeOf(cluster, "higher"), await nodeOf(cluster, "p")]).toEqual(["a", undefined]);
  });
});

test("while its victims end a pod makes no further room", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "one", { cpu: "2" });
    await addPod(cluster, "two", { cpu: "2" });
    await addPod(cluster, "p", { cpu: "2", class: "high" });
    const going = async (): Promise<boolean[]> => [
      await isGoing(cluster, "one"),
      await isGoing(cluster, "two"),
    ];
    const first = await going();
    expect(first.filter(Boolean)).toHaveLength(1);
    // Tried again although nothing helps: its own labels, then the flush of those that wait long.
    await cluster.client.patch(
      pods,
      { name: "p", namespace: "default" },
      { type: "merge", body: { spec: { tolerations: [{ key: "x", operator: "Exists" }] } } },
    );
    await cluster.advance(400_000);
    expect(await going()).toEqual(first);
    expect(podCondition((await find(cluster, "p"))!, "PodScheduled")?.message).toBe(
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node.",
    );
    expect(await nominated(cluster, "p")).toBe("a");
  });
});

test("a pod that waits for its victims takes another node that suits, and gives its promise back", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "there", { cpu: "3" });
    await addPod(cluster, "p", { class: "high" });
    await addPod(cluster, "small", { cpu: "1", spec: pinnedTo("a") });
    expect([await nominated(cluster, "p"), await nodeOf(cluster, "small")]).toEqual(["a", undefined]);
    await addNode(cluster, "b");
    await cluster.advance(15_000);
    expect(await nodeOf(cluster, "p")).toBe("b");
    expect(await nodeOf(cluster, "small")).toBe("a");
  });
});

test("a pod whose node goes, or may not be used any more, makes room elsewhere", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a", "b", "c");
    for (const name of ["a", "b", "c"]) await addPod(cluster, `on-${name}`, { spec: pinnedTo(name) });
    await addPod(cluster, "p", { class: "high" });
    const first = (await nominated(cluster, "p"))!;
    await cluster.client.delete(nodes, { name: first });
    await cluster.advance(15_000);
    const second = (await nominated(cluster, "p"))!;
    expect(second).not.toBe(first);
    const body = { spec: { unschedulable: true } };
    await cluster.client.patch(nodes, { name: second }, { type: "merge", body });
    await cluster.advance(15_000);
    const third = await nominated(cluster, "p");
    expect(new Set([first, second, third])).toEqual(new Set(["a", "b", "c"]));
  });
});

test("a pod that finds no victims loses a promise of before", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "there", { cpu: "3", class: "high" });
    await addPod(cluster, "p", { class: "mid" });
    const status = { nominatedNodeName: "a" };
    await cluster.client.patch(
      pods,
      { name: "p", namespace: "default", subresource: "status" },
      { type: "merge", body: { status } },
    );
    await addPod(cluster, "small", { cpu: "1" });
    expect(await nodeOf(cluster, "small")).toBeUndefined();
    await cluster.advance(400_000);
    expect(await nominated(cluster, "p")).toBeUndefined();
    expect(await nodeOf(cluster, "small")).toBe("a");
  });
});

test("a start reads from the status who was promised what", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    await addPod(cluster, "there", { cpu: "2", spec: { nodeName: "a" } });
    await addPod(cluster, "p", { class: "high" });
    const status = { nominatedNodeName: "a" };
    await cluster.client.patch(
      pods,
      { name: "p", namespace: "default", subresource: "status" },
      { type: "merge", body: { status } },
    );
    await cluster.client.patch(
      pods,
      { name: "there", namespace: "default", subresource: "status" },
      {
        type: "strategic",
        body: {
          status: {
            conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }],
          },
        },
      },
    );
    await cluster.client.delete(pods, { name: "there", namespace: "default" });
    await addPod(cluster, "small", { cpu: "1" });
    await start(cluster);
    await cluster.advance(15_000);
    expect([await nodeOf(cluster, "p"), await nodeOf(cluster, "small")]).toEqual([undefined, undefined]);
    await end(cluster, "there");
    await cluster.advance(15_000);
    expect([await nodeOf(cluster, "p"), await nodeOf(cluster, "small")]).toEqual(["a", undefined]);
  });
});

test("a deletion that fails is tried again", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    let failures = 0;
    const client: Client = Object.create(cluster.client, {
      patch: { value: cluster.client.patch.bind(cluster.client) },
      createSubresource: { value: cluster.client.createSubresource.bind(cluster.client) },
      delete: {
        value: (...call: Parameters<Client["delete"]>) => {
          if (failures++ === 0) return Promise.reject(new Error("connection reset"));
          return cluster.client.delete(...call);
        },
      },
    });
    await cluster.start(createScheduler({}, { ...cluster.dependencies("default-scheduler"), client }));
    await addPod(cluster, "there");
    await addPod(cluster, "p", { class: "high" });
    expect(await isGoing(cluster, "there")).toBe(false);
    await cluster.advance(5_000);
    expect(await isGoing(cluster, "there")).toBe(true);
    await end(cluster, "there");
    expect(await nodeOf(cluster, "p")).toBe("a");
  });
});

test("a deletion that frees too little by itself lets a pod that waits make the rest of the room", async () => {
  await withCluster(async (cluster) => {
    await start(cluster, "a");
    await addPod(cluster, "critical", { cpu: "2", class: "high" });
    await addPod(cluster, "plain", { cpu: "2" });
    await addPod(cluster, "p", { class: "mid" });
    expect(await isGoing(cluster, "plain")).toBe(false);
    await end(cluster, "critical");
    await cluster.advance(15_000);
    expect(await isGoing(cluster, "plain")).toBe(true);
    await end(cluster, "plain");
    expect(await nodeOf(cluster, "p")).toBe("a");
  });
});

test("victims are sent away once, however late the cache shows that they go", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    let deletions = 0;
    const client: Client = Object.create(cluster.client, {
      patch: { value: cluster.client.patch.bind(cluster.client) },
      createSubresource: { value: cluster.client.createSubresource.bind(cluster.client) },
      // The server has taken it, and the watch says nothing of it yet.
      delete: { value: () => Promise.resolve({ isLate: deletions++ }) },
    });
    await cluster.start(createScheduler({}, { ...cluster.dependencies("default-scheduler"), client }));
    await addPod(cluster, "there");
    await addPod(cluster, "p", { class: "high" });
    await cluster.advance(20_000);
    expect(deletions).toBe(1);
    const said = (await cluster.client.list(events)).items.filter(
      ({ reason }) => reason === "FailedScheduling",
    );
    expect(said.map(({ count }) => count)).toEqual([1]);
    await end(cluster, "there");
    expect(await nodeOf(cluster, "p")).toBe("a");
  });
});
