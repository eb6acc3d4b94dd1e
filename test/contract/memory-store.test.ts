/** The memory store keeps the store contract, and hands the very same buffers on. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../src/base/index.ts";
import { createMemoryStore } from "../../src/storage/index.ts";
import { embeddedStoreContract } from "./embedded-store-contract.ts";
import { bytes, recorder, settleMicrotasks, storeContract } from "./store-contract.ts";

const maker = { name: "memory", open: async () => createMemoryStore({ clock: new SimulatedClock() }) };
storeContract({ ...maker, modelRuns: 200, isEmbedded: true, settle: settleMicrotasks });
embeddedStoreContract(maker);

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
