/**
 * The client room against the real API server with the memory store, in one process and simulated time.
 * Not here: faults to order (the tests of src/client), HTTP.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ConfigMap,
  configmaps,
  type Event,
  events,
  type Lease,
  leases,
  type Pod,
  pods,
} from "../../src/api/index.ts";
import { createApiServer } from "../../src/apiserver/index.ts";
import { type Random, seededRandom, silentLog, silentMetrics, SimulatedClock } from "../../src/base/index.ts";
import {
  type Client,
  createClient,
  createEventRecorder,
  createInformerFactory,
  createLeaderElector,
  loopbackTransport,
} from "../../src/client/index.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../src/machinery/index.ts";
import { createMemoryStore, type EmbeddedStore } from "../../src/storage/index.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const admin = { username: "admin", groups: ["system:masters"] };

interface World {
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly store: EmbeddedStore;
  readonly client: Client;
  readonly stop: AbortController;
}

async function world(seed = 1): Promise<World> {
  const clock = new SimulatedClock();
  const random = seededRandom(seed);
  const store = createMemoryStore({ clock });
  const dependencies = { store, clock, random, log: silentLog, metrics: silentMetrics };
  const server = createApiServer({ freeze: true }, dependencies);
  const stop = new AbortController();
  void server.run(stop.signal);
  await server.ready;
  const client = createClient(loopbackTransport(server.handler, { user: admin }), { fieldManager: "test" });
  return { clock, random, store, client, stop };
}

function configMap(name: string, data: Record<string, string> = {}): ConfigMap {
  return { metadata: { name, namespace: "default" }, data };
}

test("objects travel without a copy: list, watch and informer hold the server's own", async () => {
  const { client, clock, random, stop } = await world();
  const informers = createInformerFactory(client, { clock, random, log: silentLog });
  const informer = informers.for(configmaps);
  informers.start(stop.signal);
  await settle();
  await client.create(configmaps, configMap("a", { k: "v" }));
  await settle();
  const listed = (await client.list(configmaps, { namespace: "default", resourceVersion: "0" })).items;
  const cached = informer.lister.get("default/a")!;
  expect(listed.find((item) => item.metadata.name === "a")).toBe(cached);
  expect(cached.data).toEqual({ k: "v" });
  expect(Object.isFrozen(cached.metadata)).toBe(true);
  stop.abort();
});

test("the server's refusals arrive as StatusErrors", async () => {
  const { client, stop } = await world();
  const created = await client.create(configmaps, configMap("a"));
  expect(await client.create(configmaps, configMap("a")).catch(isAlreadyExists)).toBe(true);
  await client.update(configmaps, { ...created, data: { k: "1" } });
  expect(await client.update(configmaps, { ...created, data: { k: "2" } }).catch(isConflict)).toBe(true);
  const address = { namespace: "default", name: "a" };
  const patched = await client.patch(configmaps, address, {
    type: "merge",
    body: { data: { k: null, l: "3" } },
  });
  expect(patched.data).toEqual({ l: "3" });
  await client.delete(configmaps, address, { preconditions: { uid: created.metadata.uid! } });
  expect(await client.get(configmaps, address).catch(isNotFound)).toBe(true);
  stop.abort();
});

const step = fc.record({
  do: fc.constantFrom("put", "put", "put", "remove", "compact", "wait"),
  name: fc.constantFrom("a", "b", "c"),
  ms: fc.constantFrom(0, 5000, 700_000),
});

test("informers equal the server whatever is written, compacted and waited for", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(), async (steps, seed) => {
      const { client, clock, random, store, stop } = await world(seed);
      const dependencies = { clock, random, log: silentLog, freeze: true };
      const informers = createInformerFactory(client, dependencies);
      const informer = informers.for(configmaps, { namespace: "default" });
      const story = new Map<string, ConfigMap>();
      const told = (object: ConfigMap): void => void story.set(object.metadata.name!, object);
      informer.addHandler({
        added: told,
        updated: (before, after) => {
          expect(story.get(after.metadata.name!)).toBe(before);
          told(after);
        },
        deleted: (object) => expect(story.delete(object.metadata.name!)).toBe(true),
      });
      informers.start(stop.signal);
      let count = 0;
      for (const { do: what, name, ms } of steps) {
        const address = { namespace: "default", name };
        const known = await client.get(configmaps, address).catch(() => undefined);
        if (what === "put" && known === undefined) await client.create(configmaps, configMap(name));
        else if (what === "put") await client.update(configmaps, { ...known!, data: { n: String(count++) } });
        else if (what === "remove" && known !== undefined) await client.delete(configmaps, address);
        else if (what === "compact") await store.compact(store.currentRevision());
        else if (what === "wait") await clock.advance(ms, settle);
      }
      await clock.advance(1000, settle);
      const wanted = (await client.list(configmaps, { namespace: "default" })).items;
      expect(new Set(informer.lister.list())).toEqual(new Set(wanted));
      expect(new Set(story.values())).toEqual(new Set(wanted));
      expect(informer.lister.list().every((object) => wanted.includes(object))).toBe(true);
      stop.abort();
      await settle();
    }),
    { numRuns: 30 },
  );
});

test("a selection of pods by node sees only those, also when they come to match", async () => {
  const { client, clock, random, stop } = await world();
  const selection = { fieldSelector: "spec.nodeName=n1" };
  const informers = createInformerFactory(client, { clock, random, log: silentLog });
  const informer = informers.for(pods, selection);
  informers.start(stop.signal);
  await settle();
  const pod = (name: string): Pod => ({
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "c", image: "i" }] },
  });
  await client.create(pods, pod("p"));
  await client.create(pods, pod("q"));
  const target = { apiVersion: "v1", kind: "Node", name: "n1" };
  const body = { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target };
  await client.createSubresource(pods, { namespace: "default", name: "p", subresource: "binding" }, body);
  await settle();
  expect(informer.lister.list().map((object) => object.metadata.name)).toEqual(["p"]);
  stop.abort();
});

test("the server accepts our events and counts", async () => {
  const { client, clock, random, stop } = await world();
  const about = await client.create(configmaps, configMap("a"));
  const recorder = createEventRecorder({ client, component: "tester", clock, random, log: silentLog });
  const node = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n1" };
  for (let i = 0; i < 2; i++) {
    recorder.event(about, "Warning", "R", "m");
    recorder.event(node, "Normal", "S", "m");
    await recorder.flush();
    await clock.advance(1000, settle);
  }
  const written = (await client.list<Event>(events, { namespace: "default" })).items;
  const ours = written.filter((event) => event.source?.component === "tester");
  expect(ours.map((event) => [event.involvedObject.kind, event.reason, event.count])).toEqual([
    ["ConfigMap", "R", 2],
    ["Node", "S", 2],
  ]);
  stop.abort();
});

test("leaders follow each other on the server's Lease", async () => {
  const { client, clock, random, stop } = await world();
  const story: string[] = [];
  const candidate = (identity: string): AbortController => {
    const own = new AbortController();
    const elector = createLeaderElector({
      client,
      clock,
      random,
      log: silentLog,
      name: "l",
      namespace: "kube-system",
      identity,
      onStarted: () => void story.push(`${identity} starts`),
      onStopped: () => void story.push(`${identity} stopped`),
    });
    void elector.run(own.signal);
    return own;
  };
  const a = candidate("a");
  await clock.advance(1, settle);
  const b = candidate("b");
  await clock.advance(30_000, settle);
  a.abort();
  await clock.advance(5000, settle);
  b.abort();
  await clock.advance(5000, settle);
  expect(story).toEqual(["a starts", "a stopped", "b starts", "b stopped"]);
  const lease = await client.get<Lease>(leases, { namespace: "kube-system", name: "l" });
  expect(lease.spec).toMatchObject({ holderIdentity: "", leaseTransitions: 1 });
  stop.abort();
});
