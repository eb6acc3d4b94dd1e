/** Node life cycle and taint eviction against the real API server, with nodes that beat as the test says. */
import { expect, test } from "vitest";
import { leases, type Node, nodes, type Pod, podCondition, pods, type Toleration } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { formatMicroTime, formatTime } from "../../machinery/index.ts";
import { makeNode, makePod } from "../../testing/cluster-objects.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { createNodeLifecycleController, createTaintEvictionController } from "./index.ts";

const start = (cluster: TestCluster): Promise<void> =>
  cluster.start(
    createNodeLifecycleController({}, cluster.dependencies("node-controller")),
    createTaintEvictionController({}, cluster.dependencies("taint-eviction-controller")),
  );

async function addNode(
  cluster: TestCluster,
  name: string,
  taints: Node["spec"]["taints"] = [],
): Promise<void> {
  const { status } = makeNode(name);
  const spec = taints.length === 0 ? {} : { taints };
  await cluster.client.create<Node>(nodes, { metadata: { name }, spec, status: status! });
  await cluster.client.create(leases, {
    metadata: { name, namespace: "kube-node-lease" },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: formatMicroTime(cluster.clock.nowMs()),
    },
  });
}

/** Lets time pass while these nodes, and no others, renew their leases every 10 s. */
async function pass(cluster: TestCluster, seconds: number, ...beating: string[]): Promise<void> {
  for (let at = 0; at < seconds; at += 10) {
    for (const name of beating) {
      const body = { spec: { renewTime: formatMicroTime(cluster.clock.nowMs()) } };
      await cluster.client.patch(leases, { name, namespace: "kube-node-lease" }, { type: "merge", body });
    }
    await cluster.advance(10_000);
  }
}

async function report(
  cluster: TestCluster,
  name: string,
  ready: "True" | "False",
  more: object[] = [],
): Promise<void> {
  const lastHeartbeatTime = formatTime(cluster.clock.nowMs());
  const kinds = ["MemoryPressure", "DiskPressure", "PIDPressure"];
  const calm = kinds.map((type) => ({ type, status: "False", lastHeartbeatTime }));
  const conditions = [{ type: "Ready", status: ready, lastHeartbeatTime }, ...calm, ...more];
  await cluster.client.patch(
    nodes,
    { name, subresource: "status" },
    { type: "strategic", body: { status: { conditions } } },
  );
}

async function addPod(
  cluster: TestCluster,
  name: string,
  nodeName: string,
  tolerations: Toleration[] = [],
): Promise<void> {
  const { spec } = makePod(name, { spec: { nodeName, tolerations } });
  const pod = await cluster.client.create<Pod>(pods, { metadata: { name, namespace: "default" }, spec });
  const status = { ...pod.status, phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  await cluster.client.update(pods, { ...pod, status }, { subresource: "status" });
}

async function taintsOf(cluster: TestCluster, name: string): Promise<string[]> {
  return ((await cluster.find(nodes, name))?.spec.taints ?? [])
    .map(({ key, effect }) => `${key.replace("node.kubernetes.io/", "")}:${effect}`)
    .toSorted();
}
const readyOf = async (cluster: TestCluster, name: string): Promise<string | undefined> =>
  (await cluster.find(nodes, name))?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
const find = (cluster: TestCluster, name: string): Promise<Pod | undefined> =>
  cluster.find(pods, name, "default");

test("a silent node is marked, tainted, its pods are not Ready; when it speaks again all is undone", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b", "c"]) await addNode(cluster, name);
    await addPod(cluster, "daemon", "a", [{ operator: "Exists" }]);
    await start(cluster);
    await pass(cluster, 120, "a", "b", "c");
    expect(await taintsOf(cluster, "a")).toEqual([]);
    await pass(cluster, 30, "b", "c");
    await cluster.advance(5_000);
    expect(await readyOf(cluster, "a")).toBe("True");
    await pass(cluster, 30, "b", "c");
    expect(await readyOf(cluster, "a")).toBe("Unknown");
    expect(await taintsOf(cluster, "a")).toEqual(["unreachable:NoExecute", "unreachable:NoSchedule"]);
    expect(podCondition((await find(cluster, "daemon"))!, "Ready")?.status).toBe("False");
    expect(await cluster.eventsOf("a")).toEqual([
      "Normal NodeNotReady node-controller: Node a status is now: NodeNotReady",
    ]);
    expect(await cluster.eventsOf("daemon")).toEqual([
      "Warning NodeNotReady node-controller: Node is not ready",
    ]);
    expect(await taintsOf(cluster, "b")).toEqual([]);
    await report(cluster, "a", "True");
    await pass(cluster, 20, "a", "b", "c");
    expect(await readyOf(cluster, "a")).toBe("True");
    expect(await taintsOf(cluster, "a")).toEqual([]);
    expect(cluster.complaints).toEqual([]);
  });
});

test("pods that do not tolerate it are evicted, at once or after their tolerationSeconds", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b", "c"]) await addNode(cluster, name);
    const stay = (tolerationSeconds: number): Toleration => ({
      key: "node.kubernetes.io/unreachable",
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds,
    });
    await addPod(cluster, "at-once", "a", [stay(0)]);
    await addPod(cluster, "after-60", "a", [stay(60)]);
    await addPod(cluster, "after-600", "a", [stay(600)]);
    await start(cluster);
    await pass(cluster, 60, "b", "c");
    const evicted = (await find(cluster, "at-once"))!;
    expect(evicted.metadata.deletionTimestamp).toBeDefined();
    expect(podCondition(evicted, "DisruptionTarget")).toMatchObject({
      reason: "DeletionByTaintManager",
      status: "True",
    });
    expect(await cluster.eventsOf("at-once")).toContain(
      "Normal TaintManagerEviction taint-eviction-controller: Marking for deletion Pod default/at-once",
    );
    expect((await find(cluster, "after-60"))?.metadata.deletionTimestamp).toBeUndefined();
    await pass(cluster, 60, "b", "c");
    expect((await find(cluster, "after-60"))?.metadata.deletionTimestamp).toBeDefined();
    expect((await find(cluster, "after-600"))?.metadata.deletionTimestamp).toBeUndefined();
    await report(cluster, "a", "True");
    await pass(cluster, 700, "a", "b", "c");
    expect((await find(cluster, "after-600"))?.metadata.deletionTimestamp).toBeUndefined();
    expect(await cluster.eventsOf("after-600")).toContain(
      "Normal TaintManagerEviction taint-eviction-controller: Cancelling deletion of Pod default/after-600",
    );
  });
});

test("full-cluster blindness: when all nodes fall silent at once, nothing is evicted", async () => {
  await withCluster(async (cluster) => {
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await addNode(cluster, name);
    for (const name of names) await addPod(cluster, `on-${name}`, name);
    await start(cluster);
    await pass(cluster, 60, ...names);
    await pass(cluster, 600);
    const each = <T>(of: (name: string) => Promise<T>): Promise<T[]> => Promise.all(names.map(of));
    expect(await each((name) => readyOf(cluster, name))).toEqual(names.map(() => "Unknown"));
    expect(await each((name) => taintsOf(cluster, name))).toEqual(
      names.map(() => ["unreachable:NoSchedule"]),
    );
    const evicted = await each(
      async (name) => (await find(cluster, `on-${name}`))?.metadata.deletionTimestamp,
    );
    expect(evicted).toEqual(names.map(() => undefined));
    for (const name of names) await report(cluster, name, "True");
    await pass(cluster, 60, ...names);
    expect(await each((name) => taintsOf(cluster, name))).toEqual(names.map(() => []));
  });
});

test("nodes that fall silent one after another: what was done before the last one is taken back", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b", "c"]) await addNode(cluster, name);
    await start(cluster);
    await pass(cluster, 60, "b", "c");
    expect(await taintsOf(cluster, "a")).toEqual(["unreachable:NoExecute", "unreachable:NoSchedule"]);
    await pass(cluster, 60);
    expect(await taintsOf(cluster, "a")).toEqual(["unreachable:NoSchedule"]);
  });
});

test("after blindness the nodes that are still silent get their full grace before pods are evicted", async () => {
  await withCluster(async (cluster) => {
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await addNode(cluster, name);
    await start(cluster);
    await pass(cluster, 120);
    for (const name of ["a", "b", "c"]) await report(cluster, name, "True");
    await pass(cluster, 30, "a", "b", "c");
    expect(await taintsOf(cluster, "d")).toEqual(["unreachable:NoSchedule"]);
    expect(await taintsOf(cluster, "e")).toEqual(["unreachable:NoSchedule"]);
    await pass(cluster, 40, "a", "b", "c");
    expect(await taintsOf(cluster, "d")).toContain("unreachable:NoExecute");
    expect(await taintsOf(cluster, "e")).toContain("unreachable:NoExecute");
  });
});

test("a start that takes long is not held against the nodes", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b"]) await addNode(cluster, name);
    const controller = createNodeLifecycleController({}, cluster.dependencies("node-controller"));
    await cluster.start();
    await cluster.advance(300_000);
    await cluster.start(controller);
    await cluster.advance(20_000);
    expect([await readyOf(cluster, "a"), await readyOf(cluster, "b")]).toEqual(["True", "True"]);
  });
});

test("a node that recovered takes its turn anew", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b", "c", "d"]) await addNode(cluster, name);
    await start(cluster);
    const everyone = ["a", "b", "c", "d"];
    await report(cluster, "a", "False");
    await pass(cluster, 10, ...everyone);
    expect(await taintsOf(cluster, "a")).toContain("not-ready:NoExecute");
    await report(cluster, "a", "True");
    await pass(cluster, 20, ...everyone);
    await report(cluster, "b", "False");
    await cluster.advance(5_000);
    expect(await taintsOf(cluster, "b")).toContain("not-ready:NoExecute");
    await report(cluster, "a", "False");
    await cluster.advance(100);
    expect(await taintsOf(cluster, "a")).toEqual(["not-ready:NoSchedule"]);
    await pass(cluster, 10, ...everyone);
    expect(await taintsOf(cluster, "a")).toContain("not-ready:NoExecute");
  });
});

test("a taint that somebody sets while ours is on its way is kept", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a");
    let conflicts = 0;
    const client: Client = Object.create(cluster.client, {
      patch: {
        value: async (...[resource, address, patch, options]: Parameters<Client["patch"]>) => {
          if (conflicts === 0 && address.subresource === undefined) {
            conflicts++;
            const body = { spec: { taints: [{ key: "mine", effect: "NoSchedule" }] } };
            await cluster.client.patch(nodes, { name: "a" }, { type: "merge", body });
          }
          return cluster.client.patch(resource, address, patch, options);
        },
      },
    });
    const dependencies = { ...cluster.dependencies("node-controller"), client };
    await cluster.start(createNodeLifecycleController({}, dependencies));
    await report(cluster, "a", "False");
    await cluster.advance(1000);
    expect(conflicts).toBe(1);
    expect(await taintsOf(cluster, "a")).toEqual(["mine:NoSchedule", "not-ready:NoSchedule"]);
  });
});

test("a node that says itself that it is not ready is tainted; its pods are not touched, and there is no event", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b", "c"]) await addNode(cluster, name);
    await addPod(cluster, "daemon", "a", [{ operator: "Exists" }]);
    await start(cluster);
    await report(cluster, "a", "False");
    await pass(cluster, 20, "a", "b", "c");
    expect(await taintsOf(cluster, "a")).toEqual(["not-ready:NoExecute", "not-ready:NoSchedule"]);
    // It falls silent, too: Ready becomes Unknown, and its pods are still what it said of them.
    await pass(cluster, 70, "b", "c");
    expect(await readyOf(cluster, "a")).toBe("Unknown");
    expect(podCondition((await find(cluster, "daemon"))!, "Ready")?.status).toBe("True");
    expect([await cluster.eventsOf("a"), await cluster.eventsOf("daemon")]).toEqual([[], []]);
  });
});

test("a pod that comes to a node that evicts is evicted", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a", [{ key: "maintenance", effect: "NoExecute" }]);
    await start(cluster);
    const add = (name: string, tolerations: Toleration[]): Promise<Pod> => {
      const { spec } = makePod(name, { spec: { nodeName: "a", tolerations } });
      return cluster.client.create<Pod>(pods, { metadata: { name, namespace: "default" }, spec });
    };
    await add("p", []);
    await add("tolerant", [{ key: "maintenance", operator: "Exists" }]);
    await cluster.advance(100);
    expect((await find(cluster, "p"))?.metadata.deletionTimestamp).toBeDefined();
    expect((await find(cluster, "tolerant"))?.metadata.deletionTimestamp).toBeUndefined();
  });
});

test("the time of an eviction stays as it was set, until a taint comes that the pod does not tolerate", async () => {
  await withCluster(async (cluster) => {
    const taint = (...keys: string[]): Promise<Node> => {
      const taints = keys.map((key) => ({ key, effect: "NoExecute" }));
      return cluster.client.patch(nodes, { name: "a" }, { type: "merge", body: { spec: { taints } } });
    };
    const isGoing = async (name: string): Promise<boolean> =>
      (await find(cluster, name))?.metadata.deletionTimestamp !== undefined;
    await addNode(cluster, "a");
    await start(cluster);
    const during = (key: string, tolerationSeconds: number): Toleration => ({
      key,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds,
    });
    await addPod(cluster, "p", "a", [during("slow", 30), during("fast", 5)]);
    await addPod(cluster, "q", "a", [during("slow", 30)]);
    await taint("slow");
    await cluster.advance(10_000);
    await taint("slow", "fast");
    await cluster.advance(100);
    expect(await isGoing("q")).toBe(true);
    expect(await cluster.eventsOf("q")).toEqual([
      "Normal TaintManagerEviction taint-eviction-controller: Cancelling deletion of Pod default/q",
      "Normal TaintManagerEviction taint-eviction-controller: Marking for deletion Pod default/q",
    ]);
    await cluster.advance(19_000);
    expect(await isGoing("p")).toBe(false);
    await cluster.advance(1_000);
    expect(await isGoing("p")).toBe(true);
  });
});

test("taints follow the conditions that a node reports, and cordon", async () => {
  await withCluster(async (cluster) => {
    await addNode(cluster, "a", [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
    await addNode(cluster, "b");
    await start(cluster);
    await cluster.advance(100);
    expect(await taintsOf(cluster, "a")).toEqual([]);
    await report(cluster, "a", "False", [{ type: "MemoryPressure", status: "True" }]);
    await cluster.client.patch(
      nodes,
      { name: "a" },
      { type: "merge", body: { spec: { unschedulable: true } } },
    );
    await cluster.advance(100);
    expect(await taintsOf(cluster, "a")).toEqual([
      "memory-pressure:NoSchedule",
      "not-ready:NoSchedule",
      "unschedulable:NoSchedule",
    ]);
    await cluster.advance(10_000);
    expect(await taintsOf(cluster, "a")).toContain("not-ready:NoExecute");
    await report(cluster, "a", "True");
    await cluster.client.patch(
      nodes,
      { name: "a" },
      { type: "merge", body: { spec: { unschedulable: null } } },
    );
    await cluster.advance(100);
    expect(await taintsOf(cluster, "a")).toEqual([]);
  });
});

test("heartbeats alone cause no calls", async () => {
  await withCluster(async (cluster) => {
    for (const name of ["a", "b"]) await addNode(cluster, name);
    await start(cluster);
    await pass(cluster, 20, "a", "b");
    const before = cluster.calls.length;
    await pass(cluster, 300, "a", "b");
    const own = cluster.calls
      .slice(before)
      .filter((call) => !call.includes("/leases/") && !call.startsWith("GET"));
    expect(own).toEqual([]);
  });
});
