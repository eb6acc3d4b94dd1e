/** The Service `kubernetes` tells where this server is, and stays so. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryStore, type Store } from "../../storage/index.ts";
import { TestApiServer } from "../../testing/test-api-server.ts";

const service = "/api/v1/namespaces/default/services/kubernetes";
const endpoints = "/api/v1/namespaces/default/endpoints/kubernetes";
const slice = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";

let store: Store;
let api: TestApiServer;
beforeEach(async () => {
  store = createMemoryStore();
  api = await TestApiServer.start({ store });
  await api.server.advertise({ ip: "127.0.0.1", port: 6443 });
});
afterEach(() => api.stop());

test("it is as upstream's", async () => {
  expect(await api.ok("GET", service)).toMatchObject({
    metadata: { labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      clusterIP: "10.96.0.1",
      clusterIPs: ["10.96.0.1"],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }],
      type: "ClusterIP",
    },
  });
  expect(await api.ok("GET", endpoints)).toMatchObject({
    metadata: { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "https", port: 6443, protocol: "TCP" }] }],
  });
  expect(await api.ok("GET", slice)).toMatchObject({
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    metadata: { labels: { "kubernetes.io/service-name": "kubernetes" } },
    ports: [{ name: "https", port: 6443, protocol: "TCP" }],
  });
});

test("what somebody takes away or changes comes back, and what people may add stays", async () => {
  await api.ok("DELETE", service);
  await api.ok("DELETE", slice);
  await api.ok("PATCH", endpoints, {
    body: { metadata: { labels: { mine: "yes" } }, subsets: null },
    contentType: "application/merge-patch+json",
  });
  await api.clock.advance(10_000);
  expect((await api.ok("GET", service)).spec.clusterIP).toBe("10.96.0.1");
  expect((await api.ok("GET", slice)).endpoints).toHaveLength(1);
  const object = await api.ok("GET", endpoints);
  expect(object.metadata.labels).toMatchObject({ mine: "yes" });
  expect(object.subsets[0].addresses).toEqual([{ ip: "127.0.0.1" }]);
});

test("a look that finds all well writes nothing", async () => {
  const before = await store.currentRevision();
  await api.clock.advance(60_000);
  expect(await store.currentRevision()).toBe(before);
});

test("after a restart on another port it tells that", async () => {
  await api.stop();
  api = await TestApiServer.start({ store });
  await api.server.advertise({ ip: "127.0.0.1", port: 7443 });
  expect((await api.ok("GET", service)).spec.ports[0].targetPort).toBe(7443);
  expect((await api.ok("GET", slice)).ports[0].port).toBe(7443);
  expect((await api.ok("GET", slice)).metadata.generation).toBe(2);
});
