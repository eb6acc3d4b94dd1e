/** The garbage collector against the real API server: the three policies, and what must never go. */
import { expect, test } from "vitest";
import { type ConfigMap, configmaps, type Namespace, namespaces, type Node, nodes } from "../../api/index.ts";
import type { KubeObject, OwnerReference } from "../../machinery/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { createGarbageCollector } from "./index.ts";

const start = (cluster: TestCluster): Promise<void> =>
  cluster.start(createGarbageCollector(cluster.dependencies("garbage-collector-controller")));

interface Extra {
  readonly owners?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly namespace?: string;
}

function create(
  cluster: TestCluster,
  name: string,
  { owners = [], finalizers = [], namespace = "default" }: Extra = {},
): Promise<ConfigMap> {
  return cluster.client.create(configmaps, {
    metadata: { name, namespace, ownerReferences: owners, finalizers },
  });
}

function ref(owner: KubeObject, change: Partial<OwnerReference> = {}): OwnerReference {
  const { name = "", uid = "" } = owner.metadata;
  return { apiVersion: owner.apiVersion ?? "v1", kind: owner.kind ?? "ConfigMap", name, uid, ...change };
}

const find = (cluster: TestCluster, name: string): Promise<ConfigMap | undefined> =>
  cluster.find(configmaps, name, "default");
const ownersOf = async (cluster: TestCluster, name: string): Promise<(string | undefined)[] | undefined> =>
  (await find(cluster, name))?.metadata.ownerReferences?.map((owner) => owner.name);

test("background: dependents go after their owner, and theirs after them", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const owner = await create(cluster, "owner");
    const child = await create(cluster, "child", { owners: [ref(owner)] });
    await create(cluster, "grandchild", { owners: [ref(child)] });
    await create(cluster, "stranger");
    await cluster.advance(60_000);
    expect(await find(cluster, "grandchild")).toBeDefined();
    await cluster.client.delete(
      configmaps,
      { name: "owner", namespace: "default" },
      { propagationPolicy: "Background" },
    );
    expect(await find(cluster, "owner")).toBeUndefined();
    await cluster.advance(1000);
    expect(await find(cluster, "child")).toBeUndefined();
    expect(await find(cluster, "grandchild")).toBeUndefined();
    expect(await find(cluster, "stranger")).toBeDefined();
    expect(cluster.complaints).toEqual([]);
  });
});

test("an object with a living owner stays and loses the reference to the dead one", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const [dead, alive] = [await create(cluster, "dead"), await create(cluster, "alive")];
    await create(cluster, "child", { owners: [ref(dead), ref(alive)] });
    await cluster.client.delete(configmaps, { name: "dead", namespace: "default" });
    await cluster.advance(1000);
    expect(await ownersOf(cluster, "child")).toEqual(["alive"]);
  });
});

test("foreground: the owner stays until its blocking dependents are gone", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const owner = await create(cluster, "owner");
    await create(cluster, "held", {
      owners: [ref(owner, { blockOwnerDeletion: true })],
      finalizers: ["example.com/hold"],
    });
    await create(cluster, "free", { owners: [ref(owner, { blockOwnerDeletion: true })] });
    await cluster.client.delete(
      configmaps,
      { name: "owner", namespace: "default" },
      { propagationPolicy: "Foreground" },
    );
    await cluster.advance(10_000);
    expect(await find(cluster, "free")).toBeUndefined();
    expect((await find(cluster, "held"))?.metadata.deletionTimestamp).toBeDefined();
    expect((await find(cluster, "owner"))?.metadata.finalizers).toEqual(["foregroundDeletion"]);
    await cluster.client.patch(
      configmaps,
      { name: "held", namespace: "default" },
      { type: "merge", body: { metadata: { finalizers: null } } },
    );
    await cluster.advance(1000);
    expect(await find(cluster, "held")).toBeUndefined();
    expect(await find(cluster, "owner")).toBeUndefined();
  });
});

test("foreground goes down the whole tree, and a dependent that does not block holds nothing up", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const owner = await create(cluster, "owner");
    const child = await create(cluster, "child", { owners: [ref(owner, { blockOwnerDeletion: true })] });
    await create(cluster, "grandchild", { owners: [ref(child, { blockOwnerDeletion: true })] });
    await create(cluster, "loose", { owners: [ref(owner)], finalizers: ["example.com/hold"] });
    await cluster.client.delete(
      configmaps,
      { name: "owner", namespace: "default" },
      { propagationPolicy: "Foreground" },
    );
    await cluster.advance(2000);
    const left = await Promise.all(["owner", "child", "grandchild"].map((name) => find(cluster, name)));
    expect(left).toEqual([undefined, undefined, undefined]);
    expect((await find(cluster, "loose"))?.metadata.deletionTimestamp).toBeDefined();
  });
});

test("orphan: dependents stay without the reference, one that comes late too", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const owner = await create(cluster, "owner");
    for (let i = 0; i < 20; i++) await create(cluster, `child${i}`, { owners: [ref(owner)] });
    await cluster.client.delete(
      configmaps,
      { name: "owner", namespace: "default" },
      { propagationPolicy: "Orphan" },
    );
    await cluster.advance(1000);
    expect(await find(cluster, "owner")).toBeUndefined();
    await create(cluster, "late", { owners: [ref(owner)] });
    await cluster.advance(60_000);
    const released = await Promise.all([...Array(20).keys()].map((i) => find(cluster, `child${i}`)));
    expect(released.map((child) => child?.metadata.ownerReferences ?? [])).toEqual(released.map(() => []));
    expect(released.map((child) => child !== undefined)).toEqual(released.map(() => true));
    expect(await find(cluster, "late")).toBeDefined();
    expect((await ownersOf(cluster, "late")) ?? []).toEqual([]);
  });
});

test("an owner of another uid, of an unknown kind, or in another namespace", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    await cluster.client.create<Namespace>(namespaces, { metadata: { name: "elsewhere" }, spec: {} });
    const owner = await create(cluster, "owner");
    const foreign = await create(cluster, "foreign", { namespace: "elsewhere" });
    await create(cluster, "old-uid", {
      owners: [ref(owner, { uid: "11111111-1111-4111-8111-111111111111" })],
    });
    await create(cluster, "unknown-kind", {
      owners: [{ apiVersion: "example.com/v1", kind: "Thing", name: "x", uid: "u" }],
    });
    await create(cluster, "crossing", { owners: [ref(foreign)] });
    await cluster.advance(5000);
    expect(await find(cluster, "old-uid")).toBeUndefined();
    expect(await find(cluster, "unknown-kind")).toBeDefined();
    expect(await find(cluster, "crossing")).toBeUndefined();
    expect(await cluster.eventsOf("crossing")).toEqual([
      `Warning OwnerRefInvalidNamespace garbage-collector-controller: ownerRef [v1/ConfigMap, namespace: default, name: foreign, uid: ${foreign.metadata.uid}] does not exist in namespace "default"`,
    ]);
  });
});

test("a cluster-scoped owner is an owner in every namespace; a namespaced one owns nothing cluster-scoped", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const { metadata, ...rest } = makeNode("n");
    const node = await cluster.client.create<Node>(nodes, { ...rest, metadata: { name: metadata.name! } });
    await create(cluster, "child", { owners: [ref(node, { kind: "Node" })] });
    const owner = await create(cluster, "owner");
    const wrong = { ...rest, metadata: { name: "m", ownerReferences: [ref(owner)] } };
    await cluster.client.create<Node>(nodes, wrong);
    await cluster.client.delete(configmaps, { name: "owner", namespace: "default" });
    await cluster.advance(5000);
    expect(await find(cluster, "child")).toBeDefined();
    expect(await cluster.find(nodes, "m")).toBeDefined();
    await cluster.client.delete(nodes, { name: "n" });
    await cluster.advance(1000);
    expect(await find(cluster, "child")).toBeUndefined();
  });
});

test("what was left behind before a start is found at the start", async () => {
  await withCluster(async (cluster) => {
    const owner = await create(cluster, "owner");
    const kept = await create(cluster, "kept");
    await create(cluster, "child", { owners: [ref(owner)] });
    await create(cluster, "other", { owners: [ref(kept)] });
    await cluster.client.delete(configmaps, { name: "owner", namespace: "default" });
    await start(cluster);
    await cluster.advance(1000);
    expect(await find(cluster, "child")).toBeUndefined();
    expect(await find(cluster, "other")).toBeDefined();
  });
});

test("a foreground deletion that began before a start is finished after it", async () => {
  await withCluster(async (cluster) => {
    const owner = await create(cluster, "owner");
    await create(cluster, "child", { owners: [ref(owner, { blockOwnerDeletion: true })] });
    const at = { name: "owner", namespace: "default" };
    await cluster.client.delete(configmaps, at, { propagationPolicy: "Foreground" });
    await start(cluster);
    await cluster.advance(1000);
    expect([await find(cluster, "child"), await find(cluster, "owner")]).toEqual([undefined, undefined]);
  });
});

test("two objects that own each other in the foreground do not wait for ever", async () => {
  await withCluster(async (cluster) => {
    await start(cluster);
    const a = await create(cluster, "a");
    const b = await create(cluster, "b", { owners: [ref(a, { blockOwnerDeletion: true })] });
    const body = { metadata: { ownerReferences: [ref(b, { blockOwnerDeletion: true })] } };
    await cluster.client.patch(configmaps, { name: "a", namespace: "default" }, { type: "merge", body });
    await cluster.client.delete(
      configmaps,
      { name: "a", namespace: "default" },
      { propagationPolicy: "Foreground" },
    );
    await cluster.advance(10_000);
    expect(await find(cluster, "a")).toBeUndefined();
    expect(await find(cluster, "b")).toBeUndefined();
  });
});
