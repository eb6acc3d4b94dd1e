/** The server from end to end over the memory store: objects come, change and go as clients expect. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleDaemonSet, samplePod, TestApiServer } from "../testing/test-api-server.ts";

const ds = "/apis/apps/v1/namespaces/default/daemonsets";
const pods = "/api/v1/namespaces/default/pods";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

describe("an object", () => {
  it("is created with the server's metadata and defaults", async () => {
    const created = await api.call("POST", ds, { body: sampleDaemonSet("agent") });
    expect(created.status).toBe(201);
    expect(created.object.metadata).toMatchObject({ name: "agent", namespace: "default", generation: 1 });
    expect(created.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.object.metadata.creationTimestamp).toBe("2026-01-01T00:00:00Z");
    expect(created.object.spec.updateStrategy.type).toBe("RollingUpdate");
    const read = await api.ok("GET", `${ds}/agent`);
    expect(read).toEqual(created.object);
    expect(Object.keys(read).slice(0, 3)).toEqual(["apiVersion", "kind", "metadata"]);
  });

  it("is listed, watched, patched and deleted", async () => {
    const watch = await api.watch(`${ds}?watch=true`);
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const patched = await api.ok("PATCH", `${ds}/agent`, {
      contentType: "application/strategic-merge-patch+json",
      body: { spec: { template: { spec: { containers: [{ name: "main", image: "busybox:1.37" }] } } } },
    });
    expect(patched.metadata.generation).toBe(2);
    expect(patched.spec.template.spec.containers).toHaveLength(1);
    const list = await api.ok("GET", ds);
    const { apiVersion: _, kind: _kind, ...item } = patched;
    expect(list.items).toEqual([item]);
    const gone = await api.ok("DELETE", `${ds}/agent`, { body: { propagationPolicy: "Background" } });
    expect(gone).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "agent", kind: "daemonsets" },
    });
    expect((await api.call("GET", `${ds}/agent`)).status).toBe(404);
    expect(watch.events.map((event) => event.type)).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    expect(Number(watch.events[2]!.object.metadata.resourceVersion)).toBeGreaterThan(
      Number(patched.metadata.resourceVersion),
    );
  });

  it("keeps its resourceVersion when a write changes nothing", async () => {
    const created = await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const watch = await api.watch(`${ds}?watch=true&resourceVersion=${created.metadata.resourceVersion}`);
    const reordered = {
      ...created,
      metadata: Object.fromEntries(Object.entries(created.metadata).reverse()),
    };
    const put = await api.ok("PUT", `${ds}/agent`, { body: reordered });
    expect(put).toEqual(created);
    const patch = { contentType: "application/merge-patch+json", body: { metadata: { labels: null } } };
    expect(await api.ok("PATCH", `${ds}/agent`, patch)).toEqual(created);
    expect(watch.events).toEqual([]);
  });

  it("named by the server gets five characters after its prefix", async () => {
    const pod = { ...samplePod("x"), metadata: { generateName: "agent-" } };
    const created = await api.ok("POST", pods, { body: pod });
    expect(created.metadata.name).toMatch(/^agent-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(created.metadata.generateName).toBe("agent-");
  });
});

it("events go an hour after they were last seen", async () => {
  const events = "/api/v1/namespaces/default/events";
  const involvedObject = { kind: "Pod", name: "p", namespace: "default" };
  for (const name of ["old", "renewed"])
    await api.ok("POST", events, { body: { metadata: { name }, involvedObject } });
  await api.clock.advance(50 * 60_000);
  const patch = {
    contentType: "application/merge-patch+json",
    body: { lastTimestamp: "2026-01-01T00:50:00Z" },
  };
  await api.ok("PATCH", `${events}/renewed`, patch);
  await api.clock.advance(16 * 60_000);
  const left = await api.ok("GET", events);
  expect(
    left.items.map((event: { readonly metadata: { readonly name: string } }) => event.metadata.name),
  ).toEqual(["renewed"]);
});

it("before it has loaded and after it has stopped the server says so", async () => {
  const early = new TestApiServer();
  expect((await early.call("GET", ds)).object).toMatchObject({ code: 503, reason: "ServiceUnavailable" });
  expect((await early.call("GET", "/readyz")).status).toBe(500);
  await early.server.ready;
  expect((await early.call("GET", "/readyz")).status).toBe(200);
  await early.stop();
  expect((await early.call("GET", ds)).object).toMatchObject({
    code: 503,
    details: { retryAfterSeconds: 1 },
  });
});

it("gives new nodes a taint that keeps pods away until they are known to be ready, where somebody takes the taint off", async () => {
  const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
  const mine = { key: "a", effect: "NoExecute" };
  const body = (name: string, taints: readonly object[]): object => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: { taints },
  });
  const server = await TestApiServer.start({ taintsNewNodes: true });
  expect((await server.ok("POST", "/api/v1/nodes", { body: body("a", [mine]) })).spec.taints).toEqual([
    mine,
    taint,
  ]);
  expect((await server.ok("POST", "/api/v1/nodes", { body: body("b", [taint]) })).spec.taints).toEqual([
    taint,
  ]);
  await server.ok("PUT", "/api/v1/nodes/b", { body: body("b", []) });
  expect((await server.ok("GET", "/api/v1/nodes/b")).spec.taints).toBeUndefined();
  await server.stop();
  const plain = await TestApiServer.start();
  expect((await plain.ok("POST", "/api/v1/nodes", { body: body("a", [mine]) })).spec.taints).toEqual([mine]);
  await plain.stop();
});

describe("an eviction", () => {
  let server: TestApiServer;
  beforeEach(async () => {
    server = await TestApiServer.start();
  });
  afterEach(() => server.stop());

  const body = (name: string, deleteOptions?: object): object => ({
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace: "default" },
    deleteOptions,
  });
  const evict = (name: string, deleteOptions?: object) =>
    server.call("POST", `${pods}/${name}/eviction`, { body: body(name, deleteOptions) });
  const target = {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };

  it("deletes the pod, and says when a budget would have had a say", async () => {
    await server.ok("POST", pods, { body: samplePod("p") });
    const other = await server.call("POST", `${pods}/p/eviction`, { body: body("other") });
    expect(other.status).toBe(400);
    expect((await evict("none")).status).toBe(404);
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "b" },
      spec: { selector: {}, minAvailable: 1 },
    };
    await server.ok("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", { body: budget });
    const answer = await evict("p");
    expect(answer).toMatchObject({ status: 201, object: { status: "Success", code: 201 } });
    expect(answer.warnings).toEqual([
      expect.stringContaining("PodDisruptionBudget b did not hold this eviction back"),
    ]);
    expect((await server.call("GET", `${pods}/p`)).status).toBe(404);
  });

  it("tells in the pod's conditions why it goes, once", async () => {
    const { metadata } = await server.ok("POST", pods, { body: samplePod("p", { node: "n1" }) });
    const watch = await server.watch(`${pods}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    expect((await evict("p")).status).toBe(201);
    const going = await server.ok("GET", `${pods}/p`);
    expect(going.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(going.status.conditions).toEqual([expect.objectContaining(target)]);
    await server.clock.advance(1000);
    expect((await evict("p")).status).toBe(201);
    expect(await server.ok("GET", `${pods}/p`)).toEqual(going);
    expect(watch.events.map(({ type }) => type)).toEqual(["MODIFIED", "MODIFIED"]);
  });

  it("touches nothing as a dry run, nor another pod than the one that is meant", async () => {
    const pod = await server.ok("POST", pods, { body: samplePod("p", { node: "n1" }) });
    expect((await evict("p", { dryRun: ["All"] })).status).toBe(201);
    const { object } = await evict("p", { preconditions: { uid: "other" } });
    expect(object.message).toBe(
      `Operation cannot be fulfilled on Pod "p": the UID in the precondition (other) does not match the UID in record ` +
        `(${pod.metadata.uid}). The object might have been deleted and then recreated`,
    );
    expect((await evict("p", { preconditions: { resourceVersion: "1" } })).status).toBe(409);
    expect(await server.ok("GET", `${pods}/p`)).toEqual(pod);
    const { uid, resourceVersion } = pod.metadata;
    expect((await evict("p", { preconditions: { uid, resourceVersion } })).status).toBe(201);
    expect((await server.ok("GET", `${pods}/p`)).metadata.deletionTimestamp).toBeDefined();
  });
});
