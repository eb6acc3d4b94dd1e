/** What is forgotten when: by age, number and size, driven by a simulated clock. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../base/index.ts";
import { createMemoryStore } from "./memory-store.ts";
import { retentionPeriodMs } from "./retention.ts";
import type { Store } from "./store.ts";

const minute = 60_000;

/** Values that have nothing in common. */
async function write(store: Store, count: number, bytes = 1): Promise<void> {
  for (let done = 0; done < count; done++) {
    const there = await store.get("/a");
    const value = new Uint8Array(bytes).fill(done);
    await (there ? store.update("/a", value, there.modRevision) : store.create("/a", value));
  }
}

test("history older than five minutes goes, but 10,000 revisions stay however old", async () => {
  const clock = new SimulatedClock();
  const store = createMemoryStore({ clock });
  await write(store, 10_500);
  await clock.advance(5 * minute - 1);
  expect(store.compactedRevision).toBe(0);
  await clock.advance(minute);
  expect(store.compactedRevision).toBe(500);
  await clock.advance(60 * minute);
  expect(store.compactedRevision).toBe(500);
  await store.close();
});

test("what is young stays, however many revisions there are", async () => {
  const clock = new SimulatedClock();
  const store = createMemoryStore({ clock, retention: { minMs: minute, minRevisions: 10 } });
  await write(store, 100);
  await clock.advance(minute / 2);
  await write(store, 100);
  await clock.advance(minute / 2 + retentionPeriodMs);
  expect(store.compactedRevision).toBe(100);
  await clock.advance(minute);
  expect(store.compactedRevision).toBe(190);
  await store.close();
});

test("history above its bound in bytes goes early, down to the least number of revisions", async () => {
  const clock = new SimulatedClock();
  const retention = { minMs: minute, minRevisions: 10, historyBytesMax: 1_000_000 };
  const store = createMemoryStore({ clock, retention });
  await write(store, 50, 100_000);
  await clock.advance(0);
  expect(store.currentRevision() - store.compactedRevision).toBe(10);
  const small = createMemoryStore({ clock, retention });
  await write(small, 50, 10_000);
  await clock.advance(0);
  expect(small.compactedRevision).toBe(0);
  await Promise.all([store.close(), small.close()]);
});

test("of superseded values only what is different counts", async () => {
  const clock = new SimulatedClock();
  const retention = { minMs: minute, minRevisions: 10, historyBytesMax: 1_000_000 };
  const store = createMemoryStore({ clock, retention });
  for (let done = 0, revision = 0; done < 100; done++) {
    const value = new Uint8Array(100_000);
    value[50_000] = done;
    revision = await (done === 0 ? store.create("/a", value) : store.update("/a", value, revision));
  }
  await clock.advance(0);
  // Every 16th is kept whole: 6 of 100.
  expect(store.compactedRevision).toBe(0);
  await store.close();
});

test("without a clock nothing is forgotten by itself", async () => {
  const store = createMemoryStore({ retention: { minMs: 0, minRevisions: 0, historyBytesMax: 0 } });
  await write(store, 100);
  expect(store.compactedRevision).toBe(0);
  await store.close();
});
