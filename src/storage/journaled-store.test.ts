/** Order, back-pressure and failure, with a journal that is moved by hand. */
import { expect, test } from "vitest";
import type { Journal, JournalListener } from "./journal.ts";
import { JournaledStore, writesUnderWayMax } from "./journaled-store.ts";
import { Mvcc, type Version } from "./mvcc.ts";
import { StorageError, storageFailureOf } from "./storage-error.ts";

class ManualJournal implements Journal {
  readonly appended: Version[] = [];
  isClosed = false;
  listener!: JournalListener;

  listen(listener: JournalListener): void {
    this.listener = listener;
  }

  append(version: Version): void {
    this.appended.push(version);
  }

  hurry(): void {}

  async compact(): Promise<void> {}

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const value = new Uint8Array(1);
const broken = new StorageError({ code: "unavailable", why: "the disk is gone" });

function make(): {
  readonly store: JournaledStore;
  readonly journal: ManualJournal;
  readonly failures: unknown[];
} {
  const journal = new ManualJournal();
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  return { store: new JournaledStore({ core: new Mvcc(), journal, onFailure }), journal, failures };
}

/** Collects outcomes in the order in which they come. */
function track(outcomes: unknown[], call: Promise<unknown>): void {
  call.then(
    (revision) => outcomes.push(revision),
    (error: unknown) => outcomes.push(storageFailureOf(error)?.code),
  );
}

async function settle(): Promise<void> {
  for (let round = 0; round < 10; round++) await Promise.resolve();
}

test("answers come with their commit, not before and not without it", async () => {
  const { store, journal } = make();
  const outcomes: unknown[] = [];
  for (const key of ["/a", "/b", "/c"]) track(outcomes, store.create(key, value));
  await settle();
  expect([outcomes, store.currentRevision(), await store.get("/a")]).toEqual([[], 0, undefined]);
  journal.listener.committed(2);
  await settle();
  expect([outcomes, store.currentRevision(), await store.get("/c")]).toEqual([[1, 2], 2, undefined]);
});

test("a refusal that rests on a write under way waits for it", async () => {
  const { store, journal } = make();
  const outcomes: unknown[] = [];
  track(outcomes, store.create("/a", value));
  track(outcomes, store.create("/a", value));
  track(outcomes, store.update("/a", value, 7));
  track(outcomes, store.update("/b", value, 7));
  await settle();
  expect(outcomes).toEqual(["not-found"]);
  journal.listener.committed(1);
  await settle();
  expect(outcomes).toEqual(["not-found", 1, "exists", "conflict"]);
});

test("writes beyond the bound wait their turn and keep their order", async () => {
  const { store, journal } = make();
  const outcomes: unknown[] = [];
  const extra = 10;
  for (let at = 0; at < writesUnderWayMax + extra; at++) track(outcomes, store.create(`/${at}`, value));
  expect(journal.appended.length).toBe(writesUnderWayMax);
  journal.listener.committed(5);
  track(outcomes, store.create("/last", value));
  expect(journal.appended.length).toBe(writesUnderWayMax + 5);
  journal.listener.committed(writesUnderWayMax + 5);
  await settle();
  journal.listener.committed(writesUnderWayMax + extra + 1);
  await settle();
  expect(outcomes).toEqual(Array.from({ length: writesUnderWayMax + extra + 1 }, (_, at) => at + 1));
  expect(journal.appended.at(-1)?.key).toBe("/last");
});

test("large values fill the bound too", async () => {
  const { store, journal } = make();
  const large = new Uint8Array(1.5 * 1024 * 1024);
  for (let at = 0; at < 50; at++) void store.create(`/${at}`, large);
  expect(journal.appended.length).toBe(43);
  journal.listener.committed(43);
  expect(journal.appended.length).toBe(50);
});

test("after a failed commit nothing is acknowledged, retried or accepted, and readers keep what was committed", async () => {
  const { store, journal, failures } = make();
  const outcomes: unknown[] = [];
  const ended: unknown[] = [];
  store.watch({ prefix: "/", after: 0 }, { events: () => undefined, failed: (error) => ended.push(error) });
  track(outcomes, store.create("/a", value));
  journal.listener.committed(1);
  track(outcomes, store.create("/b", value));
  track(outcomes, store.update("/b", value, 9));
  for (let at = 0; at < writesUnderWayMax; at++) void store.create(`/${at}`, value).catch(() => undefined);
  track(outcomes, store.create("/turn", value));
  journal.listener.failed(broken);
  track(outcomes, store.create("/c", value));
  await settle();
  expect(outcomes.sort()).toEqual([1, ...Array.from({ length: 4 }, () => "unavailable")]);
  expect([failures, ended]).toEqual([[broken], [broken]]);
  const refused: unknown[] = [];
  store.watch({ prefix: "/", after: 0 }, { events: () => {}, failed: (error) => refused.push(error) });
  await settle();
  expect(refused).toEqual([broken]);
  expect((await store.list({ prefix: "/" })).items.map((item) => item.key)).toEqual(["/a"]);
  await store.close();
  expect(journal.isClosed).toBe(true);
});

test("a watch tells what it had still to tell before it tells of the failure", async () => {
  const { store, journal } = make();
  void store.create("/a", value);
  journal.listener.committed(1);
  const told: unknown[] = [];
  store.watch(
    { prefix: "/", after: 0 },
    {
      events: (batch) => told.push(...batch.map((event) => event.revision)),
      progress: () => told.push("progress"),
      failed: (error) => told.push(error),
    },
  );
  journal.listener.failed(broken);
  await settle();
  expect(told).toEqual([1, broken]);
});

test("only of writes that the journal had is it said that they may have happened", async () => {
  const { store, journal } = make();
  const failures: unknown[] = [];
  const track = (call: Promise<unknown>): void =>
    void call.catch((error: unknown) => failures.push(storageFailureOf(error)));
  track(store.create("/a", value));
  for (let at = 1; at < writesUnderWayMax; at++) void store.create(`/${at}`, value).catch(() => undefined);
  track(store.create("/turn", value));
  journal.listener.failed(broken);
  track(store.create("/c", value));
  await settle();
  const nothing = { code: "unavailable", why: "the disk is gone" };
  expect(failures).toEqual([{ ...nothing, mayHaveHappened: true }, nothing, nothing]);
});

test("close waits for writes under way and for those that wait their turn", async () => {
  const { store, journal } = make();
  const outcomes: unknown[] = [];
  for (let at = 0; at < writesUnderWayMax + 1; at++) track(outcomes, store.create(`/${at}`, value));
  const closed = store.close();
  journal.listener.committed(writesUnderWayMax);
  await settle();
  expect(journal.isClosed).toBe(false);
  journal.listener.committed(writesUnderWayMax + 1);
  await closed;
  expect([outcomes.length, journal.isClosed]).toEqual([writesUnderWayMax + 1, true]);
});
