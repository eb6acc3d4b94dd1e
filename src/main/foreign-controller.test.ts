/** The check for another DaemonSet controller, on the real API server, with and without one. */
import { expect, test } from "vitest";
import { type DaemonSet, daemonsets } from "../api/index.ts";
import { silentLog } from "../base/index.ts";
import { createDaemonSetController } from "../controllers/daemonset/index.ts";
import { type TestCluster, withCluster } from "../testing/cluster.ts";
import { findForeignController } from "./foreign-controller.ts";

async function makeDaemonSet(cluster: TestCluster, name: string, namespace = "default"): Promise<DaemonSet> {
  const labels = { app: name };
  return await cluster.client.create<DaemonSet>(daemonsets, {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i:1" }] } },
    },
  });
}

async function startController(cluster: TestCluster): Promise<void> {
  const dependencies = cluster.dependencies("daemonset-controller");
  await cluster.start(createDaemonSetController({ placement: "scheduler" }, dependencies));
}

/** Sets the status that a former controller leaves behind. */
async function markObserved(cluster: TestCluster, name: string): Promise<void> {
  const live = await cluster.client.get(daemonsets, { name, namespace: "default" });
  const zero = {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  };
  const status = { ...zero, observedGeneration: live.metadata.generation! };
  await cluster.client.update(daemonsets, { ...live, status }, { subresource: "status" });
}

async function ask(cluster: TestCluster, namespaces?: readonly string[]): Promise<string | undefined> {
  const answer = findForeignController(
    { signal: new AbortController().signal, ...(namespaces === undefined ? {} : { namespaces }) },
    { client: cluster.client, clock: cluster.clock, log: silentLog },
  );
  answer.catch(() => {});
  await cluster.advance(20_000);
  return await answer;
}

function observed(cluster: TestCluster, name: string): Promise<number | undefined> {
  return cluster.client
    .get(daemonsets, { name, namespace: "default" })
    .then(({ status }) => status?.observedGeneration);
}

test("an active controller restores the lowered status, and is found", async () => {
  await withCluster(async (cluster) => {
    await startController(cluster);
    await makeDaemonSet(cluster, "a");
    await cluster.until("the controller has seen it", async () => (await observed(cluster, "a")) === 1);
    expect(await ask(cluster)).toMatch(
      /^somebody restored the status of daemonset default\/a within \d+ ms$/,
    );
    expect(await observed(cluster, "a")).toBe(1);
  });
});

test("without a controller the status stays lowered; the controller that starts then restores it", async () => {
  await withCluster(async (cluster) => {
    await makeDaemonSet(cluster, "a");
    await markObserved(cluster, "a");
    expect(await ask(cluster)).toBeUndefined();
    expect(await observed(cluster, "a")).toBeUndefined();
    await startController(cluster);
    await cluster.until("it is restored", async () => (await observed(cluster, "a")) === 1);
  });
});

test("a DaemonSet without an observed generation is not written", async () => {
  await withCluster(async (cluster) => {
    await makeDaemonSet(cluster, "a");
    cluster.calls.length = 0;
    expect(await ask(cluster)).toBeUndefined();
    expect(cluster.calls.filter((call) => !call.startsWith("GET "))).toEqual([]);
  });
});

test("when the DaemonSet is deleted during the check, the next one is used", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b"]) {
      await makeDaemonSet(cluster, name);
      await markObserved(cluster, name);
    }
    const answer = findForeignController(
      { signal: new AbortController().signal },
      { client: cluster.client, clock: cluster.clock, log: silentLog },
    );
    await cluster.advance(100);
    await cluster.client.delete(daemonsets, { name: "a", namespace: "default" });
    await cluster.advance(20_000);
    expect(await answer).toBeUndefined();
    expect(await observed(cluster, "b")).toBeUndefined();
  });
});

test("without a DaemonSet nothing is found, and with namespaces no call leaves them", async () => {
  await withCluster(async (cluster) => {
    await makeDaemonSet(cluster, "a");
    cluster.calls.length = 0;
    expect(await ask(cluster, ["kube-system", "kube-public"])).toBeUndefined();
    expect(cluster.calls).toEqual([
      "GET /apis/apps/v1/namespaces/kube-system/daemonsets",
      "GET /apis/apps/v1/namespaces/kube-public/daemonsets",
    ]);
  });
});
