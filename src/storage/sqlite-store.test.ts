/** Files of the SQLite store: lock, modes, refusals with a way out, damage that is found, a full disk. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeEach, expect, test } from "vitest";
import { silentLog, silentMetrics, SimulatedClock } from "../base/index.ts";
import { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
import { type StorageFailure, storageFailureOf } from "./storage-error.ts";
import type { EmbeddedStore } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "lares-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
let directory = "";
let file = "";
beforeEach(() => {
  directory = join(root, String(count++), "store");
  file = join(directory, "store.db");
});

function open(options: Partial<SqliteStoreOptions> = {}): Promise<EmbeddedStore> {
  return openSqliteStore({ directory, clock: new SimulatedClock(), log: silentLog, ...options });
}

async function refusal(): Promise<StorageFailure | undefined> {
  return open().then(
    () => expect.fail("the store opened"),
    (error: unknown) => storageFailureOf(error),
  );
}

/** A closed store with 100 objects, ten of them updated, five deleted, compacted to revision 50. */
async function filled(): Promise<void> {
  const store = await open();
  const calls = Array.from({ length: 100 }, (_, at) =>
    store.create(`/k/${at}`, new Uint8Array(3_000).fill(at)),
  );
  await Promise.all(calls);
  for (let at = 0; at < 10; at++) void store.update(`/k/${at}`, new Uint8Array(3_000).fill(200), at + 1);
  await Promise.all(Array.from({ length: 5 }, (_, at) => store.delete(`/k/${at + 50}`, at + 51)));
  await store.compact(50);
  await store.close();
}

/** Runs SQL on the closed file, as somebody with a tool could. */
function tamper(sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

test("files are for the owner only, in a directory for the owner only", async () => {
  const store = await open();
  await store.create("/secret", new Uint8Array(10));
  const modes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777]);
  expect(modes.map(([name]) => name)).toEqual(
    expect.arrayContaining(["store.db", "store.db-wal", "store.lock", "store.owner"]),
  );
  expect(modes.filter(([, mode]) => mode !== 0o600)).toEqual([]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  await store.close();
  expect(existsSync(join(directory, "store.owner"))).toBe(false);
});

test("a directory in use is refused with the process that uses it; a stale owner file does not matter", async () => {
  const store = await open();
  const failure = await refusal();
  expect(failure).toMatchObject({ code: "unavailable" });
  const { why } = failure as { why: string };
  expect(why).toContain(`the data directory ${directory} is in use by process ${process.pid}`);
  expect(why).toContain("choose another data directory");
  await store.create("/a", new Uint8Array(1));
  await store.close();
  writeFileSync(join(directory, "store.owner"), "1\n");
  await (await open()).close();
});

test("a file that is not a database, is empty or is another program's is refused and left alone", async () => {
  const contents: [string, Buffer][] = [
    ["not an SQLite database", Buffer.from("just some text\n".repeat(1000))],
    ["the file is empty", Buffer.alloc(0)],
  ];
  for (const [why, content] of contents) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, content);
    expect(await refusal()).toEqual({ code: "corrupt", path: file, why: expect.stringContaining(why) });
    expect(readFileSync(file).equals(content)).toBe(true);
  }
  rmSync(file);
  tamper("CREATE TABLE bookmarks (url TEXT)");
  const before = readFileSync(file);
  expect(await refusal()).toMatchObject({
    code: "corrupt",
    why: expect.stringContaining("some other program"),
  });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("a file of a newer release is refused by name of both formats", async () => {
  await filled();
  tamper("PRAGMA user_version = 7");
  const why = expect.stringContaining("newer release (format 7, this one reads up to 1)");
  expect(await refusal()).toEqual({ code: "unavailable", why });
});

test("changed, missing and added rows are found", async () => {
  const damages: [string, string][] = [
    ["UPDATE log SET value = zeroblob(3000) WHERE revision = 70", "checksum of revision 70"],
    ["UPDATE log SET key = '/k/x' WHERE revision = 20", "checksum of revision 20"],
    ["DELETE FROM log WHERE revision = 80", "revision 80 is missing"],
    ["DELETE FROM log WHERE revision = 30", "49 rows up to revision 50 instead of 50"],
    ["UPDATE meta SET value = 60 WHERE name = 'compacted'", "60 rows up to revision 60 instead of 50"],
    ["UPDATE meta SET value = 40 WHERE name = 'compacted'", "40 rows up to revision 40 instead of 50"],
    ["DELETE FROM meta", "meta is incomplete"],
  ];
  for (const [sql, why] of damages) {
    directory = join(root, String(count++));
    file = join(directory, "store.db");
    await filled();
    tamper(sql);
    expect(await refusal()).toEqual({ code: "corrupt", path: file, why: expect.stringContaining(why) });
  }
});

test("an empty value that Node stored as NULL is an empty value, not a deletion", async () => {
  const store = await open();
  await store.create("/empty", new Uint8Array(0));
  await store.close();
  tamper("UPDATE log SET value = NULL");
  const again = await open();
  expect((await again.get("/empty"))?.value).toEqual(new Uint8Array(0));
  await again.close();
});

test("flipped bytes anywhere in the rows and a cut-off file are found", async () => {
  await filled();
  const sound = readFileSync(file);
  for (let offset = 16_384; offset < sound.length; offset += Math.floor(sound.length / 15)) {
    const damaged = Buffer.from(sound);
    // A run of bytes: one alone could lie in the unused part of a page.
    for (let at = offset; at < Math.min(offset + 2_000, sound.length); at++)
      damaged[at] = damaged[at]! ^ 0x55;
    writeFileSync(file, damaged);
    expect(await refusal(), `at ${offset}`).toMatchObject({ code: "corrupt", path: file });
  }
  writeFileSync(file, sound.subarray(0, Math.floor(sound.length / 2)));
  expect(await refusal()).toMatchObject({ code: "corrupt", path: file });
  writeFileSync(file, sound);
  await (await open()).close();
});

test("a missing database beside its log is not taken for a new store", async () => {
  await filled();
  rmSync(file);
  writeFileSync(`${file}-wal`, "x");
  expect(await refusal()).toMatchObject({ code: "corrupt", why: expect.stringContaining("is missing") });
});

test("a place where no directory can be is refused by its path", async () => {
  mkdirSync(join(directory, ".."), { recursive: true });
  writeFileSync(directory, "a file");
  expect(await refusal()).toEqual({
    code: "unavailable",
    why: expect.stringMatching(/cannot write in the data directory .*store .*choose another/),
  });
  directory = join(directory, "below");
  expect(await refusal()).toMatchObject({ code: "unavailable" });
});

test("a full disk ends the store, keeps what was acknowledged, and after making room it goes on", async () => {
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(storageFailureOf(error));
  const store = await open({ fileBytesMax: 200_000, onFailure });
  const outcomes: (number | string | undefined)[] = [];
  for (let at = 0; at < 60; at++) {
    const call = store.create(`/k/${at}`, new Uint8Array(10_000));
    outcomes.push(await call.catch((error: unknown) => storageFailureOf(error)?.code));
  }
  const acked = outcomes.filter((outcome) => typeof outcome === "number").length;
  expect(acked).toBeGreaterThan(5);
  expect(new Set(outcomes.slice(acked))).toEqual(new Set(["unavailable"]));
  expect(failures).toEqual([{ code: "unavailable", why: expect.stringContaining("no room to write") }]);
  expect((await store.list({ prefix: "/" })).items.length).toBe(acked);
  await store.close();
  const again = await open();
  expect((await again.list({ prefix: "/" })).items.length).toBe(acked);
  expect(await again.create("/more", new Uint8Array(10_000))).toBe(acked + 1);
  await again.close();
});

test("updates that may wait share a commit, with each other and with the next one that may not", async () => {
  const clock = new SimulatedClock();
  let commits = 0;
  const metrics = { ...silentMetrics, histogram: () => ({ observe: () => void commits++ }) };
  const store = await open({ clock, metrics });
  for (const key of ["/a", "/b", "/c"]) await store.create(key, new Uint8Array(1));
  const answers: string[] = [];
  const renew = async (key: string, revision: number): Promise<void> => {
    await store.update(key, new Uint8Array(2), revision, { mayWait: true });
    answers.push(key);
  };
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

  commits = 0;
  const first = renew("/a", 1);
  await turn();
  const second = renew("/b", 2);
  await turn();
  expect([commits, answers]).toEqual([0, []]);
  await clock.advance(99);
  expect(commits).toBe(0);
  await clock.advance(1);
  await Promise.all([first, second]);
  expect([commits, answers]).toEqual([1, ["/a", "/b"]]);

  const patient = renew("/c", 3);
  await turn();
  await store.create("/d", new Uint8Array(1));
  await patient;
  expect([commits, answers.at(-1)]).toEqual([2, "/c"]);

  // A store that closes waits for nobody.
  const last = renew("/d", 7);
  await turn();
  await store.close();
  await last;
  expect(commits).toBe(3);
});

test("thirty-two updates that may wait are company enough", async () => {
  const store = await open();
  const keys = Array.from({ length: 32 }, (_, at) => `/k${at}`);
  for (const key of keys) await store.create(key, new Uint8Array(1));
  const update = (key: string, at: number): Promise<number> =>
    store.update(key, new Uint8Array(2), at + 1, { mayWait: true });
  await Promise.all(keys.map(update));
  await store.close();
});
