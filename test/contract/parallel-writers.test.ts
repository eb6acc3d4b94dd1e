/**
 * Many writers of one object at a time, none of which names a resourceVersion: all win, each by one write, over loopback and over
 * HTTPS. Those of other objects do not wait for them.
 * Not here: the turns themselves (src/apiserver/registry/key-turns.ts), two servers on one store (two-servers.test.ts).
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { serveHttp } from "../../src/apiserver/index.ts";
import { seededRandom } from "../../src/base/index.ts";
import {
  httpTransport,
  loopbackTransport,
  type Transport,
  type TransportReply,
} from "../../src/client/index.ts";
import { createMemoryStore, type Store } from "../../src/storage/index.ts";
import { turns } from "../../src/testing/http.ts";
import { replay } from "../../src/testing/replay.ts";
import { storeWith } from "../../src/testing/store-with.ts";
import { TestApiServer } from "../../src/testing/test-api-server.ts";
import { testTls, type TestTls } from "../../src/testing/tls.ts";

const path = "/api/v1/namespaces/default/configmaps";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
const jsonPatch = "application/json-patch+json";

/** Answers after a turn of the event loop, as a store with a disk: every write gives the others time. */
class SlowStore {
  updates = 0;
  /** While set, updates of this key are held. */
  held: { readonly key: string; readonly until: Promise<void> } | undefined;
  readonly store: Store;

  constructor(inner: Store = createMemoryStore()) {
    this.store = storeWith(inner, {
      update: async (key, value, expected) => {
        this.updates++;
        if (this.held?.key === key) await this.held.until;
        await turns();
        return inner.update(key, value, expected);
      },
    });
  }
}

interface World {
  readonly transport: Transport;
  readonly server: TestApiServer;
  readonly slow: SlowStore;
}

const tls: Promise<TestTls> = testTls();
let closers: (() => Promise<void> | void)[] = [];

async function open(over: "loopback" | "HTTPS"): Promise<World> {
  const slow = new SlowStore();
  const server = await TestApiServer.start({ store: slow.store });
  closers.push(() => server.stop());
  const user = { username: "admin", groups: ["system:masters"] };
  if (over === "loopback") return { transport: loopbackTransport(server.handler, { user }), server, slow };
  const { ca, server: own, client } = await tls;
  const http = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    handler: server.handler,
    clock: server.clock,
    random: seededRandom(1),
    tls: { key: own.key, cert: own.cert, clientCa: ca.cert },
  });
  const admin = await client("admin", ["system:masters"]);
  const transport = httpTransport({
    server: `https://127.0.0.1:${http.port}`,
    ca: ca.cert,
    clock: server.clock,
    ...admin,
  });
  closers.push(async () => {
    await transport.close();
    await http.close();
  });
  return { transport, server, slow };
}

afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  closers = [];
});

/** What one of the writers does to `data[name]` of the object. */
type Write = "merge" | "strategic" | "json";

const writes = fc.array(fc.constantFrom<Write>("merge", "strategic", "json"), {
  minLength: 2,
  maxLength: 40,
});

function send(
  { transport }: World,
  call: Pick<Parameters<Transport["send"]>[0], "method" | "path" | "contentType" | "body">,
): Promise<TransportReply> {
  return transport.send({ query: [], signal: new AbortController().signal, ...call });
}

function patch(world: World, name: string, at: number, how: Write): Promise<TransportReply> {
  const contentType = how === "merge" ? merge : how === "strategic" ? strategic : jsonPatch;
  const body =
    how === "json"
      ? [{ op: "add", path: `/data/k${at}`, value: String(at) }]
      : { data: { [`k${at}`]: String(at) } };
  return send(world, { method: "PATCH", path: `${path}/${name}`, contentType, body });
}

const expectedData = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, String(at)]));

describe.each(["loopback", "HTTPS"] as const)("over %s", (over) => {
  let world: World;
  let objects = 0;
  beforeEach(async () => {
    world = await open(over);
  });
  const create = async (data: Record<string, string> = {}): Promise<string> => {
    const name = `shared-${++objects}`;
    await world.server.ok("POST", path, { body: { metadata: { name }, data: { here: "1", ...data } } });
    return name;
  };

  test("parallel patches of one object all win, each by one write", async () => {
    await fc.assert(
      fc.asyncProperty(writes, async (hows) => {
        const name = await create();
        const before = world.slow.updates;
        await Promise.all(hows.map((how, at) => patch(world, name, at, how)));
        const { data } = await world.server.ok("GET", `${path}/${name}`);
        expect(data).toEqual({ here: "1", ...expectedData(hows.length) });
        expect(world.slow.updates - before).toBe(hows.length);
      }),
      { numRuns: over === "HTTPS" ? 10 : 40, ...replay() },
    );
  });

  test("a hundred patches and a hundred PUTs without a resourceVersion all win", async () => {
    const name = await create();
    const put = (at: number): Promise<TransportReply> =>
      send(world, {
        method: "PUT",
        path: `${path}/${name}`,
        body: { metadata: { name }, data: { only: String(at) } },
      });
    const all = Array.from({ length: 100 }, (_, at) => [patch(world, name, at, "merge"), put(at)]).flat();
    await Promise.all(all);
    expect(world.slow.updates).toBe(200);
  });

  test("a writer of another object does not wait for those of a slow one", async () => {
    const [slow, other] = [await create(), await create()];
    let release = (): void => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    world.slow.held = { key: `/core/configmaps/default/${slow}`, until };
    const waiting = Array.from({ length: 20 }, (_, at) => patch(world, slow, at, "merge"));
    await patch(world, other, 0, "merge");
    await world.server.ok("DELETE", `${path}/${other}`);
    expect(world.slow.updates).toBe(2);
    release();
    await Promise.all(waiting);
    expect(world.slow.updates).toBe(21);
  });
});

test("a client that goes away while it waits writes nothing", async () => {
  const world = await open("loopback");
  await world.server.ok("POST", path, { body: { metadata: { name: "a" } } });
  let release = (): void => {};
  const until = new Promise<void>((resolve) => (release = resolve));
  world.slow.held = { key: "/core/configmaps/default/a", until };
  const first = patch(world, "a", 0, "merge");
  const leaver = new AbortController();
  const gone = world.server.call("PATCH", `${path}/a`, {
    contentType: merge,
    body: { data: { k1: "1" } },
    signal: leaver.signal,
  });
  const last = patch(world, "a", 2, "merge");
  await turns();
  leaver.abort(new Error("gone"));
  await gone;
  release();
  await Promise.all([first, last]);
  expect((await world.server.ok("GET", `${path}/a`)).data).toEqual({ k0: "0", k2: "2" });
});

test("PUTs that may create all win: the first creates, the others replace", async () => {
  const world = await open("loopback");
  const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
  const put = (at: number): Promise<TransportReply> =>
    send(world, {
      method: "PUT",
      path: `${roles}/a`,
      body: { metadata: { name: "a" }, rules: [{ apiGroups: [""], resources: [`r${at}`], verbs: ["get"] }] },
    });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => put(at)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(7).fill(200), 201]);
});
