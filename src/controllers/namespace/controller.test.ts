/** Namespace deletion against the real API server. */
import { expect, test } from "vitest";
import { configmaps, daemonsets, namespaces, nodes, type Node, type Pod, pods } from "../../api/index.ts";
import { makeNode, makePod } from "../../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { createNamespaceController } from "./index.ts";

const start = (cluster: TestCluster): Promise<void> =>
  cluster.start(createNamespaceController(cluster.dependencies("namespace-controller")));

async function fill(cluster: TestCluster): Promise<void> {
  const { client } = cluster;
  await client.create(namespaces, { metadata: { name: "n" }, spec: {} });
  await client.create(namespaces, { metadata: { name: "other" }, spec: {} });
  for (const namespace of ["n", "other"]) {
    await client.create(configmaps, { metadata: { name: "c", namespace } });
    const template = { metadata: { labels: { app: "x" } }, spec: makePod("x").spec };
    const spec = { selector: { matchLabels: { app: "x" } }, template };
    await client.create(daemonsets, { metadata: { name: "d", namespace }, spec });
  }
}

test("everything in it goes, then it goes; other namespaces are not touched", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    await fill(cluster);
    await cluster.client.delete(namespaces, { name: "n" });
    await cluster.until("namespace gone", async () => (await cluster.find(namespaces, "n")) === undefined);
    expect(await cluster.find(configmaps, "c", "n")).toBeUndefined();
    expect(await cluster.find(daemonsets, "d", "n")).toBeUndefined();
    expect(await cluster.find(configmaps, "c", "other")).toBeDefined();
    expect(await cluster.find(daemonsets, "d", "other")).toBeDefined();
    expect(cluster.complaints).toEqual([]);
  });
});

test("pods go first: what they need stays until the last is gone; then a finalizer holds it up, and it says so", async () => {
  await withCluster(async (cluster) => {
    const { client } = cluster;
    await start(cluster);
    await fill(cluster);
    const { metadata, ...node } = makeNode("a");
    await client.create<Node>(nodes, { ...node, metadata: { name: metadata.name! } });
    const pod: Pod = {
      metadata: { name: "p", namespace: "n" },
      spec: makePod("p", { spec: { nodeName: "a" } }).spec,
    };
    await client.create(pods, pod);
    await client.create(configmaps, {
      metadata: { name: "held", namespace: "n", finalizers: ["example.com/hold"] },
    });
    await client.delete(namespaces, { name: "n" });
    await cluster.advance(60_000);
    const said = async (type: string): Promise<string | undefined> =>
      (await cluster.find(namespaces, "n"))?.status?.conditions?.find((condition) => condition.type === type)
        ?.message;
    expect((await cluster.find(pods, "p", "n"))?.metadata.deletionGracePeriodSeconds).toBe(30);
    expect((await cluster.find(configmaps, "c", "n"))?.metadata.deletionTimestamp).toBeUndefined();
    expect((await cluster.find(daemonsets, "d", "n"))?.metadata.deletionTimestamp).toBeUndefined();
    expect(await said("NamespaceContentRemaining")).toBe("All content successfully removed");
    await client.delete(pods, { name: "p", namespace: "n" }, { gracePeriodSeconds: 0 });
    await cluster.advance(1000);
    expect(await cluster.find(configmaps, "c", "n")).toBeUndefined();
    expect(await cluster.find(daemonsets, "d", "n")).toBeUndefined();
    expect(await said("NamespaceContentRemaining")).toBe(
      "Some resources are remaining: configmaps. has 1 resource instances",
    );
    expect(await said("NamespaceFinalizersRemaining")).toBe(
      "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
    );
    await client.patch(
      configmaps,
      { name: "held", namespace: "n" },
      { type: "merge", body: { metadata: { finalizers: null } } },
    );
    await cluster.advance(1000);
    expect(await cluster.find(namespaces, "n")).toBeUndefined();
  });
});

test("terminating pods do not hide the others from deletion, however many they are", async () => {
  await withCluster(async (cluster) => {
    const { client } = cluster;
    await start(cluster);
    await client.create(namespaces, { metadata: { name: "n" }, spec: {} });
    const { spec } = makePod("p", { spec: { nodeName: "somewhere" } });
    for (let i = 0; i < 520; i++)
      await client.create(pods, { metadata: { name: `p${i}`, namespace: "n" }, spec } as Pod);
    await client.delete(namespaces, { name: "n" });
    await cluster.until("all were looked at", async () => {
      const conditions = (await cluster.find(namespaces, "n"))?.status?.conditions;
      return conditions !== undefined && conditions.length > 0;
    });
    const left = (await client.list(pods, { namespace: "n" })).items;
    expect(left.filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toEqual([]);
  });
});

test("one that was being deleted before a start goes after it", async () => {
  await withCluster(async (cluster) => {
    await fill(cluster);
    await cluster.client.delete(namespaces, { name: "n" });
    await start(cluster);
    await cluster.advance(1000);
    expect(await cluster.find(namespaces, "n")).toBeUndefined();
  });
});

test("when its content is gone and a finalizer of others holds it, its conditions say so", async () => {
  await withCluster(async (cluster) => {
    const { client } = cluster;
    await start(cluster);
    await client.create(namespaces, { metadata: { name: "n", finalizers: ["example.com/hold"] }, spec: {} });
    await client.create(configmaps, { metadata: { name: "c", namespace: "n" } });
    await client.delete(namespaces, { name: "n" });
    await cluster.advance(1000);
    const held = (await cluster.find(namespaces, "n"))!;
    expect(await cluster.find(configmaps, "c", "n")).toBeUndefined();
    expect(held.spec.finalizers).toBeUndefined();
    expect(held.status?.conditions?.map(({ reason }) => reason)).toEqual([
      "ResourcesDiscovered",
      "ParsedGroupVersions",
      "ContentDeleted",
      "ContentRemoved",
      "ContentHasNoFinalizers",
    ]);
    const body = { metadata: { finalizers: null } };
    await client.patch(namespaces, { name: "n" }, { type: "merge", body });
    expect(await cluster.find(namespaces, "n")).toBeUndefined();
  });
});
