/** Simulated nodes and pods on the real API server, by a simulated clock: what a user sees of them, second by second. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Event, nodes as nodeResource, type Pod, pods as podResource } from "../api/index.ts";
import { seededRandom, settleMicrotasks, silentLog } from "../base/index.ts";
import {
  type Client,
  createClient,
  createEventBroadcaster,
  createInformerFactory,
  loopbackTransport,
  type Transport,
} from "../client/index.ts";
import { serviceUnavailable } from "../machinery/index.ts";
import { FaultyTransport } from "../testing/faulty-transport.ts";
import { tamperedTransport } from "../testing/tampered-transport.ts";
import { TestApiServer } from "../testing/test-api-server.ts";
import { createFleet } from "./fleet.ts";
import { nodeObject } from "./node-object.ts";

let server: TestApiServer;
let client: Client;
let stop: AbortController;
let running: Promise<void>;

const node = "/api/v1/nodes/n1";
const pod = "/api/v1/namespaces/default/pods/p";

/** Moves time. A node's answer to a change is a chain of several calls to the server, longer than the clock waits for by itself. */
function advance(ms: number): Promise<void> {
  return server.clock.advance(ms, async () => {
    for (let i = 0; i < 4; i++) await settleMicrotasks();
  });
}

/** @param over what stands between the fleet and its network. */
async function startFleet(over: (network: Transport) => Transport = (network) => network): Promise<void> {
  stop = new AbortController();
  const dependencies = { clock: server.clock, random: seededRandom(7), log: silentLog };
  const user = { username: "system:nodes", groups: ["system:masters"] };
  const network = loopbackTransport(server.handler, { user });
  client = createClient(network);
  const fleetClient = createClient(over(network));
  const informers = createInformerFactory(fleetClient, { ...dependencies, freeze: true });
  const broadcaster = createEventBroadcaster({
    ...dependencies,
    client: fleetClient,
    component: "kubelet",
    signal: stop.signal,
  });
  const fleet = createFleet(
    { name: "", nodes: [{ name: "n1" }], kubeletVersion: "v1.35.0+lares" },
    {
      ...dependencies,
      client: fleetClient,
      informers,
      recorderFor: (host) => broadcaster.recorderFor(host),
    },
  );
  running = fleet.run(stop.signal);
  informers.start(stop.signal);
  await advance(1_500);
}

async function stopFleet(): Promise<void> {
  stop.abort();
  await running.catch(() => {});
}

beforeEach(async () => {
  server = await TestApiServer.start();
  await startFleet();
});
afterEach(async () => {
  await stopFleet();
  await server.stop();
});

async function bind(annotations: Record<string, string> = {}, image = "web:1"): Promise<void> {
  const object: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "default", annotations },
    spec: { nodeName: "n1", terminationGracePeriodSeconds: 30, containers: [{ name: "web", image }] },
  };
  await client.create(podResource, object);
  await advance(0);
}

const state = async (): Promise<Record<string, { readonly reason: string; readonly message: string }>> =>
  (await server.ok("GET", pod))["status"].containerStatuses?.[0].state;
const ready = async (): Promise<string | undefined> =>
  (await server.ok("GET", pod))["status"].conditions?.find((one: { type: string }) => one.type === "Ready")
    ?.status;
const reasons = async (): Promise<readonly string[]> =>
  (
    (await server.ok("GET", "/api/v1/events"))["items"] as {
      reason: string;
      involvedObject: { name: string };
    }[]
  )
    .filter(({ involvedObject }) => involvedObject.name === "p")
    .map(({ reason }) => reason)
    .sort();

test("a node registers with network, labels, addresses, conditions and a Lease, and renews it", async () => {
  const object = await server.ok("GET", node);
  expect(object.spec.podCIDR).toMatch(/^10\.\d+\.\d+\.0\/24$/);
  expect(object.metadata.labels["kubernetes.io/hostname"]).toBe("n1");
  expect(object.status.conditions.find((one: { type: string }) => one.type === "Ready").status).toBe("True");
  const lease = async (): Promise<string> =>
    (await server.ok("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1")).spec
      .renewTime;
  const before = await lease();
  await advance(11_000);
  expect(await lease()).not.toBe(before);
});

test("a node whose registration is refused for a minute is Ready after it", async () => {
  await stopFleet();
  await client.delete(nodeResource, { name: "n1" });
  let isAway = true;
  const refusal = { status: 503, object: serviceUnavailable("away").status, warnings: [] };
  await startFleet((network) =>
    tamperedTransport(network, {
      send: (call, resource) => (isAway && call.method === "POST" && resource === "nodes" ? refusal : call),
    }),
  );
  await advance(60_000);
  expect((await server.call("GET", node)).status).toBe(404);
  isAway = false;
  await advance(8_000);
  const { conditions } = (await server.ok("GET", node)).status;
  expect(conditions.find((one: { type: string }) => one.type === "Ready").status).toBe("True");
});

test("a pod is created, pulled, started and ready within a second, with the events of a kubelet", async () => {
  await bind();
  expect(await state()).toEqual({ waiting: { reason: "ContainerCreating" } });
  await advance(799);
  expect(await ready()).toBe("False");
  await advance(1);
  expect(await state()).toHaveProperty("running");
  expect(await ready()).toBe("True");
  await advance(1_000);
  expect(await reasons()).toEqual(["Created", "Pulled", "Pulling", "Started"]);
});

test("an image that the node has is not pulled again", async () => {
  await bind();
  await advance(1_000);
  await client.delete(podResource, { name: "p", namespace: "default" }, { gracePeriodSeconds: 0 });
  await bind();
  await advance(400);
  expect(await ready()).toBe("True");
});

test("a deleted pod stops within its time and is gone; one that ignores termination lasts its grace period", async () => {
  await bind();
  await advance(1_000);
  await client.delete(podResource, { name: "p", namespace: "default" });
  await advance(199);
  expect((await server.call("GET", pod)).status).toBe(200);
  await advance(1);
  expect((await server.call("GET", pod)).status).toBe(404);

  await bind({ "lares.dev/simulate": "ignores-termination" });
  await advance(1_000);
  await client.delete(podResource, { name: "p", namespace: "default" });
  await advance(29_900);
  expect((await server.call("GET", pod)).status).toBe(200);
  await advance(100);
  expect((await server.call("GET", pod)).status).toBe(404);
});

test("a pull that fails backs off, and works when the annotation goes", async () => {
  await bind({ "lares.dev/simulate": "image-pull-fails" });
  await advance(500);
  expect((await state())["waiting"]!.reason).toBe("ErrImagePull");
  await advance(1_000);
  expect((await state())["waiting"]!.reason).toBe("ImagePullBackOff");
  await client.patch(
    podResource,
    { name: "p", namespace: "default" },
    { type: "merge", body: { metadata: { annotations: { "lares.dev/simulate": null } } } },
  );
  await advance(11_000);
  expect(await ready()).toBe("True");
});

test("an image whose tag no image has cannot be pulled, and the kubelet's events say so", async () => {
  await bind({}, "foo:non-existent");
  await advance(2_000);
  const full = "docker.io/library/foo:non-existent";
  const why = `rpc error: code = NotFound desc = failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${full}: not found`;
  expect((await state())["waiting"]).toEqual({
    reason: "ImagePullBackOff",
    message: `Back-off pulling image "foo:non-existent": ErrImagePull: ${why}`,
  });
  const told = (await server.ok("GET", "/api/v1/namespaces/default/events"))["items"] as readonly Event[];
  const ofPod = told.filter(({ involvedObject }) => involvedObject.name === "p");
  expect(ofPod.map(({ type, reason, message }) => `${type} ${reason}: ${message}`).toSorted()).toEqual([
    'Normal BackOff: Back-off pulling image "foo:non-existent"',
    'Normal Pulling: Pulling image "foo:non-existent"',
    "Warning Failed: Error: ErrImagePull",
    "Warning Failed: Error: ImagePullBackOff",
    `Warning Failed: Failed to pull image "foo:non-existent": ${why}`,
  ]);
});

test("an annotation of the pod or its node names images that cannot be pulled", async () => {
  await bind({ "lares.dev/missing-images": "other:*, web:*" });
  await advance(2_000);
  expect((await state())["waiting"]!.reason).toBe("ImagePullBackOff");
});

test("an image from a host that ends in .invalid cannot be pulled; editing it heals the pod", async () => {
  await bind({}, "registry.invalid/web:1");
  await advance(500);
  expect((await state())["waiting"]!.message).toContain("no such host");
  await client.patch(
    podResource,
    { name: "p", namespace: "default" },
    { type: "strategic", body: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
  );
  await advance(1_000);
  expect(await ready()).toBe("True");
});

test("a crash loop restarts at once, then after 10 s and 20 s", async () => {
  await bind({ "lares.dev/simulate": "crash-loop" });
  const restarts = async (): Promise<number> =>
    (await server.ok("GET", pod))["status"].containerStatuses[0].restartCount;
  await advance(800 + 1_000);
  expect(await restarts()).toBe(1);
  await advance(1_000);
  expect((await state())["waiting"]!.reason).toBe("CrashLoopBackOff");
  await advance(10_000);
  expect(await restarts()).toBe(2);
  await advance(1_000);
  expect((await state())["waiting"]!.message).toContain(
    "back-off 20s restarting failed container=web pod=p_default(",
  );
});

test("never-ready runs without being ready; fails ends in phase Failed", async () => {
  await bind({ "lares.dev/simulate": "never-ready" });
  await advance(60_000);
  expect(await ready()).toBe("False");
  expect(await state()).toHaveProperty("running");
  await client.delete(podResource, { name: "p", namespace: "default" }, { gracePeriodSeconds: 0 });
  await bind({ "lares.dev/simulate": "fails" });
  await advance(2_000);
  expect((await server.ok("GET", pod)).status.phase).toBe("Failed");
});

test("a silent node says nothing of itself and its pods until it can be heard again", async () => {
  const annotate = (value: string | null): Promise<unknown> =>
    client.patch(
      nodeResource,
      { name: "n1" },
      { type: "merge", body: { metadata: { annotations: { "lares.dev/simulate": value } } } },
    );
  await bind();
  await annotate("silent");
  const lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1";
  await advance(100);
  const before = (await server.ok("GET", lease)).spec.renewTime;
  await advance(60_000);
  expect((await server.ok("GET", lease)).spec.renewTime).toBe(before);
  expect(await ready()).toBe("False");
  await annotate(null);
  await advance(100);
  expect((await server.ok("GET", lease)).spec.renewTime).not.toBe(before);
  expect(await ready()).toBe("True");
});

test("pressure shows as a condition", async () => {
  await client.patch(
    nodeResource,
    { name: "n1" },
    { type: "merge", body: { metadata: { annotations: { "lares.dev/simulate": "disk-pressure" } } } },
  );
  await advance(100);
  const { conditions } = (await server.ok("GET", node)).status;
  expect(conditions.find((one: { type: string }) => one.type === "DiskPressure").status).toBe("True");
});

test("a fleet that restarts takes running pods up as they are, and ends those that were being deleted", async () => {
  await bind();
  await advance(1_000);
  const before = (await server.ok("GET", pod)).status.containerStatuses[0];
  await stopFleet();
  await startFleet();
  await advance(5_000);
  expect((await server.ok("GET", pod)).status.containerStatuses[0]).toEqual(before);
  await stopFleet();
  await server.ok("DELETE", pod);
  await startFleet();
  expect((await server.call("GET", pod)).status).toBe(404);
});

test.each(["while the fleet was away", "under its eyes"])(
  "a pod that was marked as not ready %s is ready again",
  async (when) => {
    await bind();
    await advance(2_000);
    const conditions = [{ type: "Ready", status: "False", lastTransitionTime: "2026-11-20T16:00:00Z" }];
    const isAway = when === "while the fleet was away";
    if (isAway) await stopFleet();
    await client.patch(
      podResource,
      { name: "p", namespace: "default", subresource: "status" },
      { type: "strategic", body: { status: { conditions } } },
    );
    if (isAway) await startFleet();
    else await advance(100);
    expect(await ready()).toBe("True");
  },
);

test("a node that somebody adds by hand lives, and one that is deleted stays away", async () => {
  await client.create(nodeResource, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "kwok-1", annotations: { "kwok.x-k8s.io/node": "fake" } },
    spec: {},
  });
  await advance(500);
  const added = await server.ok("GET", "/api/v1/nodes/kwok-1");
  expect(added.status.conditions.find((one: { type: string }) => one.type === "Ready").status).toBe("True");
  expect(added.spec.podCIDR).not.toBe((await server.ok("GET", node)).spec.podCIDR);
  await client.delete(nodeResource, { name: "kwok-1" });
  await advance(60_000);
  expect((await server.call("GET", "/api/v1/nodes/kwok-1")).status).toBe(404);
  expect(nodeObject({ name: "x" }).metadata.annotations).toEqual({ "lares.dev/simulated": "true" });
});

test("a pod that somebody else ended stays ended", async () => {
  await bind({ "lares.dev/simulate": "crash-loop" });
  await advance(1_000);
  const status = { phase: "Failed", reason: "Evicted", message: "by hand" };
  await client.patch(
    podResource,
    { name: "p", namespace: "default", subresource: "status" },
    { type: "merge", body: { status } },
  );
  await advance(60_000);
  expect((await server.ok("GET", pod)).status).toMatchObject(status);
});

test("what the server refuses, conflicts included, is tried again until it is taken", async () => {
  await stopFleet();
  let faulty: FaultyTransport | undefined;
  await startFleet((network) => {
    const dependencies = { clock: server.clock, random: seededRandom(8) };
    return (faulty = new FaultyTransport(network, { refuse: 0.5, conflict: 0.7 }, dependencies));
  });
  await bind({ "lares.dev/simulate": "crash-loop" });
  await advance(120_000);
  faulty!.faults = {};
  await client.patch(
    podResource,
    { name: "p", namespace: "default" },
    { type: "merge", body: { metadata: { annotations: { "lares.dev/simulate": null } } } },
  );
  await advance(300_000);
  expect(await ready()).toBe("True");
});

test("restarts count on when the fleet starts anew", async () => {
  await bind({ "lares.dev/simulate": "crash-loop" });
  await advance(3_000);
  const restarts = async (): Promise<number> =>
    (await server.ok("GET", pod)).status.containerStatuses[0].restartCount;
  const before = await restarts();
  expect(before).toBeGreaterThan(0);
  await stopFleet();
  await startFleet();
  await advance(1_000);
  expect(await restarts()).toBeGreaterThan(before);
});
