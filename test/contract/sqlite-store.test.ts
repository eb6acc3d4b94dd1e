/** The SQLite store keeps the store contract and the one over restarts. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { silentLog, SimulatedClock } from "../../src/base/index.ts";
import { openSqliteStore, type EmbeddedStore } from "../../src/storage/index.ts";
import { durableStoreContract } from "./durable-store-contract.ts";
import { embeddedStoreContract } from "./embedded-store-contract.ts";
import { bytes, recorder, settleMicrotasks, storeContract } from "./store-contract.ts";

/** In memory where the machine has such a place: nothing dies here, so nothing needs to reach a disk (test/crash does). */
const root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "lares-store-"));
let places = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

function newPlace(): string {
  return join(root, String(places++));
}

function open(directory: string): Promise<EmbeddedStore> {
  return openSqliteStore({ directory, clock: new SimulatedClock(), log: silentLog });
}

const maker = { name: "SQLite", open: () => open(newPlace()) };
storeContract({ ...maker, modelRuns: 20, isEmbedded: true, settle: settleMicrotasks });
embeddedStoreContract(maker);
durableStoreContract({ name: "SQLite", open, newPlace });

test("the very same buffer goes to readers and watchers", async () => {
  const store = await open(newPlace());
  const watcher = recorder();
  store.watch({ prefix: "/", after: 0 }, watcher);
  const value = bytes("1");
  await store.create("/a", value);
  expect((await store.get("/a"))?.value).toBe(value);
  expect(watcher.seen[0]?.current.value).toBe(value);
  await store.close();
});
