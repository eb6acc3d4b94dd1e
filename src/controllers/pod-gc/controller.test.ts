/** Pod garbage collection against the real API server. */
import { expect, test } from "vitest";
import { type Node, nodes, type Pod, podCondition, pods } from "../../api/index.ts";
import { type Client, createInformerFactory } from "../../client/index.ts";
import { makeNode, makePod } from "../../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { createPodGcController, type PodGcOptions } from "./index.ts";
import { outOfServiceKey } from "./plan.ts";

const start = (cluster: TestCluster, options: PodGcOptions = {}): Promise<void> =>
  cluster.start(createPodGcController(options, cluster.dependencies("pod-garbage-collector")));

async function addNode(cluster: TestCluster, name: string): Promise<void> {
  const { metadata, ...rest } = makeNode(name);
  await cluster.client.create<Node>(nodes, { ...rest, metadata: { name: metadata.name! } });
}

async function addPod(cluster: TestCluster, name: string, nodeName: string, phase?: string): Promise<Pod> {
  const { spec } = makePod(name, { spec: { nodeName } });
  const pod = await cluster.client.create<Pod>(pods, { metadata: { name, namespace: "default" }, spec });
  if (phase === undefined) return pod;
  return cluster.client.update(pods, { ...pod, status: { ...pod.status, phase } }, { subresource: "status" });
}

const find = (cluster: TestCluster, name: string): Promise<Pod | undefined> =>
  cluster.find(pods, name, "default");

test("kubectl delete node: its pods go after 40 s, others stay", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    await addNode(cluster, "b");
    await addPod(cluster, "on-a", "a");
    await addPod(cluster, "on-b", "b");
    await start(cluster);
    await cluster.advance(120_000);
    expect(await find(cluster, "on-a")).toBeDefined();
    await cluster.client.delete(nodes, { name: "a" });
    await cluster.advance(39_000);
    expect(await find(cluster, "on-a")).toBeDefined();
    await cluster.advance(2_000);
    expect(await find(cluster, "on-a")).toBeUndefined();
    expect(await find(cluster, "on-b")).toBeDefined();
    expect(cluster.complaints).toEqual([]);
  });
});

test("a pod held by a finalizer ends as Failed and says why", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    await addPod(cluster, "held", "a", "Running");
    const body = { metadata: { finalizers: ["example.com/hold"] } };
    await cluster.client.patch(pods, { name: "held", namespace: "default" }, { type: "merge", body });
    await start(cluster);
    await cluster.client.delete(nodes, { name: "a" });
    await cluster.advance(50_000);
    const pod = (await find(cluster, "held"))!;
    expect(pod.status?.phase).toBe("Failed");
    expect(podCondition(pod, "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "DeletionByPodGC",
    });
    expect(pod.metadata.deletionGracePeriodSeconds).toBe(0);
    expect(cluster.calls.filter((call) => call.startsWith("DELETE")).length).toBe(2);
  });
});

test("a pod whose node was never seen waits 40 s, and stays if the node appears", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    await addPod(cluster, "early", "late");
    await addPod(cluster, "lost", "never");
    await cluster.advance(39_000);
    expect(await find(cluster, "lost")).toBeDefined();
    await addNode(cluster, "late");
    await cluster.advance(2_000);
    expect(await find(cluster, "lost")).toBeUndefined();
    expect(await find(cluster, "early")).toBeDefined();
  });
});

test("a node that comes back in time keeps its pods, and has its whole time when it goes again", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    await addPod(cluster, "p", "a");
    await start(cluster);
    await cluster.client.delete(nodes, { name: "a" });
    await cluster.advance(30_000);
    await addNode(cluster, "a");
    await cluster.advance(5_000);
    await cluster.client.delete(nodes, { name: "a" });
    await cluster.advance(38_000);
    expect(await find(cluster, "p")).toBeDefined();
    await cluster.advance(3_000);
    expect(await find(cluster, "p")).toBeUndefined();
  });
});

test("the cache alone never decides: a node that it does not know but the server has keeps its pods", async () => {
  await withCluster(async (cluster) => {
    const dependencies = cluster.dependencies("pod-garbage-collector");
    const nodeless: Client = Object.create(cluster.client, {
      list: {
        value: async (...[resource, options]: Parameters<Client["list"]>) => {
          const found = await cluster.client.list(resource, options);
          return resource.kind === "Node" ? { ...found, items: [] } : found;
        },
      },
    });
    const informers = createInformerFactory(nodeless, dependencies);
    await addNode(cluster, "a");
    await addPod(cluster, "p", "a");
    const stop = new AbortController();
    informers.start(stop.signal);
    const running = createPodGcController({}, { ...dependencies, informers }).run(stop.signal);
    await cluster.advance(120_000);
    stop.abort(new Error("test ends"));
    await running.catch(() => {});
    expect(await find(cluster, "p")).toBeDefined();
    expect(cluster.calls).toContain("GET /api/v1/nodes/a");
  });
});

test("terminating pods on a node taken out of service are removed by force", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    await addPod(cluster, "going", "a");
    await addPod(cluster, "staying", "a");
    await cluster.client.delete(pods, { name: "going", namespace: "default" });
    await start(cluster);
    await cluster.advance(60_000);
    expect(await find(cluster, "going")).toBeDefined();
    const status = { conditions: [{ type: "Ready", status: "Unknown" }] };
    await cluster.client.patch(
      nodes,
      { name: "a", subresource: "status" },
      { type: "strategic", body: { status } },
    );
    const taints = [{ key: outOfServiceKey, value: "nodeshutdown", effect: "NoExecute" }];
    await cluster.client.patch(nodes, { name: "a" }, { type: "merge", body: { spec: { taints } } });
    await cluster.advance(100);
    expect(await find(cluster, "going")).toBeUndefined();
    expect(await find(cluster, "staying")).toBeDefined();
  });
});

test("finished pods above the limit go, the oldest first", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    await start(cluster, { finishedPodsMax: 2 });
    for (const name of ["first", "second", "third"]) {
      await addPod(cluster, name, "a", "Succeeded");
      await cluster.advance(1000);
    }
    expect(await find(cluster, "first")).toBeUndefined();
    expect(await find(cluster, "second")).toBeDefined();
  });
});
