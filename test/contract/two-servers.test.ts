/**
 * Two API servers over one store that others write to, too: reads of the newest state see every write, watches go on at either
 * server, and no resourceVersion goes back. Checked against the store's own log, over seeds.
 * Not here: what clients make of it (client-over-loopback.test.ts), the cacher alone (src/apiserver/watch-cache).
 */
import { afterEach, describe, expect, test } from "vitest";
import { configmaps } from "../../src/api/index.ts";
import { type Random, seededRandom, silentLog } from "../../src/base/index.ts";
import { createClient, createInformerFactory, loopbackTransport } from "../../src/client/index.ts";
import type { Method } from "../../src/machinery/index.ts";
import { ServerPair } from "../../src/testing/server-pair.ts";
import type { Answer, CallOptions, TestWatch } from "../../src/testing/test-api-server.ts";

type At = 0 | 1;
const maps = "/api/v1/namespaces/default/configmaps";
const prefix = "/core/configmaps/default/";
/** Longer than any message takes, and a call that is given up. */
const settleMs = 2_500;

let open: ServerPair[] = [];
afterEach(async () => {
  for (const pair of open.splice(0)) await pair.stop();
  open = [];
});

async function start(seed: number): Promise<ServerPair> {
  const pair = await ServerPair.start(seed);
  open.push(pair);
  return pair;
}

const call = (pair: ServerPair, at: At, ...rest: readonly [Method, string, CallOptions?]): Promise<Answer> =>
  pair.driver.until(pair.servers[at].call(...rest));
const body = (name: string, n: number): { readonly body: object } => ({
  body: { metadata: { name }, data: { n: String(n) } },
});
const flip = (random: Random): At => (random.next() < 0.5 ? 0 : 1);
const versionOf = (answer: Answer): number => Number(answer.object.metadata.resourceVersion);

/** Another writer changes these at one revision, as an etcd client would. */
function transact(pair: ServerPair, values: Readonly<Record<string, number | undefined>>): number {
  const changes = Object.entries(values).map(([name, n]) => {
    const metadata = { name, namespace: "default", uid: `uid-${name}` };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { n: String(n) } };
    const key = `${prefix}${name}`;
    return n === undefined ? { key } : { key, value: Buffer.from(JSON.stringify(object)) };
  });
  return (pair.database.transact(changes) as { revision: number }).revision;
}

/** `ADDED a@9`: what a watch after `after` must show, by the store's log. */
function shouldShow(pair: ServerPair, after: number): string[] {
  return pair.database
    .after(after)
    .flat()
    .filter((row) => row.key.startsWith(prefix))
    .map(({ key, value, revision, before }) => {
      const type = value === undefined ? "DELETED" : before?.value === undefined ? "ADDED" : "MODIFIED";
      return `${type} ${key.slice(prefix.length)}@${revision}`;
    });
}

function shown(watch: TestWatch): string[] {
  return watch.events
    .filter(({ type }) => type !== "BOOKMARK")
    .map(({ type, object }) => `${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
}

describe("a read of the newest state", () => {
  test.each([1, 2, 3, 4, 5])(
    "through one server sees what went through the other (seed %i)",
    async (seed) => {
      const pair = await start(seed);
      const random = seededRandom(seed);
      let last = 0;
      for (let n = 0; n < 40; n++) {
        const writer = flip(random);
        const written =
          n === 0
            ? await call(pair, writer, "POST", maps, body("a", n))
            : await call(pair, writer, "PUT", `${maps}/a`, body("a", n));
        expect(written.status).toBeLessThan(300);
        expect(versionOf(written)).toBeGreaterThan(last);
        last = versionOf(written);
        if (random.next() < 0.3) transact(pair, { b: n });
        const other = (1 - writer) as At;
        const [read, list] = [
          await call(pair, other, "GET", `${maps}/a`),
          await call(pair, other, "GET", maps),
        ];
        expect([read.object.data.n, versionOf(read)]).toEqual([String(n), last]);
        expect(versionOf(list)).toBeGreaterThanOrEqual(pair.database.revision);
        const rows = pair.database.at(versionOf(list), prefix);
        const wanted = rows.map(({ key, revision }) => [key.slice(prefix.length), String(revision)]);
        const items = list.object.items as { metadata: { name: string; resourceVersion: string } }[];
        expect(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion])).toEqual(wanted);
      }
    },
  );

  test("in pages is one moment, whichever server has the page", async () => {
    const pair = await start(6);
    for (let n = 0; n < 6; n++) transact(pair, { [`x${n}`]: n, [`y${n}`]: n });
    const first = await call(pair, 0, "GET", `${maps}?limit=5`);
    transact(pair, { x0: 7, x3: 7, y5: undefined, z: 1 });
    const names: string[] = [];
    for (let page = first, at = 1; ; page = await call(pair, (at++ % 2) as At, "GET", nextOf(page))) {
      expect(versionOf(page)).toBe(versionOf(first));
      names.push(...page.object.items.map(({ metadata, data }: never) => metadata["name"] + data["n"]));
      if (page.object.metadata.continue === undefined) break;
    }
    const rows = pair.database.at(versionOf(first), prefix);
    expect(names).toEqual(rows.map(({ key }) => key.slice(prefix.length) + key.slice(-1)));
  });
});

function nextOf(page: Answer): string {
  return `${maps}?limit=5&continue=${page.object.metadata.continue}`;
}

describe("a watch", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "goes on at the other server after what was seen, without gap or repetition (seed %i)",
    async (seed) => {
      const pair = await start(seed);
      const random = seededRandom(seed);
      pair.faults = { broken: 0.2 };
      const begun = pair.database.revision;
      const seen: string[] = [];
      let last = begun;
      const hop = async (): Promise<TestWatch> =>
        pair.driver.until(
          pair.servers[flip(random)].watch(
            `${maps}?watch=1&allowWatchBookmarks=true&resourceVersion=${last}`,
          ),
        );
      const leave = (watch: TestWatch): void => {
        watch.stop();
        seen.push(...shown(watch));
        for (const { object } of watch.events) {
          const version = Number(object.metadata.resourceVersion);
          expect(version).toBeGreaterThanOrEqual(last);
          last = version;
        }
      };
      let watch = await hop();
      for (let n = 0; n < 60; n++) {
        transact(pair, { a: n, [`x${n}`]: n, ...(n > 3 ? { [`x${n - 4}`]: undefined } : {}) });
        await pair.driver.pass(Math.floor(random.next() * 30));
        if (random.next() < 0.05) await pair.driver.pass(60_000);
        if (random.next() < 0.3 || watch.hasEnded) {
          leave(watch);
          watch = await hop();
        }
      }
      pair.faults = {};
      await pair.driver.pass(10_000);
      leave(watch);
      expect(seen).toEqual(shouldShow(pair, begun));
    },
  );

  test("on a quiet resource gets bookmarks that follow what others write elsewhere", async () => {
    const pair = await start(1);
    const watch = await pair.driver.until(
      pair.servers[0].watch(
        `${maps}?watch=1&allowWatchBookmarks=true&resourceVersion=${pair.database.revision}`,
      ),
    );
    for (let minute = 0; minute < 3; minute++) {
      pair.database.transact([{ key: "elsewhere", value: new Uint8Array(1) }]);
      await pair.driver.pass(130_000);
      expect(watch.events.at(-1)).toMatchObject({
        type: "BOOKMARK",
        object: { metadata: { resourceVersion: String(pair.database.revision) } },
      });
    }
  });

  test("ends when its server has to list anew, and its client is told to", async () => {
    const pair = await start(2);
    const begun = transact(pair, { a: 1, b: 1 });
    await call(pair, 0, "GET", maps);
    const path = `${maps}?watch=1&allowWatchBookmarks=true&resourceVersion=`;
    const watches = [
      await pair.driver.until(pair.servers[0].watch(`${path}${begun}`)),
      await pair.driver.until(pair.servers[1].watch(`${path}${begun}`)),
    ];
    pair.stores[0].isDown = true;
    transact(pair, { a: 2 });
    await pair.driver.pass(settleMs);
    transact(pair, { b: undefined, c: 1 });
    await pair.driver.pass(settleMs);
    pair.database.compact(pair.database.revision);
    pair.stores[0].isDown = false;
    await pair.driver.pass(10_000);
    expect(watches.map((watch) => [watch.hasEnded, shown(watch).length])).toEqual([
      [true, 0],
      [false, 3],
    ]);
    const again = await pair.driver.until(pair.servers[0].watch(`${path}${begun}`));
    await pair.driver.pass(settleMs);
    expect(again.events).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
    const list = await call(pair, 0, "GET", maps);
    expect(list.object.items.map(({ metadata }: never) => metadata["name"])).toEqual(["a", "c"]);
    const next = await pair.driver.until(pair.servers[0].watch(`${path}${versionOf(list)}`));
    const revision = transact(pair, { a: 3 });
    await pair.driver.pass(settleMs);
    expect(shown(next)).toEqual([`MODIFIED a@${revision}`]);
  });
});

describe("a write whose answer is lost", () => {
  /** Rows of the store's log whose key begins so. */
  const rows = (pair: ServerPair, name: string): number =>
    pair.database
      .after(0)
      .flat()
      .filter(({ key }) => key.startsWith(prefix + name)).length;

  test("is 504, and is not tried again by the server, whatever it was", async () => {
    const pair = await start(5);
    const made = await call(pair, 0, "POST", maps, body("a", 1));
    pair.faults = { lostReply: 1, sparesReads: true };
    const generated = { body: { metadata: { generateName: "g-" } } };
    const answers = [
      await call(pair, 0, "POST", maps, body("b", 1)),
      await call(pair, 0, "POST", maps, generated),
      await call(pair, 0, "PUT", `${maps}/a`, body("a", 2)),
      await call(pair, 0, "PATCH", `${maps}/a`, {
        contentType: "application/merge-patch+json",
        body: { data: { n: "3" } },
      }),
    ];
    for (const { object } of answers) {
      const { code, reason, message } = object;
      expect([code, reason]).toEqual([504, "Timeout"]);
      expect(message).toBe("Timeout: the storage did not answer, the request may have been carried out");
    }
    expect(["a", "b", "g-"].map((name) => rows(pair, name))).toEqual([3, 1, 1]);
    pair.faults = {};
    expect((await call(pair, 1, "POST", maps, body("b", 2))).object.reason).toBe("AlreadyExists");
    const stale = { metadata: made.object.metadata, data: {} };
    const conflict = await call(pair, 1, "PUT", `${maps}/a`, { body: stale });
    expect(conflict.object.reason).toBe("Conflict");
    expect((await call(pair, 1, "GET", `${maps}/a`)).object.data.n).toBe("3");
    pair.faults = { lostReply: 1, sparesReads: true };
    expect((await call(pair, 0, "DELETE", `${maps}/a`)).status).toBe(504);
    pair.faults = {};
    expect((await call(pair, 1, "GET", `${maps}/a`)).status).toBe(404);
  });

  test("and that never arrived is 504 all the same; one that was refused is 503", async () => {
    const pair = await start(6);
    pair.faults = { lostRequest: 1, sparesReads: true };
    expect((await call(pair, 0, "POST", maps, body("a", 1))).status).toBe(504);
    pair.faults = { refused: 1, sparesReads: true };
    expect((await call(pair, 0, "POST", maps, body("a", 1))).status).toBe(503);
    pair.faults = { late: 1, sparesReads: true };
    expect((await call(pair, 0, "POST", maps, body("a", 1))).status).toBe(504);
    pair.faults = {};
    await pair.driver.pass(settleMs);
    expect((await call(pair, 1, "POST", maps, body("a", 2))).object.reason).toBe("AlreadyExists");
    expect(rows(pair, "a")).toBe(1);
  });
});

describe("whatever the network does", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "what was answered is true, and reads of the newest state are (seed %i)",
    async (seed) => {
      const pair = await start(seed);
      const random = seededRandom(seed);
      pair.faults = { refused: 0.1, lostRequest: 0.05, lostReply: 0.1, late: 0.05, broken: 0.1 };
      const outcomes = new Map<string, { readonly status: number; readonly version: number }>();
      let n = 0;
      const write = async (): Promise<void> => {
        const [name, id] = [`k${Math.floor(random.next() * 4)}`, ++n];
        const isPost = random.next() < 0.3;
        const answer = isPost
          ? await call(pair, flip(random), "POST", maps, body(name, id))
          : await call(pair, flip(random), "PUT", `${maps}/${name}`, body(name, id));
        const version = answer.status < 300 ? versionOf(answer) : 0;
        outcomes.set(String(id), { status: answer.status, version });
      };
      const read = async (): Promise<void> => {
        const key = `${prefix}k${Math.floor(random.next() * 4)}`;
        const before = pair.database.newest(key)?.revision ?? 0;
        const from = pair.database.revision;
        const answer = await call(pair, flip(random), "GET", `${maps}/${key.slice(prefix.length)}`);
        if (answer.status !== 200 && answer.status !== 404) return;
        const since = pair.database
          .after(from)
          .flat()
          .filter((row) => row.key === key);
        const possible = [before, ...since.map(({ revision }) => revision)];
        expect(possible).toContain(answer.status === 200 ? versionOf(answer) : 0);
      };
      for (let step = 0; step < 60; step++)
        await Promise.all(Array.from({ length: 3 }, () => (random.next() < 0.5 ? write() : read())));
      pair.faults = {};
      await pair.driver.pass(20_000);
      const log = pair.database
        .after(0)
        .flat()
        .filter(({ key }) => key.startsWith(prefix));
      const ids = log.map(({ value }) => JSON.parse(Buffer.from(value!).toString()).data.n as string);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [id, { status, version }] of outcomes) {
        const at = ids.indexOf(id);
        if (status < 300) expect(log[at]?.revision).toBe(version);
        else if (status !== 504) expect(at).toBe(-1);
      }
      expect([...outcomes.values()].filter(({ status }) => status === 504).length).toBeGreaterThan(2);
      for (const at of [0, 1] as const) {
        const list = await call(pair, at, "GET", maps);
        const items = list.object.items as { metadata: { resourceVersion: string } }[];
        expect(items.map(({ metadata }) => Number(metadata.resourceVersion))).toEqual(
          pair.database.at(pair.database.revision, prefix).map(({ revision }) => revision),
        );
      }
    },
  );
});

describe("garbage that another writer puts under our keys", () => {
  const write = (pair: ServerPair, key: string, value: string | Buffer): number =>
    (pair.database.transact([{ key, value: Buffer.from(value) }]) as { revision: number }).revision;
  const metadata = { name: "g", namespace: "default" };
  const kind = { apiVersion: "v1", kind: "ConfigMap" };
  const garbage: readonly (readonly [string, string, string | Buffer])[] = [
    ["bytes", "g", Buffer.from([0xff, 0, 1, 2])],
    ["nothing", "g", ""],
    ["half an object", "g", JSON.stringify({ ...kind, metadata }).slice(0, -5)],
    ["another name", "g", JSON.stringify({ ...kind, metadata: { ...metadata, name: "h" } })],
    ["another namespace", "g", JSON.stringify({ ...kind, metadata: { ...metadata, namespace: "h" } })],
    ["labels that are none", "g", JSON.stringify({ ...kind, metadata: { ...metadata, labels: 5 } })],
    ["data that is none", "g", JSON.stringify({ ...kind, metadata, data: ["x"] })],
    ["a key that is none", "g/h", JSON.stringify({ ...kind, metadata })],
    ["no metadata", "g", JSON.stringify({ ...kind, metadata: null })],
  ];

  test.each(garbage)("counts as absent: %s", async (_, name, value) => {
    const pair = await start(9);
    const begun = transact(pair, { a: 1, g: 1 });
    const selected = `${maps}?watch=1&labelSelector=app&resourceVersion=${begun}`;
    const watches = [
      await pair.driver.until(pair.servers[0].watch(`${maps}?watch=1&resourceVersion=${begun}`)),
      await pair.driver.until(pair.servers[1].watch(selected)),
    ];
    const overwritten = write(pair, `${prefix}${name}`, value);
    await pair.driver.pass(settleMs);
    transact(pair, { b: 1 });
    const late = await ServerPair.start(9, pair.database);
    open.push(late);
    for (const [who, at] of [
      [pair, 0],
      [pair, 1],
      [late, 0],
    ] as const) {
      const list = await call(who, at, "GET", maps);
      const names = list.object.items.map((item: never) => item["metadata"]["name"]);
      expect(names).toEqual(name === "g" ? ["a", "b"] : ["a", "b", "g"]);
      const exact = await call(who, at, "GET", `${maps}?limit=9&resourceVersion=${overwritten}`);
      expect([exact.status, exact.object.items.length]).toEqual([200, name === "g" ? 1 : 2]);
      expect((await call(who, at, "GET", "/readyz")).status).toBe(200);
    }
    const gone = name === "g" ? [`DELETED g@${overwritten}`] : [];
    expect(shown(watches[0]!)).toEqual([...gone, `ADDED b@${overwritten + 1}`]);
    const fromHistory = await late.driver.until(
      late.servers[1].watch(`${maps}?watch=1&resourceVersion=${begun}`),
    );
    await late.driver.pass(settleMs);
    expect(shown(fromHistory)).toEqual(shown(watches[0]!));
    expect([watches[1]!.events, watches[1]!.hasEnded]).toEqual([[], false]);
    // Put right by whoever spoilt it, it is there again.
    const revision = transact(pair, { g: 2 });
    expect((await call(pair, 0, "GET", `${maps}/g`)).object.data.n).toBe("2");
    expect(shown(watches[0]!).at(-1)).toBe(`${name === "g" ? "ADDED" : "MODIFIED"} g@${revision}`);
  });
});

test("an informer sees all changes of a transaction of others, at whichever server", async () => {
  const pair = await start(3);
  const client = createClient(
    loopbackTransport(pair.handler, { user: { username: "u", groups: ["system:masters"] } }),
  );
  const end = new AbortController();
  const { clock } = pair;
  const informers = createInformerFactory(client, { clock, random: seededRandom(1), log: silentLog });
  const informer = informers.for(configmaps);
  informers.start(end.signal);
  await pair.driver.pass(settleMs);
  for (let n = 0; n < 10; n++) {
    transact(pair, { a: n, b: n, [`x${n}`]: n, ...(n > 0 ? { [`x${n - 1}`]: undefined } : {}) });
    await pair.driver.pass(settleMs);
    const has = informer.lister.list().map(({ metadata, data }) => [metadata.name, data?.["n"]]);
    expect(has.sort()).toEqual(["a", "b", `x${n}`].map((name) => [name, String(n)]));
  }
  end.abort();
});

test.each([1, 2, 3])("servers start over a store that loses answers (seed %i)", async (seed) => {
  const pair = new ServerPair(seed);
  open.push(pair);
  pair.faults = { refused: 0.3, lostReply: 0.3 };
  await pair.driver.until(Promise.all(pair.servers.map(({ server }) => server.ready)));
  pair.faults = {};
  const namespaces = await call(pair, 0, "GET", "/api/v1/namespaces");
  const names = namespaces.object.items.map((item: never) => item["metadata"]["name"]);
  expect(names).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
});

test("a server goes on when the removal of an old event is not answered", async () => {
  const pair = await start(7);
  const events = "/api/v1/namespaces/default/events";
  const involvedObject = { kind: "Pod", name: "p", namespace: "default" };
  await call(pair, 0, "POST", events, { body: { metadata: { name: "e" }, involvedObject } });
  pair.faults = { refused: 1, sparesReads: true };
  await pair.driver.pass(70 * 60_000);
  expect((await call(pair, 0, "GET", events)).object.items.length).toBe(1);
  pair.faults = { lostReply: 1, sparesReads: true };
  await pair.driver.pass(10 * 60_000);
  expect((await call(pair, 1, "GET", events)).object.items).toEqual([]);
  for (const at of [0, 1] as const) expect((await call(pair, at, "GET", "/readyz")).status).toBe(200);
});

test("a server whose store is away is not ready for long, serves what may be old, and comes back", async () => {
  const pair = await start(4);
  await call(pair, 0, "POST", maps, body("a", 1));
  await call(pair, 1, "GET", maps);
  const ready = async (at: At): Promise<number> => (await call(pair, at, "GET", "/readyz")).status;
  expect([await ready(0), await ready(1)]).toEqual([200, 200]);
  pair.stores[1].isDown = true;
  await pair.driver.pass(11_000);
  expect([await ready(0), await ready(1)]).toEqual([200, 500]);
  const newest = await call(pair, 1, "GET", `${maps}/a`);
  expect([newest.status, newest.object.reason]).toEqual([503, "ServiceUnavailable"]);
  const written = await call(pair, 1, "PUT", `${maps}/a`, body("a", 2));
  expect(written.status).toBe(503);
  const old = await call(pair, 1, "GET", `${maps}/a?resourceVersion=0`);
  expect([old.status, old.object.data.n]).toEqual([200, "1"]);
  pair.stores[1].isDown = false;
  await pair.driver.pass(6_000);
  expect(await ready(1)).toBe(200);
  expect((await call(pair, 1, "PUT", `${maps}/a`, body("a", 3))).status).toBe(200);
  expect((await call(pair, 0, "GET", `${maps}/a`)).object.data.n).toBe("3");
});
