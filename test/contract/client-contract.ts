/**
 * What the client room promises against real API servers, as one suite for each way to put servers together
 * (client-over-loopback.test.ts). Time is simulated.
 * Not here: faults to order (the tests of src/client), HTTP.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
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
import { type Clock, type Random, silentLog } from "../../src/base/index.ts";
import {
  type Client,
  createClient,
  createEventRecorder,
  createInformerFactory,
  createLeaderElector,
  loopbackTransport,
} from "../../src/client/index.ts";
import { type ApiHandler, isAlreadyExists, isConflict, isNotFound } from "../../src/machinery/index.ts";
import { replay } from "../../src/testing/replay.ts";

export interface ClientWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly handler: ApiHandler;
  /** The store forgets its history. */
  compact(): Promise<void>;
  /** Lets everything happen that is under way. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ClientWorldMaker {
  readonly name: string;
  open(seed: number): Promise<ClientWorld>;
  /** Clients hold the server's own objects, as there is one server and its store is in this process. */
  readonly sharesObjects: boolean;
  /** Random scripts; fewer where each takes long. */
  readonly runs: number;
}

interface Opened extends ClientWorld {
  readonly client: Client;
  readonly end: AbortController;
}

const user = { username: "admin", groups: ["system:masters"] };

export function clientContract(maker: ClientWorldMaker): void {
  const using = async (body: (world: Opened) => Promise<void>, seed = 1): Promise<void> => {
    const world = await maker.open(seed);
    const client = createClient(loopbackTransport(world.handler, { user }), { fieldManager: "test" });
    const end = new AbortController();
    try {
      await body({ ...world, client, end });
    } finally {
      end.abort();
      await world.stop();
    }
  };
  describe(`client contract: ${maker.name}`, () => {
    refusals(using);
    informers(using, maker);
    if (maker.sharesObjects) sharedObjects(using);
    recordersAndLeaders(using);
  });
}

type Using = (body: (world: Opened) => Promise<void>, seed?: number) => Promise<void>;

function configMap(name: string, data: Record<string, string> = {}): ConfigMap {
  return { metadata: { name, namespace: "default" }, data };
}

const step = fc.record({
  do: fc.constantFrom("put", "put", "put", "remove", "compact", "wait"),
  name: fc.constantFrom("a", "b", "c"),
  ms: fc.constantFrom(0, 5000, 700_000),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function refusals(using: Using): void {
  test("the server's refusals arrive as StatusErrors", () =>
    using(async ({ client }) => {
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
    }));
}

function sharedObjects(using: Using): void {
  test("objects travel without a copy: list, watch and informer hold the server's own", () =>
    using(async ({ client, clock, random, settle, end }) => {
      const informers = createInformerFactory(client, { clock, random, log: silentLog });
      const informer = informers.for(configmaps);
      informers.start(end.signal);
      await settle();
      await client.create(configmaps, configMap("a", { k: "v" }));
      await settle();
      const listed = (await client.list(configmaps, { namespace: "default", resourceVersion: "0" })).items;
      const cached = informer.lister.get("default/a")!;
      expect(listed.find((item) => item.metadata.name === "a")).toBe(cached);
      expect(cached.data).toEqual({ k: "v" });
      expect(Object.isFrozen(cached.metadata)).toBe(true);
    }));
}

/** Longer than the pauses between the tries of a list and a watch that were refused, each once. */
const catchUpMs = 10_000;

function informers(using: Using, maker: ClientWorldMaker): void {
  const run = (steps: readonly Step[], seed: number): Promise<void> =>
    using(async ({ client, clock, random, compact, advance, end }) => {
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
      informers.start(end.signal);
      let count = 0;
      for (const { do: what, name, ms } of steps) {
        const address = { namespace: "default", name };
        const known = await client.get(configmaps, address).catch(() => undefined);
        if (what === "put" && known === undefined) await client.create(configmaps, configMap(name));
        else if (what === "put") await client.update(configmaps, { ...known!, data: { n: String(count++) } });
        else if (what === "remove" && known !== undefined) await client.delete(configmaps, address);
        else if (what === "compact") await compact();
        else if (what === "wait") await advance(ms);
      }
      await advance(catchUpMs);
      const wanted = (await client.list(configmaps, { namespace: "default" })).items;
      expect(new Set(informer.lister.list())).toEqual(new Set(wanted));
      expect(new Set(story.values())).toEqual(new Set(wanted));
      if (maker.sharesObjects)
        expect(informer.lister.list().every((object) => wanted.includes(object))).toBe(true);
    }, seed);
  test("informers equal the server whatever is written, compacted and waited for", () =>
    fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(1_000), run), {
      numRuns: maker.runs,
      ...replay(),
    }));

  test("a selection of pods by node sees only those, also when they come to match", () =>
    using(async ({ client, clock, random, settle, end }) => {
      const selection = { fieldSelector: "spec.nodeName=n1" };
      const informers = createInformerFactory(client, { clock, random, log: silentLog });
      const informer = informers.for(pods, selection);
      informers.start(end.signal);
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
    }));
}

function recordersAndLeaders(using: Using): void {
  test("the server accepts our events and counts", () =>
    using(async ({ client, clock, random, advance }) => {
      const about = await client.create(configmaps, configMap("a"));
      const recorder = createEventRecorder({ client, component: "tester", clock, random, log: silentLog });
      const node = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n1" };
      for (let i = 0; i < 2; i++) {
        recorder.event(about, "Warning", "R", "m");
        recorder.event(node, "Normal", "S", "m");
        await recorder.flush();
        await advance(1000);
      }
      const written = (await client.list<Event>(events, { namespace: "default" })).items;
      const ours = written.filter((event) => event.source?.component === "tester");
      expect(ours.map((event) => [event.involvedObject.kind, event.reason, event.count])).toEqual([
        ["ConfigMap", "R", 2],
        ["Node", "S", 2],
      ]);
    }));

  test("leaders follow each other on the server's Lease", () =>
    using(async ({ client, clock, random, settle, advance }) => {
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
      await settle();
      await advance(1);
      const b = candidate("b");
      await advance(30_000);
      a.abort();
      await advance(5000);
      b.abort();
      await advance(5000);
      expect(story).toEqual(["a starts", "a stopped", "b starts", "b stopped"]);
      const lease = await client.get<Lease>(leases, { namespace: "kube-system", name: "l" });
      expect(lease.spec).toMatchObject({ holderIdentity: "", leaseTransitions: 1 });
    }));
}
