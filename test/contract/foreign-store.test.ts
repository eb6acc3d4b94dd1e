/**
 * The foreign store keeps the store contract, so the seam does not rest on what only stores in this process can do.
 * Its faults are what they say. Not here: API servers over it (two-servers.test.ts).
 */
import { beforeEach, describe, expect, test } from "vitest";
import { seededRandom, SimulatedClock } from "../../src/base/index.ts";
import { type Store, storageFailureOf } from "../../src/storage/index.ts";
import { ForeignDatabase } from "../../src/testing/foreign-database.ts";
import { ForeignStore } from "../../src/testing/foreign-store.ts";
import { TimeDriver } from "../../src/testing/time-driver.ts";
import { bytes, failure, recorder, storeContract, summary, text } from "./store-contract.ts";

/** Longer than any message takes, so everything that happened has been told; shorter than a regular progress. */
const settleMs = 1_500;

interface World {
  readonly clock: SimulatedClock;
  readonly driver: TimeDriver;
  readonly database: ForeignDatabase;
  readonly store: ForeignStore;
}

function world(seed: number): World {
  const clock = new SimulatedClock();
  const database = new ForeignDatabase();
  const store = new ForeignStore(database, { clock, random: seededRandom(seed) });
  return { clock, driver: new TimeDriver(clock), database, store };
}

/** The store with time moving while a call waits. */
function driven({ store, driver }: World): Store {
  return {
    hasOtherWriters: store.hasOtherWriters,
    currentRevision: () => driver.until(store.currentRevision()),
    create: (key, value) => driver.until(store.create(key, value)),
    update: (key, value, expected) => driver.until(store.update(key, value, expected)),
    delete: (key, expected) => driver.until(store.delete(key, expected)),
    get: (key) => driver.until(store.get(key)),
    list: (request) => driver.until(store.list(request)),
    watch: (request, watcher) => store.watch(request, watcher),
    compact: (revision) => driver.until(store.compact(revision)),
    close: () => driver.until(store.close()),
  };
}

let seeds = 0;
let here = world(0);
storeContract({
  name: "foreign",
  open: async () => driven((here = world(++seeds))),
  modelRuns: 40,
  isEmbedded: false,
  settle: () => here.driver.pass(settleMs),
});

/** Reads the truth, without the network. */
function valueOf({ database }: World, key: string): string | undefined {
  return text(database.newest(key)?.value);
}

describe("a foreign store", () => {
  let w: World;
  let store: Store;
  beforeEach(() => {
    w = world(++seeds);
    store = driven(w);
  });

  test("changes several keys at one revision; readers and watches have all of it or nothing", async () => {
    const batches: string[][] = [];
    const watcher = recorder();
    const events = (batch: Parameters<typeof watcher.events>[0]): void => void batches.push(summary(batch));
    store.watch({ prefix: "/t/", after: w.database.revision }, { ...watcher, events });
    for (let at = 0; at < 30; at++) {
      const value = bytes(String(at));
      w.database.transact(["/t/a", "/t/b", "/x", "/t/c"].map((key) => ({ key, value })));
      await w.driver.pass(3);
    }
    await w.driver.pass(settleMs);
    expect(batches.flat().length).toBe(90);
    expect(batches.length).toBeGreaterThan(5);
    for (const batch of batches) expect(batch.length % 3).toBe(0);
    const { items } = await store.list({ prefix: "/t/", revision: w.database.revision - 4 });
    expect(items.map(({ value }) => text(value))).toEqual(["25", "25", "25"]);
  });

  test.each([
    ["refused", {}, undefined],
    ["lostRequest", { mayHaveHappened: true }, undefined],
    ["lostReply", { mayHaveHappened: true }, "1"],
  ] as const)("a write that is %s is told truly", async (fault, said, value) => {
    w.store.faults = { [fault]: 1 };
    expect(await failure(store.create("/a", bytes("1")))).toEqual({
      code: "unavailable",
      why: expect.any(String),
      ...said,
    });
    await w.driver.pass(settleMs);
    expect(valueOf(w, "/a")).toBe(value);
    expect(await failure(store.get("/a"))).toEqual({ code: "unavailable", why: expect.any(String) });
  });

  test("a write may be carried out after its caller was told that nobody knows", async () => {
    w.store.faults = { late: 1 };
    expect(await failure(store.create("/a", bytes("1")))).toMatchObject({ mayHaveHappened: true });
    expect(valueOf(w, "/a")).toBeUndefined();
    await w.driver.pass(settleMs);
    expect(valueOf(w, "/a")).toBe("1");
  });

  test("a watch that breaks goes on in another one after the last revision told, without gap or repetition", async () => {
    w.store.faults = { broken: 0.6 };
    const told: string[] = [];
    let breaks = 0;
    const follow = (after: number): void => {
      let last = after;
      store.watch(
        { prefix: "/t/", after },
        {
          events: (batch) => {
            told.push(...summary(batch));
            last = batch.at(-1)!.revision;
          },
          progress: (revision) => {
            last = Math.max(last, revision);
          },
          failed: (error) => {
            expect(storageFailureOf(error)?.code).toBe("unavailable");
            breaks++;
            follow(last);
          },
        },
      );
    };
    follow(w.database.revision);
    const wanted: string[] = [];
    for (let at = 0; at < 200; at++) {
      const revision = w.database.revision + 1;
      const keys = at % 3 === 0 ? ["/other"] : ["/t/a", `/t/${at}`];
      w.database.transact(keys.map((key) => ({ key, value: bytes("1") })));
      if (at % 3 !== 0) wanted.push(...keys.map((key) => `put ${key}@${revision}`));
      await w.driver.pass(2);
    }
    await w.driver.pass(settleMs);
    expect(told).toEqual(wanted);
    expect(breaks).toBeGreaterThan(10);
  });

  test("a compaction can overtake a watch", async () => {
    const after = w.database.revision;
    const watcher = recorder();
    for (let at = 0; at < 3; at++) w.database.transact([{ key: "/t", value: bytes("1") }]);
    store.watch({ prefix: "/t", after }, watcher);
    w.database.compact(after + 2);
    await w.driver.pass(settleMs);
    expect([watcher.seen, watcher.failures]).toEqual([
      [],
      [{ code: "compacted", asked: after, oldest: after + 2 }],
    ]);
  });

  test("a watch can fall dumb, and tells of revisions that are not its own once a minute", async () => {
    const watcher = recorder();
    store.watch({ prefix: "/t", after: w.database.revision }, watcher);
    await w.driver.pass(settleMs);
    w.store.isStalled = true;
    w.database.transact([{ key: "/t", value: bytes("1") }]);
    w.database.transact([{ key: "/other", value: bytes("1") }]);
    await w.driver.pass(120_000);
    expect([watcher.seen.length, watcher.progressed.length]).toEqual([0, 1]);
    w.store.isStalled = false;
    await w.driver.pass(settleMs);
    expect([watcher.seen.length, watcher.progressed.at(-1)?.revision]).toEqual([1, w.database.revision]);
    w.database.transact([{ key: "/other", value: bytes("2") }]);
    await w.driver.pass(60_000);
    expect(watcher.progressed.at(-1)).toEqual({ revision: w.database.revision, events: 1 });
  });

  test("is down: calls are refused, watches end", async () => {
    const watcher = recorder();
    store.watch({ prefix: "/", after: w.database.revision }, watcher);
    w.store.isDown = true;
    store.watch({ prefix: "/", after: w.database.revision }, watcher);
    expect(await failure(store.create("/a", bytes("1")))).toMatchObject({ code: "unavailable" });
    await w.driver.pass(settleMs);
    expect(watcher.failures.length).toBe(2);
    expect(w.store.watches).toBe(0);
  });
});
