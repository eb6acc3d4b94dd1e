/**
 * Whatever a server does to its watchers (ends, silence, repeats, 410, refusals): the events that handlers get, added up,
 * equal the cache at every step. None is a repeat or goes back in time. In the end the cache equals the server.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nodes, type Node } from "../../api/index.ts";
import { seededRandom, settleMicrotasks, silentLog, type SimulatedClock } from "../../base/index.ts";
import { expired, serviceUnavailable } from "../../machinery/index.ts";
import { FaultyServer } from "../../testing/faulty-server.ts";
import { createClient } from "../transport/api-client.ts";
import type { Informer } from "./informer.ts";
import { loopbackTransport } from "../transport/loopback-transport.ts";
import { createInformerFactory } from "./shared-informer.ts";

/** A silent watch is given up after some minutes at the latest. */
const noticedWithinMs = 1_200_000;

const names = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), name: names }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("remove" as const), name: names }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("end", "silence", "restart", "lose everything") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("repeat" as const), count: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("refuse", "expire"), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(0, 1, 900, 40_000, 200_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function perform(server: FaultyServer, clock: SimulatedClock, action: Step): Promise<void> {
  if (action.do === "put" && "name" in action) await server.put(nodes, { metadata: { name: action.name } });
  else if (action.do === "remove" && "name" in action) await server.remove(nodes, action.name);
  else if (action.do === "end") server.endWatches();
  else if (action.do === "silence") server.silenceWatches();
  else if (action.do === "restart") await server.restart();
  else if (action.do === "lose everything") {
    await server.restartEmpty();
    // A client can notice this only while the new revisions are below its own.
    await clock.advance(noticedWithinMs);
  } else if (action.do === "wait" && "ms" in action) await clock.advance(action.ms);
  else if ("count" in action && action.do === "repeat") server.repeat(action.count);
  else if ("count" in action)
    for (let i = 0; i < action.count; i++)
      server.failNext(action.do === "expire" ? expired("too old") : serviceUnavailable("busy"));
}

/** Keeps `mirror` by the events of a handler. Fails at once when an event does not follow from those before. */
function keepMirror(informer: Informer<Node>, mirror: Map<string, Node>): void {
  const check = (name: string): void => {
    expect(informer.lister.get(name)).toBe(mirror.get(name));
    expect(informer.lister.size).toBe(mirror.size);
  };
  informer.addHandler({
    added: (object) => {
      expect(mirror.has(object.metadata.name!)).toBe(false);
      mirror.set(object.metadata.name!, object);
      check(object.metadata.name!);
    },
    updated: (before, after) => {
      expect(mirror.get(after.metadata.name!)).toBe(before);
      expect(after.metadata.uid).toBe(before.metadata.uid);
      expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion));
      mirror.set(after.metadata.name!, after);
      check(after.metadata.name!);
    },
    deleted: (object) => {
      expect(mirror.get(object.metadata.name!)?.metadata.uid).toBe(object.metadata.uid);
      mirror.delete(object.metadata.name!);
      check(object.metadata.name!);
    },
  });
}

test("an informer converges, and its events add up to its cache", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), async (steps, seed) => {
      const server = await FaultyServer.start();
      const { clock } = server;
      const stop = new AbortController();
      const defects: unknown[] = [];
      const log = { ...silentLog, error: (_: string, fields?: unknown) => defects.push(fields) };
      const client = createClient(loopbackTransport(server.handler, { user: { username: "u", groups: [] } }));
      const dependencies = { clock, random: seededRandom(seed), log, freeze: true };
      const informers = createInformerFactory(client, dependencies);
      const informer = informers.for(nodes);
      const mirror = new Map<string, Node>();
      keepMirror(informer, mirror);
      informers.start(stop.signal);
      for (const action of steps) await perform(server, clock, action);
      await clock.advance(1_200_000);
      expect(defects).toEqual([]);
      expect(new Set(informer.lister.list())).toEqual(new Set(await server.objects(nodes)));
      expect(new Set(mirror.values())).toEqual(new Set(await server.objects(nodes)));
      expect(server.watchers).toBeGreaterThanOrEqual(1);
      stop.abort();
      await settleMicrotasks();
      await server.stop();
      expect(clock.untilNextMs()).toBeUndefined();
    }),
    { numRuns: 150 },
  );
}, 60_000);
