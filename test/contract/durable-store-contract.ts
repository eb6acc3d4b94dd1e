/**
 * What stores promise that outlive their process: a restart changes nothing that can be asked.
 * Not here: sudden death (test/crash), files and refusals of one maker (src/storage/sqlite-store.test.ts).
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EmbeddedStore, StoreEvent } from "../../src/storage/index.ts";
import { bytes, failure, recorder, summary, text } from "./store-contract.ts";

export interface DurableStoreMaker {
  readonly name: string;
  /** Opens the store that lasts under `place`, which is any string. */
  open(place: string): Promise<EmbeddedStore>;
  /** A place where nothing is yet. */
  newPlace(): string;
}

export function durableStoreContract(maker: DurableStoreMaker): void {
  describe(`store contract over restarts: ${maker.name}`, () => {
    let place = "";
    let store: EmbeddedStore;
    const restart = async (): Promise<void> => {
      await store.close();
      store = await maker.open(place);
    };
    beforeEach(async () => {
      place = maker.newPlace();
      store = await maker.open(place);
    });
    afterEach(() => store.close());

    test("values, revisions and history are as they were", async () => {
      await store.create("/a", bytes("1"));
      await store.create("/b", new Uint8Array(0));
      await store.update("/a", bytes("2"), 1);
      await store.delete("/b", 2);
      const before = await Promise.all(
        [0, 1, 2, 3, 4].map((revision) => store.list({ prefix: "/", revision })),
      );
      await restart();
      expect([store.currentRevision(), store.compactedRevision]).toEqual([4, 0]);
      const after = await Promise.all(
        [0, 1, 2, 3, 4].map((revision) => store.list({ prefix: "/", revision })),
      );
      expect(after).toEqual(before);
      expect(text((await store.get("/a"))?.value)).toBe("2");
      expect(await store.update("/a", bytes("3"), 3)).toBe(5);
    });

    test("a watch resumes after the last revision it saw, without gap or repetition", async () => {
      const first = recorder();
      store.watch({ prefix: "/w/", after: 0 }, first);
      await store.create("/w/a", bytes("1"));
      await store.create("/x", bytes("1"));
      const seenUpTo = first.seen.at(-1)!.revision;
      await store.update("/w/a", bytes("2"), 1);
      await store.delete("/w/a", 3);
      const untilEnd: StoreEvent[] = [...first.seen];
      await restart();
      const resumed = recorder();
      store.watch({ prefix: "/w/", after: seenUpTo }, resumed);
      await store.create("/w/a", bytes("3"));
      expect(summary(resumed.seen)).toEqual(["put /w/a@3", "delete /w/a@4", "put /w/a@5"]);
      expect(resumed.seen.slice(0, 2)).toEqual(untilEnd.slice(1));
    });

    test("revisions never repeat, also when the last writes were deletions and are compacted", async () => {
      await store.create("/a", bytes("1"));
      await store.create("/b", bytes("1"));
      await store.delete("/b", 2);
      await restart();
      expect(store.currentRevision()).toBe(3);
      await store.compact(3);
      await restart();
      expect([store.currentRevision(), store.compactedRevision]).toEqual([3, 3]);
      await store.delete("/a", 1);
      await store.compact(4);
      await restart();
      expect((await store.list({ prefix: "" })).items).toEqual([]);
      expect(await store.create("/a", bytes("2"))).toBe(5);
    });

    test("what was compacted stays forgotten, what was kept stays right", async () => {
      for (let at = 0; at < 20; at++) await store.create(`/k${at % 10}/${at}`, bytes(`${at}`));
      for (let at = 0; at < 20; at++) await store.update(`/k${at % 10}/${at}`, bytes(`${at} again`), at + 1);
      for (let at = 0; at < 5; at++) await store.delete(`/k${at}/${at}`, 21 + at);
      await store.compact(30);
      const at35 = await store.list({ prefix: "/", revision: 35 });
      const now = await store.list({ prefix: "/" });
      await restart();
      expect([store.compactedRevision, store.currentRevision()]).toEqual([30, 45]);
      expect(await store.list({ prefix: "/", revision: 35 })).toEqual(at35);
      expect(await store.list({ prefix: "/" })).toEqual(now);
      const gone = { code: "compacted", asked: 29, oldest: 30 };
      expect(await failure(store.list({ prefix: "/", revision: 29 }))).toEqual(gone);
      await store.compact(45);
      await restart();
      expect((await store.list({ prefix: "/" })).items).toEqual(now.items);
    });

    test("an empty store, opened again, is still empty", async () => {
      await restart();
      expect([store.currentRevision(), (await store.list({ prefix: "" })).items]).toEqual([0, []]);
    });
  });
}
