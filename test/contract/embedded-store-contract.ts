/**
 * What stores in this process promise beyond the contract of all: numbers in the order of calls, and no delay between an
 * answer, what readers see and what watches were told. The API server's reads need not wait because of it.
 * Not here: what every store promises (store-contract.ts).
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EmbeddedStore } from "../../src/storage/index.ts";
import { bytes, failure, recorder, settleMicrotasks, summary, text } from "./store-contract.ts";

export interface EmbeddedStoreMaker {
  readonly name: string;
  /** A new, empty store; it is closed by the suite. */
  open(): Promise<EmbeddedStore>;
}

export function embeddedStoreContract(maker: EmbeddedStoreMaker): void {
  describe(`contract of stores in this process: ${maker.name}`, () => {
    let opened: EmbeddedStore;
    beforeEach(async () => {
      opened = await maker.open();
    });
    afterEach(() => opened.close());
    const store = (): EmbeddedStore => opened;

    order(store);
    immediacy(store);
  });
}

function order(store: () => EmbeddedStore): void {
  test("revisions follow the order of calls that nobody waited for", async () => {
    const calls = Array.from({ length: 100 }, (_, at) => store().create(`/k${at}`, bytes("x")));
    expect(await Promise.all(calls)).toEqual(calls.map((_, at) => at + 1));
  });

  test("compare-and-set is judged by the newest call, acknowledged or not", async () => {
    const first = store().create("/a", bytes("1"));
    const second = store().update("/a", bytes("2"), 1);
    const stale = failure(store().update("/a", bytes("3"), 1));
    const doubled = failure(store().create("/a", bytes("4")));
    const removed = store().delete("/a", 2);
    const late = failure(store().update("/a", bytes("5"), 2));
    const again = store().create("/a", bytes("6"));
    expect(await Promise.all([first, second, removed, again])).toEqual([1, 2, 3, 4]);
    expect(await stale).toEqual({ code: "conflict", key: "/a", expected: 1, actual: 2 });
    expect(await doubled).toEqual({ code: "exists", key: "/a" });
    expect(await late).toEqual({ code: "not-found", key: "/a" });
    expect(await store().get("/a")).toMatchObject({ createRevision: 4, modRevision: 4 });
  });
}

function immediacy(store: () => EmbeddedStore): void {
  test("a write is invisible until it is acknowledged, then visible at once", async () => {
    const created = store().create("/a", bytes("1"));
    const before = await store().get("/a");
    expect(before).toBeUndefined();
    await created;
    expect(text((await store().get("/a"))?.value)).toBe("1");
  });

  test("the newest revision is a number, known without a wait, and so is what is forgotten", async () => {
    await Promise.all([store().create("/a", bytes("1")), store().create("/b", bytes("1"))]);
    expect([store().currentRevision(), store().compactedRevision]).toEqual([2, 0]);
    await store().compact(1);
    expect([store().currentRevision(), store().compactedRevision]).toEqual([2, 1]);
  });

  test("a write was told to every live watch before it is acknowledged", async () => {
    const watcher = recorder();
    const watch = store().watch({ prefix: "/", after: 0 }, watcher);
    await store().create("/a", bytes("1"));
    expect(summary(watcher.seen)).toEqual(["put /a@1"]);
    watch.cancel();
    await store().create("/b", bytes("1"));
    expect(watcher.seen.length).toBe(1);
  });

  test("a watch that has not told its past yet goes on when that is compacted, and tells it before it ends", async () => {
    await store().create("/a", bytes("1"));
    await store().update("/a", bytes("2"), 1);
    const running = recorder();
    store().watch({ prefix: "/", after: 0 }, running);
    const compacted = store().compact(2);
    const created = store().create("/b", bytes("1"));
    const closed = store().close();
    await Promise.all([compacted, created, closed]);
    await settleMicrotasks();
    expect(summary(running.seen)).toEqual(["put /a@1", "put /a@2", "put /b@3"]);
    expect(running.failures).toEqual([{ code: "unavailable", why: "the store is closed" }]);
  });
}
