/** The collector follows what is served: kinds that come while it runs, and kinds that go. */
import { expect, test } from "vitest";
import { type ConfigMap, configmaps } from "../../api/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { type Widget, widget, widgetResource, widgets } from "../../testing/widget.ts";
import { createGarbageCollector } from "./index.ts";

/** The period in which discovery is read, and some time for what follows. */
const learnMs = 31_000;

const start = (cluster: TestCluster): Promise<void> =>
  cluster.start(createGarbageCollector(cluster.dependencies("garbage-collector-controller")));
const add = async (cluster: TestCluster): Promise<void> => {
  await cluster.resources.change({ add: [widgetResource] });
  await cluster.advance(learnMs);
};
const remove = async (cluster: TestCluster): Promise<void> => {
  await cluster.resources.change({ remove: [widgets] });
  await cluster.advance(learnMs);
};

const createWidget = (cluster: TestCluster, name: string, owner?: KubeObject): Promise<Widget> =>
  cluster.client.create(widgets, { ...widget(name), metadata: metadataOf(name, owner) });
const createMap = (cluster: TestCluster, name: string, owner?: KubeObject): Promise<ConfigMap> =>
  cluster.client.create(configmaps, { metadata: metadataOf(name, owner) });

function metadataOf(name: string, owner?: KubeObject): KubeObject["metadata"] {
  if (owner === undefined) return { name, namespace: "default" };
  const { apiVersion = "", kind = "", metadata } = owner;
  const reference = { apiVersion, kind, name: metadata.name!, uid: metadata.uid!, blockOwnerDeletion: true };
  return { name, namespace: "default", ownerReferences: [reference] };
}

const names = async (cluster: TestCluster): Promise<unknown> =>
  (await cluster.client.list(configmaps, { namespace: "default" })).items.map(
    ({ metadata }) => metadata.name,
  );

test("objects of a kind that came later own and are owned", () =>
  withCluster(async (cluster) => {
    await start(cluster);
    await add(cluster);
    const owner = await createWidget(cluster, "owner");
    await createMap(cluster, "owned", owner);
    const map = await createMap(cluster, "map");
    await createWidget(cluster, "part", map);
    await cluster.client.delete(widgets, { name: "owner", namespace: "default" });
    await cluster.client.delete(configmaps, { name: "map", namespace: "default" });
    await cluster.advance(1_000);
    expect(await names(cluster)).toEqual([]);
    expect(await cluster.find(widgets, "part", "default")).toBeUndefined();
    expect(cluster.complaints).toEqual([]);
  }));

test("an owner that went before its kind was known takes its dependents along later", () =>
  withCluster(async (cluster) => {
    await start(cluster);
    await cluster.resources.change({ add: [widgetResource] });
    const owner = await createWidget(cluster, "owner");
    await createMap(cluster, "owned", owner);
    await cluster.client.delete(widgets, { name: "owner", namespace: "default" });
    await cluster.advance(1_000);
    // Its kind is not known here yet.
    expect(await names(cluster)).toEqual(["owned"]);
    await cluster.until(
      "the kind is known",
      async () => !((await names(cluster)) as string[]).includes("owned"),
    );
  }));

test("a kind that goes takes nothing with it, and is followed again when it comes back", () =>
  withCluster(async (cluster) => {
    await start(cluster);
    await add(cluster);
    const owner = await createWidget(cluster, "owner");
    await createMap(cluster, "owned", owner);
    await cluster.advance(1_000);
    await remove(cluster);
    await createMap(cluster, "late", owner);
    await cluster.advance(300_000);
    expect(await names(cluster)).toEqual(["late", "owned"]);
    cluster.calls.length = 0;
    await cluster.advance(29_000);
    expect(cluster.calls.filter((call) => call.includes("widgets"))).toEqual([]);
    await add(cluster);
    await cluster.advance(120_000);
    expect(await names(cluster)).toEqual(["late", "owned"]);
    await cluster.client.delete(widgets, { name: "owner", namespace: "default" });
    await cluster.advance(1_000);
    expect(await names(cluster)).toEqual([]);
  }));

test("an owner does not wait for dependents that nobody can see any more", () =>
  withCluster(async (cluster) => {
    await start(cluster);
    await add(cluster);
    const owner = await createMap(cluster, "owner");
    await createWidget(cluster, "part", owner);
    const part = { name: "part", namespace: "default" };
    await cluster.client.patch(widgets, part, {
      type: "merge",
      body: { metadata: { finalizers: ["example.com/hold"] } },
    });
    const { name = "", namespace = "" } = owner.metadata;
    await cluster.client.delete(configmaps, { name, namespace }, { propagationPolicy: "Foreground" });
    await cluster.advance(10_000);
    expect(await names(cluster)).toEqual(["owner"]);
    await remove(cluster);
    expect(await names(cluster)).toEqual([]);
  }));
