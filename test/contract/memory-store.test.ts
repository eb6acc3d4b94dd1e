/** The memory store keeps the store contract, and hands the very same buffers on. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../src/base/index.ts";
import { createMemoryStore } from "../../src/storage/index.ts";
import { bytes, recorder, storeContract } from "./store-contract.ts";

storeContract({
  name: "memory",
  open: async () => createMemoryStore({ clock: new SimulatedClock() }),
  modelRuns: 200,
});

test("the very same buffer goes to readers and watchers", async () => {
  const store = createMemoryStore();
  const watcher = recorder();
  store.watch({ prefix: "/", after: 0 }, watcher);
  const value = bytes("1");
  await store.create("/a", value);
  expect((await store.get("/a"))?.value).toBe(value);
  expect((await store.list({ prefix: "/" })).items[0]?.value).toBe(value);
  expect(watcher.seen[0]?.current.value).toBe(value);
  await store.close();
});
