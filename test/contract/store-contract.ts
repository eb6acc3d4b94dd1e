/**
 * What every `Store` promises, as one suite that each maker runs (memory-store.test.ts, sqlite-store.test.ts, later etcd).
 * Revisions are counted from where the empty store begins.
 * Not here: what only stores in this process promise (embedded-store-contract.ts), what only lasting ones do
 * (durable-store-contract.ts), comparison with a model (store-model.ts).
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Store, storageFailureOf, type StoreEvent, valueBytesMax } from "../../src/storage/index.ts";
import { countedFrom } from "./counted-store.ts";
import { storeAgainstModel } from "./store-model.ts";

export interface StoreMaker {
  readonly name: string;
  /** A new, empty store; it is closed by the suite. */
  open(): Promise<Store>;
  /** Random histories to compare with the model; fewer where a store costs more to open. */
  readonly modelRuns: number;
  /** Writes take their revisions in the order of the calls, and visible is what is acknowledged. */
  readonly isEmbedded: boolean;
  /** Waits until watches have told what has happened. */
  settle(): Promise<void>;
}

/** For stores that tell in microtasks. */
export async function settleMicrotasks(): Promise<void> {
  for (let round = 0; round < 10; round++) await Promise.resolve();
}

/** A new store whose revisions count from 0. */
export async function openCounted(maker: Pick<StoreMaker, "open">): Promise<Store> {
  const store = await maker.open();
  return countedFrom(store, await store.currentRevision());
}

export function storeContract(maker: StoreMaker): void {
  describe(`store contract: ${maker.name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await openCounted(maker);
    });
    afterEach(() => store.close());
    const here = (): Store => store;
    const settle = (): Promise<void> => maker.settle();

    writes(here);
    keyRules(here);
    lists(here);
    watches(here, settle);
    watchLives(here, settle);
    compaction(here, settle);
    closing(here);
  });
  describe(`store against its model: ${maker.name}`, () => {
    storeAgainstModel(maker);
  });
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value);
}

/** The code and fields of the failure that `promise` must end with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`should have failed, gave ${JSON.stringify(value)}`),
    (error: unknown) => storageFailureOf(error) ?? error,
  );
}

export interface Recorder {
  readonly seen: StoreEvent[];
  readonly batches: number[];
  readonly failures: unknown[];
  /** Revisions that progress was told for, each with the number of events seen before it. */
  readonly progressed: { readonly revision: number; readonly events: number }[];
  events(batch: readonly StoreEvent[]): void;
  progress(revision: number): void;
  failed(error: unknown): void;
}

export function recorder(): Recorder {
  const seen: StoreEvent[] = [];
  const batches: number[] = [];
  const failures: unknown[] = [];
  const progressed: { readonly revision: number; readonly events: number }[] = [];
  return {
    seen,
    progressed,
    batches,
    failures,
    events: (batch) => {
      batches.push(batch.length);
      seen.push(...batch);
    },
    progress: (revision) => progressed.push({ revision, events: seen.length }),
    failed: (error) => failures.push(storageFailureOf(error) ?? error),
  };
}

/** `put /a@1`, `delete /a@2`, in order. */
export function summary(events: readonly StoreEvent[]): string[] {
  return events.map((event) => `${event.type} ${event.key}@${event.revision}`);
}

/** The revision that history begins with. */
async function oldestOf(store: Store): Promise<number> {
  try {
    await store.list({ prefix: "/", revision: 0, limit: 0 });
    return 0;
  } catch (error) {
    const refused = storageFailureOf(error);
    if (refused?.code !== "compacted") throw error;
    return refused.oldest;
  }
}

function writes(store: () => Store): void {
  test("an empty store is at revision 0 and has nothing", async () => {
    expect([await store().currentRevision(), await oldestOf(store())]).toEqual([0, 0]);
    expect(await store().get("/a")).toBeUndefined();
    expect(await store().list({ prefix: "" })).toEqual({ items: [], revision: 0, remaining: 0 });
  });

  test("one counter numbers all writes, whatever their keys", async () => {
    expect(await store().create("/a", bytes("1"))).toBe(1);
    expect(await store().create("/b", bytes("1"))).toBe(2);
    expect(await store().update("/a", bytes("2"), 1)).toBe(3);
    expect(await store().delete("/b", 2)).toBe(4);
    expect(await store().currentRevision()).toBe(4);
    expect(await store().get("/b")).toBeUndefined();
    const value = bytes("2");
    expect(await store().get("/a")).toEqual({ key: "/a", value, createRevision: 1, modRevision: 3 });
  });

  test("refused writes take no revision", async () => {
    await store().create("/a", bytes("1"));
    expect(await failure(store().create("/a", bytes("2")))).toEqual({ code: "exists", key: "/a" });
    expect(await failure(store().update("/b", bytes("2"), 1))).toEqual({ code: "not-found", key: "/b" });
    expect(await failure(store().delete("/b", 1))).toEqual({ code: "not-found", key: "/b" });
    const conflict = { code: "conflict", key: "/a", expected: 7, actual: 1 };
    expect(await failure(store().delete("/a", 7))).toEqual(conflict);
    expect(await store().create("/c", bytes("1"))).toBe(2);
  });

  test("values may be empty, and as large as 1.5 MiB but no larger", async () => {
    const tooLarge = { code: "too-large", key: "/a", bytes: valueBytesMax + 1, bytesMax: valueBytesMax };
    expect(await failure(store().create("/a", new Uint8Array(valueBytesMax + 1)))).toEqual(tooLarge);
    await store().create("/a", new Uint8Array(0));
    expect(await failure(store().update("/a", new Uint8Array(valueBytesMax + 1), 1))).toEqual(tooLarge);
    await store().update("/a", new Uint8Array(valueBytesMax).fill(7), 1);
    expect((await store().get("/a"))?.value.byteLength).toBe(valueBytesMax);
  });

  test("concurrent increments by compare-and-set lose none", async () => {
    await store().create("/counter", bytes("0"));
    const revisions: number[] = [];
    const increment = async (): Promise<void> => {
      for (let done = 0; done < 20;) {
        const state = (await store().get("/counter"))!;
        const next = bytes(String(Number(text(state.value)) + 1));
        const revision = await store()
          .update("/counter", next, state.modRevision)
          .catch(() => undefined);
        if (revision === undefined) continue;
        revisions.push(revision);
        done++;
      }
    };
    await Promise.all(Array.from({ length: 5 }, increment));
    expect(text((await store().get("/counter"))?.value)).toBe("100");
    expect(new Set(revisions).size).toBe(100);
  });
}

function keyRules(store: () => Store): void {
  test("keys that some stores could not tell apart are defects of the caller", async () => {
    for (const key of ["", "/a\0b", "/\ud83d", "/\ude00/a"]) {
      await expect(store().create(key, bytes("1"))).rejects.toThrow(
        "defect: a key that not every store can hold",
      );
    }
    expect(await store().create("/\ud83d\ude00", bytes("1"))).toBe(1);
  });
}

function lists(store: () => Store): void {
  const keys = async (request: Parameters<Store["list"]>[0]): Promise<string[]> =>
    (await store().list(request)).items.map((item) => item.key);

  test("lists are in byte order of UTF-8", async () => {
    const unsorted = ["/b", "/a/1", "/a", "/a-1", "/ü", "/\u{1f600}", "/\uffee", "/a/10", "/a/2"];
    for (const key of unsorted) await store().create(key, bytes(key));
    const sorted = unsorted.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await keys({ prefix: "" })).toEqual(sorted);
    expect(await keys({ prefix: "/a" })).toEqual(["/a", "/a-1", "/a/1", "/a/10", "/a/2"]);
  });

  test("prefix, start and limit cut the list, and what is left out is counted", async () => {
    for (const key of ["/p/a", "/p/b", "/p/c", "/p/d", "/o/x", "/q/x"]) await store().create(key, bytes("1"));
    await store().delete("/p/b", 2);
    expect(await store().list({ prefix: "/p/", limit: 2 })).toMatchObject({ revision: 7, remaining: 1 });
    expect(await keys({ prefix: "/p/", limit: 2 })).toEqual(["/p/a", "/p/c"]);
    expect(await keys({ prefix: "/p/", start: "/p/c\u0001" })).toEqual(["/p/d"]);
    expect(await keys({ prefix: "/p/", start: "/a" })).toEqual(["/p/a", "/p/c", "/p/d"]);
    expect(await keys({ prefix: "/p/", start: "/q/x" })).toEqual([]);
    expect(await store().list({ prefix: "/p/", limit: 3 })).toMatchObject({ remaining: 0 });
    expect(await store().list({ prefix: "/p/", limit: 0 })).toMatchObject({ items: [], remaining: 3 });
  });

  test("a list at an old revision is as it was, page by page", async () => {
    for (const key of ["/a", "/b", "/c", "/d"]) await store().create(key, bytes("old"));
    await store().update("/a", bytes("new"), 1);
    await store().delete("/c", 3);
    await store().create("/bb", bytes("new"));
    await store().create("/c", bytes("new"));
    const page = await store().list({ prefix: "/", revision: 4, limit: 1 });
    expect([page.revision, page.remaining, text(page.items[0]?.value)]).toEqual([4, 3, "old"]);
    const rest = await store().list({ prefix: "/", revision: 4, start: "/b", limit: 2 });
    expect([rest.remaining, rest.items.map((item) => item.key)]).toEqual([1, ["/b", "/c"]]);
    expect(await keys({ prefix: "/", revision: 7 })).toEqual(["/a", "/b", "/bb", "/d"]);
    expect(await keys({ prefix: "/", revision: 0 })).toEqual([]);
    expect(await failure(store().list({ prefix: "/", revision: 9 }))).toEqual({
      code: "future",
      asked: 9,
      current: 8,
    });
  });
}

function watches(store: () => Store, settle: () => Promise<void>): void {
  test("a watch tells what happened already and what happens next, once and in order", async () => {
    await store().create("/w/a", bytes("1"));
    await store().create("/other", bytes("1"));
    await store().update("/w/a", bytes("2"), 1);
    const all = recorder();
    const late = recorder();
    store().watch({ prefix: "/w/", after: 0 }, all);
    store().watch({ prefix: "/w/", after: 3 }, late);
    await store().create("/w/b", bytes("1"));
    await store().delete("/w/a", 3);
    await settle();
    expect(summary(all.seen)).toEqual(["put /w/a@1", "put /w/a@3", "put /w/b@4", "delete /w/a@5"]);
    expect(summary(late.seen)).toEqual(["put /w/b@4", "delete /w/a@5"]);
  });

  test("events carry the states before and after", async () => {
    const watcher = recorder();
    store().watch({ prefix: "/", after: 0 }, watcher);
    await store().create("/a", bytes("1"));
    await store().update("/a", bytes("2"), 1);
    await store().delete("/a", 2);
    await store().create("/a", bytes("3"));
    await settle();
    const one = { key: "/a", value: bytes("1"), createRevision: 1, modRevision: 1 };
    const two = { key: "/a", value: bytes("2"), createRevision: 1, modRevision: 2 };
    const three = { key: "/a", value: bytes("3"), createRevision: 4, modRevision: 4 };
    expect(watcher.seen).toEqual([
      { type: "put", key: "/a", revision: 1, current: one },
      { type: "put", key: "/a", revision: 2, current: two, previous: one },
      { type: "delete", key: "/a", revision: 3, current: two, previous: two },
      { type: "put", key: "/a", revision: 4, current: three },
    ]);
  });

  test("old states come back byte by byte, in lists and in watches, after any number of small changes", async () => {
    const states: string[] = [];
    const put = async (state: string): Promise<void> => {
      const before = await store().get("/a");
      if (before === undefined) await store().create("/a", bytes(state));
      else await store().update("/a", bytes(state), before.modRevision);
      states.push(state);
    };
    const padding = "x".repeat(500);
    for (let i = 0; i < 70; i++) await put(`${padding}"count":${i * i}${padding}`);
    // Shorter, empty, overlapping at both ends, wholly different, and the same once more.
    for (const state of ["", "aa", "aaa".repeat(200), "a", padding, `${padding}${padding}`, padding, padding])
      await put(state);
    for (const [at, state] of states.entries()) {
      const { items } = await store().list({ prefix: "/a", revision: at + 1 });
      expect(text(items[0]!.value)).toBe(state);
      expect(items[0]).toMatchObject({ key: "/a", createRevision: 1, modRevision: at + 1 });
    }
    const told = recorder();
    store().watch({ prefix: "/", after: 0 }, told);
    await settle();
    expect(told.seen.map(({ current }) => text(current.value))).toEqual(states);
    expect(told.seen.map(({ previous }) => text(previous?.value))).toEqual([
      undefined,
      ...states.slice(0, -1),
    ]);
  });

  test("a watch does not see a write before readers do", async () => {
    const watcher = recorder();
    const asked: { readonly told: number; readonly readable: number | Promise<number> }[] = [];
    const events = (batch: readonly StoreEvent[]): void =>
      void asked.push({ told: batch.at(-1)!.revision, readable: store().currentRevision() });
    store().watch({ prefix: "/", after: 0 }, { events, failed: watcher.failed });
    await Promise.all([store().create("/a", bytes("1")), store().create("/b", bytes("1"))]);
    await settle();
    expect(asked.at(-1)?.told).toBe(2);
    for (const { told, readable } of asked) expect(await readable).toBeGreaterThanOrEqual(told);
    expect(watcher.failures).toEqual([]);
  });

  test("prefixes of different lengths, overlapping and empty, get their own events", async () => {
    const of = new Map(["", "/", "/a", "/a/", "/a/b", "/b"].map((prefix) => [prefix, recorder()]));
    for (const [prefix, watcher] of of) store().watch({ prefix, after: 0 }, watcher);
    for (const key of ["/a", "/a/b", "/ab", "/b"]) await store().create(key, bytes("1"));
    await settle();
    const counts = [...of].map(([prefix, watcher]) => [prefix, watcher.seen.length]);
    expect(counts).toEqual([["", 4], ["/", 4], ["/a", 3], ["/a/", 1], ["/a/b", 1], ["/b", 1]]); // prettier-ignore
  });
}

/** How watches begin, end and bear each other. */
function watchLives(store: () => Store, settle: () => Promise<void>): void {
  test("a cancelled watch is silent, also about what it had still to get", async () => {
    await store().create("/a", bytes("1"));
    const backlog = recorder();
    store().watch({ prefix: "/", after: 0 }, backlog).cancel();
    const live = recorder();
    const watch = store().watch({ prefix: "/", after: 1 }, live);
    await store().create("/b", bytes("1"));
    await settle();
    watch.cancel();
    watch.cancel();
    await store().create("/c", bytes("1"));
    await settle();
    expect([backlog.seen, summary(live.seen)]).toEqual([[], ["put /b@2"]]);
    expect([...backlog.failures, ...live.failures]).toEqual([]);
  });

  test("what is committed before a watch has told its backlog comes after it", async () => {
    await store().create("/a", bytes("1"));
    const watcher = recorder();
    const created = store().create("/b", bytes("1"));
    store().watch({ prefix: "/", after: 0 }, watcher);
    await created;
    await settle();
    expect(summary(watcher.seen)).toEqual(["put /a@1", "put /b@2"]);
  });

  test("a watch that is opened from within an event misses and doubles nothing", async () => {
    const inner = recorder();
    let isOpen = false;
    const outer = {
      events: () => {
        if (!isOpen) store().watch({ prefix: "/", after: 0 }, inner);
        isOpen = true;
      },
      failed: inner.failed,
    };
    store().watch({ prefix: "/", after: 0 }, outer);
    await store().create("/a", bytes("1"));
    await store().create("/b", bytes("1"));
    await settle();
    expect(summary(inner.seen)).toEqual(["put /a@1", "put /b@2"]);
  });

  test("a watcher that throws loses its watch; others and writers notice nothing", async () => {
    const bad = recorder();
    const defect = new Error("broken watcher");
    const throwing = {
      events: () => {
        throw defect;
      },
      failed: bad.failed,
    };
    const good = recorder();
    store().watch({ prefix: "/", after: 0 }, throwing);
    store().watch({ prefix: "/", after: 0 }, good);
    await store().create("/a", bytes("1"));
    await store().create("/b", bytes("1"));
    await settle();
    expect(summary(good.seen)).toEqual(["put /a@1", "put /b@2"]);
    expect(bad.failures).toEqual([defect]);
  });

  test("watches from the future fail, but not within the call", async () => {
    const watcher = recorder();
    store().watch({ prefix: "/", after: 1 }, watcher);
    const cancelled = recorder();
    store().watch({ prefix: "/", after: 1 }, cancelled).cancel();
    expect(watcher.failures).toEqual([]);
    await settle();
    expect(watcher.failures).toEqual([{ code: "future", asked: 1, current: 0 }]);
    expect([...watcher.progressed, ...cancelled.failures]).toEqual([]);
  });

  test("a watch says when it has told all that had happened, also when that was nothing", async () => {
    await store().create("/w/a", bytes("1"));
    await store().create("/w/b", bytes("1"));
    await store().create("/other", bytes("1"));
    const watchers = [recorder(), recorder(), recorder()];
    const [all, quiet, cancelled] = watchers;
    store().watch({ prefix: "/w/", after: 0 }, all!);
    store().watch({ prefix: "/x/", after: 1 }, quiet!);
    store().watch({ prefix: "/x/", after: 1 }, cancelled!).cancel();
    expect(watchers.flatMap((watcher) => watcher.progressed)).toEqual([]);
    await settle();
    expect(all!.progressed).toEqual([{ revision: 3, events: 2 }]);
    expect(quiet!.progressed).toEqual([{ revision: 3, events: 0 }]);
    expect(cancelled!.progressed).toEqual([]);
  });

  test("progress that was asked for comes after the changes that it speaks of, and never goes back", async () => {
    const watcher = recorder();
    const watch = store().watch({ prefix: "/w/", after: 0 }, watcher);
    for (let at = 1; at <= 10; at++) {
      await store().create(`/w/${at}`, bytes("1"));
      await store().create(`/other/${at}`, bytes("1"));
      watch.requestProgress();
      watch.requestProgress();
      if (at % 3 === 0) await settle();
    }
    await settle();
    watch.cancel();
    watch.requestProgress();
    await settle();
    const revisions = watcher.progressed.map(({ revision }) => revision);
    expect(revisions.at(-1)).toBe(20);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    // Every second revision is one of the watch.
    for (const { revision, events } of watcher.progressed) expect(events).toBe(Math.ceil(revision / 2));
    expect(watcher.failures).toEqual([]);
  });
}

function compaction(store: () => Store, settle: () => Promise<void>): void {
  async function history(): Promise<void> {
    await store().create("/a", bytes("1"));
    await store().update("/a", bytes("2"), 1);
    await store().create("/b", bytes("1"));
    await store().delete("/b", 3);
    await store().create("/c", bytes("1"));
    await store().update("/a", bytes("3"), 2);
  }

  test("forgets history, keeps the present, and says what is too old", async () => {
    await history();
    await store().compact(4);
    expect([await oldestOf(store()), await store().currentRevision()]).toEqual([4, 6]);
    expect(await failure(store().list({ prefix: "/", revision: 3 }))).toEqual({
      code: "compacted",
      asked: 3,
      oldest: 4,
    });
    const watcher = recorder();
    store().watch({ prefix: "/", after: 3 }, watcher);
    await settle();
    expect(watcher.failures).toEqual([{ code: "compacted", asked: 3, oldest: 4 }]);
    expect(watcher.progressed).toEqual([]);
    const at4 = await store().list({ prefix: "/", revision: 4 });
    expect(at4.items.map((item) => [item.key, item.modRevision])).toEqual([["/a", 2]]);
    const now = await store().list({ prefix: "/" });
    expect(now.items.map((item) => [item.key, item.modRevision])).toEqual([["/a", 6], ["/c", 5]]); // prettier-ignore
  });

  test("a watch may begin at the compacted revision, and one that runs goes on", async () => {
    await history();
    const running = recorder();
    store().watch({ prefix: "/", after: 2 }, running);
    await settle();
    await store().compact(6);
    await store().create("/b", bytes("again"));
    const fresh = recorder();
    store().watch({ prefix: "/", after: 6 }, fresh);
    await settle();
    expect(summary(running.seen)).toEqual(["put /b@3", "delete /b@4", "put /c@5", "put /a@6", "put /b@7"]);
    expect(summary(fresh.seen)).toEqual(["put /b@7"]);
    expect(fresh.seen[0]?.previous).toBeUndefined();
  });

  test("compacting twice or backwards changes nothing; compacting the future is refused", async () => {
    await history();
    await store().compact(5);
    await store().compact(5);
    await store().compact(2);
    expect(await oldestOf(store())).toBe(5);
    expect(await failure(store().compact(7))).toEqual({ code: "future", asked: 7, current: 6 });
  });

  test("a key that is being created again while its deletion is compacted lives on", async () => {
    await store().create("/a", bytes("1"));
    await store().delete("/a", 1);
    const compacted = store().compact(2);
    const created = store().create("/a", bytes("2"));
    await Promise.all([compacted, created]);
    expect((await store().list({ prefix: "/" })).items.map((item) => item.modRevision)).toEqual([3]);
    expect(await store().update("/a", bytes("3"), 3)).toBe(4);
  });
}

function closing(store: () => Store): void {
  test("closing waits for writes under way, refuses later ones, ends watches with a reason", async () => {
    const watcher = recorder();
    store().watch({ prefix: "/", after: 0 }, watcher);
    const created = store().create("/a", bytes("1"));
    const closed = store().close();
    const late = failure(store().create("/b", bytes("1")));
    await closed;
    expect(await created).toBe(1);
    const unavailable = { code: "unavailable", why: "the store is closed" };
    expect([await late, ...watcher.failures]).toEqual([unavailable, unavailable]);
    await store().close();
  });
}
