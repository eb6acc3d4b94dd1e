/**
 * A lock file between processes: `npm start` and `npm test` at once in a fresh clone would install over each other.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";

const pollEveryMs = 200;
/** Longest that another process may hold the lock, in ms: an installation over a slow line. */
const patienceMs = 15 * 60_000;

/**
 * Runs `work` while no other process does so under the same lock file. The lock of a dead process is ignored.
 * @param {string} lock path of a file that exists only meanwhile
 * @param {() => void} work
 * @throws Error when another process holds the lock for too long.
 */
export function withLockFile(lock, work) {
  const since = Date.now();
  while (!take(lock)) {
    if (Date.now() - since > patienceMs)
      throw new Error(`${lock} is held by process ${ownerOf(lock)}; remove the file if that is none of ours`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollEveryMs);
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** @param {string} lock */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const owner = ownerOf(lock);
  if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
  return false;
}

/** @param {string} lock @returns {number} 0 while the file is being written, or is gone again */
function ownerOf(lock) {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    // The file is gone: the next try takes the lock.
    return 0;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
