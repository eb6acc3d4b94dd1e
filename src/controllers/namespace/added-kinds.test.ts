/** Namespaces are emptied of whatever is served: of kinds that came later too, however late. */
import { expect, test } from "vitest";
import { namespaces } from "../../api/index.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { widget, widgetResource, widgets } from "../../testing/widget.ts";
import { createNamespaceController } from "./index.ts";

const start = (cluster: TestCluster): Promise<void> =>
  cluster.start(createNamespaceController(cluster.dependencies("namespace-controller")));

async function fill(cluster: TestCluster, finalizers: readonly string[] = []): Promise<void> {
  await cluster.client.create(namespaces, { metadata: { name: "n" }, spec: {} });
  await cluster.client.create(widgets, {
    ...widget("w"),
    metadata: { name: "w", namespace: "n", finalizers },
  });
}

const isGone = async (cluster: TestCluster): Promise<boolean> =>
  (await cluster.find(namespaces, "n")) === undefined;

test("of a kind that came while it ran, long ago or just now", () =>
  withCluster(async (cluster) => {
    await start(cluster);
    for (const learnMs of [0, 31_000]) {
      await cluster.resources.change({ add: [widgetResource] });
      await cluster.advance(learnMs);
      await fill(cluster);
      await cluster.client.delete(namespaces, { name: "n" });
      await cluster.until("the namespace is gone", () => isGone(cluster));
      // Nothing is left behind under a name that may come again.
      expect((await cluster.client.list(widgets)).items).toEqual([]);
      await cluster.resources.change({ remove: [widgets] });
      await cluster.advance(31_000);
    }
  }));

test("an object of a kind that goes holds it up no longer", () =>
  withCluster(async (cluster) => {
    await start(cluster);
    await cluster.resources.change({ add: [widgetResource] });
    await cluster.advance(31_000);
    await fill(cluster, ["example.com/hold"]);
    await cluster.client.delete(namespaces, { name: "n" });
    await cluster.advance(60_000);
    const conditions = (await cluster.find(namespaces, "n"))?.status?.conditions ?? [];
    expect(conditions.find(({ type }) => type === "NamespaceContentRemaining")?.message).toBe(
      "Some resources are remaining: widgets.example.com has 1 resource instances",
    );
    await cluster.resources.change({ remove: [widgets] });
    await cluster.until("the namespace is gone", () => isGone(cluster));
    await cluster.client.create(namespaces, { metadata: { name: "n" }, spec: {} });
    cluster.calls.length = 0;
    await cluster.client.delete(namespaces, { name: "n" });
    await cluster.until("the namespace is gone", () => isGone(cluster));
    expect(cluster.calls.filter((call) => call.includes("widgets"))).toEqual([]);
  }));
