/** What a crash, a lost answer or an older version has left is put right: at the start and every three minutes. */
import { expect, test } from "vitest";
import { type Log, silentLog } from "../../../base/index.ts";
import { createMemoryStore, StorageError, type Store } from "../../../storage/index.ts";
import { storeWith } from "../../../testing/store-with.ts";
import { TestApiServer } from "../../../testing/test-api-server.ts";
import { ServerPair } from "../../../testing/server-pair.ts";

const path = "/api/v1/namespaces/default/services";
const addressesPath = "/apis/networking.k8s.io/v1/ipaddresses";
const passMs = 181_000;
const portsPrefix = "/internal/nodeports/";

const bytesOf = (object: object): Uint8Array => new TextEncoder().encode(JSON.stringify(object));

function service(name: string, spec: object = {}): object {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
}

function stored(name: string, spec: object): Uint8Array {
  const metadata = { name, namespace: "default", uid: name, creationTimestamp: "2026-01-01T00:00:00Z" };
  return bytesOf({ ...service(name, { type: "ClusterIP", sessionAffinity: "None", ...spec }), metadata });
}

function listening(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (text) => void warnings.push(text), child: () => log } as Log;
  return { log, warnings };
}

async function namesOf(api: TestApiServer): Promise<string[]> {
  const { items } = await api.ok("GET", addressesPath);
  return items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
}

async function portsOf(store: Store): Promise<string[]> {
  const { items } = await store.list({ prefix: portsPrefix });
  return items.map(({ key }) => key.slice(portsPrefix.length));
}

test("what the stored Services have is taken before anything is served", async () => {
  const store = createMemoryStore();
  const spec = { clusterIP: "10.96.7.7", clusterIPs: ["10.96.7.7"], ipFamilies: ["IPv4"] };
  await store.create(
    "/core/services/default/a",
    stored("a", { ...spec, type: "NodePort", ports: [{ port: 80, protocol: "TCP", nodePort: 30_100 }] }),
  );
  const api = await TestApiServer.start({ store });
  expect(await namesOf(api)).toEqual(["10.96.7.7"]);
  expect(await portsOf(store)).toEqual(["30100"]);
  const taken = await api.call("POST", path, { body: service("b", { clusterIP: "10.96.7.7" }) });
  expect(taken.status).toBe(422);
  await api.stop();
});

test("a Service that was stored without an address gets one", async () => {
  const store = createMemoryStore();
  await store.create("/core/services/default/old", stored("old", {}));
  await store.create("/core/services/default/none", stored("none", { clusterIP: "None" }));
  const api = await TestApiServer.start({ store });
  const { spec } = await api.ok("GET", `${path}/old`);
  expect(spec).toMatchObject({ ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
  expect(await namesOf(api)).toEqual([spec.clusterIP]);
  expect((await api.ok("GET", `${path}/none`)).spec).toMatchObject({
    clusterIP: "None",
    clusterIPs: ["None"],
  });
  await api.stop();
});

test.each([
  { clusterIP: "x" },
  { clusterIP: "x", clusterIPs: ["x"] },
  { clusterIP: "192.0.2.1" },
  { clusterIP: "fd00::1" },
])("a Service that was stored with %j keeps no server from starting, and can be deleted", async (spec) => {
  const store = createMemoryStore();
  await store.create("/core/services/default/old", stored("old", spec));
  const api = await TestApiServer.start({ store });
  expect((await api.ok("GET", `${path}/old`)).spec).toMatchObject(spec);
  expect((await api.call("DELETE", `${path}/old`)).status).toBe(200);
  await api.stop();
});

test("what was taken for a Service that never came goes, but not within its first minute", async () => {
  const store = createMemoryStore();
  const api = await TestApiServer.start({ store });
  const { nowMs } = { nowMs: api.clock.nowMs() };
  const early = { metadata: { name: "10.96.9.1" }, spec: parentOf("never") };
  const ip = { apiVersion: "networking.k8s.io/v1", kind: "IPAddress", ...early };
  await api.ok("POST", addressesPath, { body: ip });
  const owner = { namespace: "default", name: "never" };
  await store.create(`${portsPrefix}30200`, bytesOf({ ...owner, takenAtMs: nowMs }));
  await store.create(`${portsPrefix}30201`, bytesOf({ ...owner, takenAtMs: nowMs + passMs - 30_000 }));
  await api.clock.advance(passMs);
  expect(await namesOf(api)).toEqual([]);
  expect(await portsOf(store)).toEqual(["30201"]);
  await api.clock.advance(passMs);
  expect(await portsOf(store)).toEqual([]);
  await api.stop();
});

function parentOf(name: string): object {
  return { parentRef: { resource: "services", namespace: "default", name } };
}

test("an address that somebody deleted is taken again", async () => {
  const api = await TestApiServer.start();
  const { spec } = await api.ok("POST", path, { body: service("a") });
  await api.ok("DELETE", `${addressesPath}/${spec.clusterIP}`);
  expect(await namesOf(api)).toEqual([]);
  await api.clock.advance(passMs);
  expect(await namesOf(api)).toEqual([spec.clusterIP]);
  await api.stop();
});

test.each(["", "x", "null", "{}"])("a port whose owner reads %j is nobody's", async (value) => {
  const store = createMemoryStore();
  await store.create(`${portsPrefix}30300`, new TextEncoder().encode(value));
  const api = await TestApiServer.start({ store });
  const asked = service("a", { type: "NodePort", ports: [{ port: 80, nodePort: 30_300 }] });
  expect((await api.call("POST", path, { body: asked })).status).toBe(422);
  expect((await api.call("POST", path, { body: service("a", { type: "NodePort" }) })).status).toBe(201);
  await api.stop();
});

test("two Services with one address are logged and left alone", async () => {
  const store = createMemoryStore();
  const spec = { clusterIP: "10.96.7.7", clusterIPs: ["10.96.7.7"], ipFamilies: ["IPv4"] };
  for (const name of ["a", "b"]) await store.create(`/core/services/default/${name}`, stored(name, spec));
  const { log, warnings } = listening();
  const api = await TestApiServer.start({ store, log });
  expect(warnings).toContain("two services have one address or node port");
  for (const name of ["a", "b"]) expect((await api.ok("GET", `${path}/${name}`)).spec).toMatchObject(spec);
  expect(await namesOf(api)).toEqual(["10.96.7.7"]);
  await api.stop();
});

test.each([
  ["was made", true],
  ["was not made", false],
] as const)(
  "after a write of which nobody knows, which %s, nothing is given twice or lost",
  async (_, isMade) => {
    const inner = createMemoryStore();
    const lost = new StorageError({ code: "unavailable", why: "lost", mayHaveHappened: true });
    const store = storeWith(inner, {
      create: async (key, value) => {
        if (key !== "/core/services/default/a") return inner.create(key, value);
        if (isMade) await inner.create(key, value);
        throw lost;
      },
    });
    const api = await TestApiServer.start({ store });
    const body = service("a", { type: "NodePort" });
    expect((await api.call("POST", path, { body })).status).toBe(504);
    expect(await namesOf(api)).toHaveLength(1);
    await api.clock.advance(passMs);
    expect(await namesOf(api)).toHaveLength(isMade ? 1 : 0);
    expect(await portsOf(inner)).toHaveLength(isMade ? 1 : 0);
    await api.stop();
  },
);

test("two servers on one store never give one address", async () => {
  const pair = await ServerPair.start(11);
  const answers = await pair.driver.until(
    Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        pair.servers[index % 2]!.call("POST", path, { body: service(`s${index}`, { type: "NodePort" }) }),
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(new Set(answers.map(({ object }) => object.spec.clusterIP)).size).toBe(24);
  expect(new Set(answers.map(({ object }) => object.spec.ports[0].nodePort)).size).toBe(24);
  await pair.stop();
});

test("the range of the first start stays", async () => {
  const store = createMemoryStore();
  const first = await TestApiServer.start({ store, serviceRanges: { clusterIpRange: "10.5.0.0/24" } });
  await first.stop();
  const { log, warnings } = listening();
  const second = await TestApiServer.start({ store, log, serviceRanges: { clusterIpRange: "10.6.0.0/24" } });
  expect(warnings).toEqual(["services have another range since the first start"]);
  expect((await second.ok("POST", path, { body: service("a") })).spec.clusterIP).toMatch(/^10\.5\.0\./);
  await second.stop();
});
