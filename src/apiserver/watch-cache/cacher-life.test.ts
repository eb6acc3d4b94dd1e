/**
 * The cacher over a store that is far away and shared: it follows, resumes, lists anew, and says what it cannot mend (SPEC.md).
 * Not here: what servers make of it (test/contract/two-servers.test.ts).
 */
import { beforeEach, describe, expect, test } from "vitest";
import { seededRandom, silentLog, silentMetrics, SimulatedClock } from "../../base/index.ts";
import { type KubeObject, statusOf } from "../../machinery/index.ts";
import { StorageError, storageFailureOf, type Store } from "../../storage/index.ts";
import { ForeignDatabase } from "../../testing/foreign-database.ts";
import { ForeignStore } from "../../testing/foreign-store.ts";
import { storeWith } from "../../testing/store-with.ts";
import { TimeDriver } from "../../testing/time-driver.ts";
import { Cacher, type ResourceCache } from "./cacher.ts";
import { WrittenObjects } from "./encode.ts";

/** Longer than any message takes. */
const settleMs = 100;
const prefixes = ["/core/configmaps/", "/core/secrets/"];
const parse = (value: Uint8Array): KubeObject => JSON.parse(Buffer.from(value).toString()) as KubeObject;

class World {
  readonly clock = new SimulatedClock();
  readonly driver = new TimeDriver(this.clock);
  readonly database = new ForeignDatabase();
  readonly store: ForeignStore;
  readonly cacher: Cacher;
  readonly caches: readonly ResourceCache[];
  readonly failures: unknown[] = [];
  /** `put /key@revision`, as the caches told it. */
  readonly told: string[] = [];
  /** Keys of each cache when it was replaced. */
  readonly replaced: string[][] = [];
  #started: Promise<void> | undefined;

  constructor(seed: number, other: (store: ForeignStore) => Partial<Store> = () => ({})) {
    const { clock } = this;
    this.store = new ForeignStore(this.database, { clock, random: seededRandom(seed) });
    const resources = prefixes.map((prefix) => ({ prefix, namespaced: true, parse }));
    const written = new WrittenObjects({ freeze: true });
    this.cacher = new Cacher(resources, {
      store: storeWith(this.store, other(this.store)),
      written,
      clock,
      log: silentLog,
      metrics: silentMetrics,
    });
    this.caches = prefixes.map((prefix) => this.cacher.cache(prefix));
    for (const cache of this.caches) {
      cache.onEvent = ({ type, current, revision }) =>
        this.told.push(`${type} ${current.key.slice(1)}@${revision}`);
      cache.onReplaced = () => this.replaced.push(cache.candidates({}).map(({ key }) => key));
    }
  }

  async start(): Promise<this> {
    await this.driver.until(this.begin());
    return this;
  }

  begin(): Promise<void> {
    this.#started ??= this.cacher.start((error) => this.failures.push(error));
    return this.#started;
  }

  /** Another writer changes these at one revision; undefined deletes. */
  change(values: Readonly<Record<string, number | undefined>>): number {
    const changes = Object.entries(values).map(([name, n]) => {
      const key = name.startsWith("/") ? name : `/core/configmaps/default/${name}`;
      const metadata = { name: key.split("/").at(-1), namespace: "default" };
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata, n };
      return n === undefined ? { key } : { key, value: Buffer.from(JSON.stringify(object)) };
    });
    return (this.database.transact(changes) as { revision: number }).revision;
  }

  valueOf(name: string): unknown {
    const object = this.caches[0]!.get("default", name)?.object as { readonly n?: number } | undefined;
    return object?.n;
  }

  /** What reading the newest state answers: a value, or a code and message. */
  async read(name: string): Promise<unknown> {
    try {
      await this.driver.until(Promise.resolve(this.cacher.catchUp()));
      return this.valueOf(name);
    } catch (error) {
      const failure = storageFailureOf(error);
      const { code, message } = statusOf(error);
      return failure?.code ?? `${code} ${message}`;
    }
  }
}

let seeds = 0;
let w: World;
beforeEach(() => {
  w = new World(++seeds);
});

describe("reads of the newest state", () => {
  test("see what was written before them, by whomever", async () => {
    w.change({ a: 1 });
    await w.start();
    for (let n = 2; n < 20; n++) {
      w.change({ a: n });
      expect(await w.read("a")).toBe(n);
    }
  });

  test("need no event of theirs: the store says that nothing else has happened", async () => {
    w.change({ a: 1 });
    await w.start();
    await w.driver.pass(settleMs);
    w.change({ "/elsewhere": 1 });
    w.database.transact([]);
    expect(await w.read("a")).toBe(1);
    expect(w.cacher.revision).toBe(w.database.revision);
  });

  test("wait 3 s, then hear how far the caches are; a watch that is dumb is replaced", async () => {
    let watches = 0;
    const dumbFirst = (store: ForeignStore): Partial<Store> => ({
      watch: (request, watcher) =>
        ++watches === 1 ? { requestProgress: () => {}, cancel: () => {} } : store.watch(request, watcher),
    });
    w = await new World(++seeds, dumbFirst).start();
    const old = w.cacher.revision;
    const revision = w.change({ a: 1 });
    const startedMs = w.clock.monotonicMs();
    const answer = await w.read("a");
    expect(answer).toBe(`504 Timeout: Too large resource version: ${revision}, current: ${old}`);
    expect(w.clock.monotonicMs() - startedMs).toBe(3_000);
    expect(await w.read("a")).toBe(1);
    expect([watches, w.failures]).toEqual([2, []]);
  });

  test("that wait for long do not cost a young watch its life", async () => {
    let watches = 0;
    let breakFirst: () => void = () => {};
    const slow = (store: ForeignStore): Partial<Store> => ({
      watch: (request, watcher) => {
        const silent = { requestProgress: () => {}, cancel: () => {} };
        const broken = new StorageError({ code: "unavailable", why: "broken" });
        if (++watches === 1) breakFirst = () => watcher.failed(broken);
        else w.clock.after(1_000, () => store.watch(request, watcher));
        return silent;
      },
    });
    w = await new World(++seeds, slow).start();
    w.change({ a: 1 });
    await w.driver.pass(1_000);
    const late = w.read("a");
    await w.driver.pass(2_000);
    breakFirst();
    // Its first word is 1,100 ms off; the read has 1,000 left.
    expect(await late).toMatch(/^504/);
    await w.driver.pass(500);
    expect([await w.read("a"), watches]).toEqual([1, 2]);
  });

  test("hear when the store does not say its revision at all, or refuses to", async () => {
    w = await new World(++seeds, () => ({ currentRevision: () => new Promise<number>(() => {}) })).start();
    const startedMs = w.clock.monotonicMs();
    expect(await w.read("a")).toBe("504 Timeout: the storage did not say its revision in time");
    expect(w.clock.monotonicMs() - startedMs).toBe(3_000);
    w = await new World(++seeds).start();
    w.store.isDown = true;
    expect(await w.read("a")).toBe("unavailable");
  });

  test("settle when the cacher stops, before and after", async () => {
    w = await w.start();
    w.store.isStalled = true;
    w.change({ a: 1 });
    const waiting = w.read("a");
    await w.driver.pass(500);
    w.cacher.stop();
    expect(await waiting).toBe("503 the server is stopping");
    expect(await w.read("a")).toBe("503 the server is stopping");
    expect([w.cacher.isLoaded, await w.cacher.reached(1_000)]).toEqual([false, false]);
    await w.driver.pass(10_000);
    expect([w.told, w.store.watches, w.failures]).toEqual([[], 0, []]);
  });
});

describe("a broken watch", () => {
  test("is resumed after the last whole revision: nothing is missed, doubled, or seen by half", async () => {
    for (let run = 0; run < 20; run++) {
      w = await new World(++seeds).start();
      w.store.faults = { broken: 0.5, refused: 0.2, lostRequest: 0.1 };
      const random = seededRandom(seeds);
      const wanted: string[] = [];
      const halves: unknown[] = [];
      for (let at = 1; at <= 60; at++) {
        const pair = { a: at, "/core/secrets/default/a": at, [`x${at}`]: at };
        const revision = w.change(random.next() < 0.7 ? pair : { "/elsewhere": at });
        if (w.database.newest("/elsewhere")?.revision !== revision)
          for (const key of ["configmaps/default/a", "secrets/default/a", `configmaps/default/x${at}`])
            wanted.push(`put core/${key}@${revision}`);
        for (let ms = Math.floor(random.next() * 20); ms >= 0; ms--) {
          await w.driver.pass(1);
          const [a, b] = w.caches.map((cache) => cache.get("default", "a")?.revision);
          if (a !== b || (a ?? 0) > w.cacher.revision) halves.push([a, b, w.cacher.revision]);
        }
      }
      w.store.faults = {};
      await w.driver.pass(10_000);
      expect([w.told, halves, w.failures]).toEqual([wanted, [], []]);
      expect(w.cacher.revision).toBe(w.database.revision);
      w.cacher.stop();
    }
  });

  test("for long makes the server not ready, and back it is ready again", async () => {
    w = await w.start();
    w.store.isDown = true;
    await w.driver.pass(9_000);
    expect([w.cacher.isLoaded, w.cacher.isCurrent]).toEqual([true, true]);
    await w.driver.pass(2_000);
    expect([w.cacher.isLoaded, w.cacher.isCurrent]).toEqual([true, false]);
    w.store.isDown = false;
    await w.driver.pass(5_000 + settleMs);
    expect(w.cacher.isCurrent).toBe(true);
    expect(w.replaced.length).toBe(2);
  });
});

describe("forgotten history", () => {
  test("makes everything be listed anew, in one step, and states that are as they were stay the same", async () => {
    w.change({ a: 1, b: 1, c: 1, "/core/secrets/default/s": 1 });
    w = await w.start();
    expect(w.replaced).toEqual([
      ["a", "b", "c"].map((name) => `/core/configmaps/default/${name}`),
      ["/core/secrets/default/s"],
    ]);
    const a = w.caches[0]!.get("default", "a");
    w.store.isDown = true;
    w.change({ b: 2, c: undefined, d: 1 });
    w.database.compact(w.database.revision);
    w.store.isDown = false;
    await w.driver.pass(5_000);
    expect(w.replaced.slice(2)).toEqual([
      ["a", "b", "d"].map((name) => `/core/configmaps/default/${name}`),
      ["/core/secrets/default/s"],
    ]);
    expect(w.caches[0]!.get("default", "a")).toBe(a);
    expect([w.valueOf("b"), w.told]).toEqual([2, []]);
    expect([w.cacher.revision, w.caches[0]!.historyStart]).toEqual([
      w.database.revision,
      w.database.revision,
    ]);
    expect(await w.read("d")).toBe(1);
    w.change({ a: 3 });
    expect(await w.read("a")).toBe(3);
    expect([w.told.length, w.failures]).toEqual([1, []]);
  });

  test("is 429 to reads of the newest state meanwhile; the old state stays there as a whole", async () => {
    let mayList = true;
    const slowList = (store: ForeignStore): Partial<Store> => ({
      list: (request) =>
        mayList
          ? store.list(request)
          : Promise.reject(new StorageError({ code: "unavailable", why: "not now" })),
    });
    w = new World(++seeds, slowList);
    w.change({ a: 1 });
    await w.start();
    mayList = false;
    w.store.breakWatches();
    w.change({ a: 2 });
    w.database.compact(w.database.revision);
    await w.driver.pass(1_000);
    expect([w.cacher.isLoaded, w.cacher.isCurrent]).toEqual([true, false]);
    expect(await w.read("a")).toBe("429 storage is (re)initializing");
    expect(w.valueOf("a")).toBe(1);
    mayList = true;
    await w.driver.pass(5_000);
    expect([w.cacher.isCurrent, await w.read("a")]).toEqual([true, 2]);
  });

  test("in the middle of a list in pages makes the list begin again", async () => {
    const lists: (number | undefined)[] = [];
    let compactions = 2;
    const pages = (store: ForeignStore): Partial<Store> => ({
      list: async (request) => {
        lists.push(request.revision);
        const page = await store.list(request);
        if (request.revision === undefined && compactions-- > 0) {
          w.change({ a: compactions });
          w.database.compact(w.database.revision);
        }
        return page;
      },
    });
    w = new World(++seeds, pages);
    const many = Array.from({ length: 1_001 }, (_, at): [string, number] => [`m${at}`, at]);
    w.change(Object.fromEntries(many));
    await w.start();
    expect(lists.length).toBe(6);
    expect(lists.slice(4)).toEqual([undefined, w.database.revision]);
    expect([w.caches[0]!.size, w.valueOf("a"), w.cacher.revision]).toEqual([1_002, 0, w.database.revision]);
    expect(w.replaced.length).toBe(2);
  });
});

describe("a start", () => {
  test("waits for a store that is away", async () => {
    w.change({ a: 1 });
    w.store.isDown = true;
    const started = w.begin();
    await w.driver.pass(20_000);
    expect([w.cacher.isLoaded, w.cacher.isCurrent]).toEqual([false, false]);
    w.store.isDown = false;
    await w.driver.until(started);
    expect([w.cacher.isLoaded, w.valueOf("a"), w.failures]).toEqual([true, 1, []]);
  });

  test("that is stopped while the store is away ends, and nothing follows", async () => {
    w.store.isDown = true;
    const started = w.begin();
    await w.driver.pass(1_000);
    w.cacher.stop();
    await w.driver.until(started);
    w.store.isDown = false;
    await w.driver.pass(20_000);
    expect([w.cacher.isLoaded, w.store.watches, w.replaced, w.failures]).toEqual([false, 0, [], []]);
  });

  test("fails for what trying again cannot mend", async () => {
    const corrupt = new StorageError({ code: "corrupt", path: "p", why: "damaged" });
    w = new World(++seeds, () => ({ list: () => Promise.reject(corrupt) }));
    await expect(w.driver.until(w.begin())).rejects.toBe(corrupt);
  });
});

describe("what nothing mends", () => {
  test.each(["watch", "list"] as const)(
    "a store that has lost revisions, found by a %s, is told",
    async (by) => {
      let hasLost = false;
      const lossy = (store: ForeignStore): Partial<Store> => ({
        watch: (request, watcher) => {
          if (!hasLost) return store.watch(request, watcher);
          const { after } = request;
          const failure: ConstructorParameters<typeof StorageError>[0] =
            by === "watch"
              ? { code: "future", asked: after, current: after - 1 }
              : { code: "compacted", asked: after, oldest: after + 1 };
          queueMicrotask(() => watcher.failed(new StorageError(failure)));
          return { requestProgress: () => {}, cancel: () => {} };
        },
        list: async (request) => {
          const result = await store.list(request);
          return hasLost ? { ...result, revision: result.revision - 1 } : result;
        },
      });
      w = await new World(++seeds, lossy).start();
      const { revision } = w.cacher;
      hasLost = true;
      w.store.breakWatches();
      await w.driver.pass(5_000);
      expect(w.failures.map(storageFailureOf)).toEqual([
        { code: "future", asked: revision, current: revision - 1 },
      ]);
      expect(w.cacher.revision).toBe(revision);
    },
  );

  test("a defect of who listens to a cache", async () => {
    w = await w.start();
    const defect = new Error("a broken listener");
    w.caches[0]!.onEvent = () => {
      throw defect;
    };
    w.change({ a: 1 });
    await w.driver.pass(1_000);
    expect(w.failures).toEqual([defect]);
  });
});
