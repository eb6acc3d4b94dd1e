/** Set-up in two terminals at once: one runs after the other, and no process waits for a dead one. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = pathToFileURL(join(import.meta.dirname, "..", "..", "scripts", "lock-file.mjs")).href;
/** Longer than processes take to start one after the other. */
const workMs = 300;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lares-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that logs its begin and end; it may die in between. */
async function worker(name: string, dies = false): Promise<void> {
  const [lock, log] = [join(folder, "lock"), join(folder, "log")].map((path) => JSON.stringify(path));
  const code = `
    import { appendFileSync } from "node:fs";
    import { withLockFile } from ${JSON.stringify(script)};
    withLockFile(${lock}, () => {
      appendFileSync(${log}, "${name} begins\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${workMs});
      ${dies ? "process.exit(1);" : ""}
      appendFileSync(${log}, "${name} ends\\n");
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], { stdio: "inherit" });
  const status = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  expect(status, name).toBe(dies ? 1 : 0);
}

const log = (): string[] => readFileSync(join(folder, "log"), "utf8").trim().split("\n");

test("two processes run one after the other and leave no lock", async () => {
  await Promise.all([worker("a"), worker("b")]);
  const [first, , second] = log().map((line) => line[0]!);
  expect(log()).toEqual([`${first} begins`, `${first} ends`, `${second} begins`, `${second} ends`]);
  expect(existsSync(join(folder, "lock"))).toBe(false);
});

test("the lock of a dead process is ignored", async () => {
  await worker("a", true);
  expect(existsSync(join(folder, "lock"))).toBe(true);
  await worker("b");
  expect(log()).toEqual(["a begins", "b begins", "b ends"]);
});

test("an error leaves no lock", async () => {
  const { withLockFile } = (await import(script)) as { withLockFile(lock: string, work: () => void): void };
  const lock = join(folder, "lock");
  expect(() => withLockFile(lock, () => expect.fail("no"))).toThrow("no");
  expect(existsSync(lock)).toBe(false);
});
