// @ts-check
/**
 * The thread that owns the database: opens, checks, loads, commits in groups, compacts. It blocks while the disk syncs.
 * Plain JavaScript without imports of ours, so that any supported Node runs it unbuilt; the build copies it.
 * Not here: what keys and revisions mean (mvcc.ts), the other end of the conversation (sqlite-journal.ts).
 *
 *   <directory>/store.db     the database (WAL beside it): table log, one row per revision
 *              /store.lock   locked by us while we live; the kernel lets go when we die
 *              /store.owner  our process id, for the refusal that others get
 */
import fs from "node:fs";
import path from "node:path";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";

/** @typedef {InstanceType<typeof import("@photostructure/sqlite").DatabaseSync>} Database */
/** @typedef {import("./sqlite-protocol.ts").Rows} Rows */
/** @typedef {import("./sqlite-protocol.ts").ToWorker} ToWorker */
/** @typedef {import("./sqlite-protocol.ts").FromWorker} FromWorker */
/** @typedef {import("./storage-error.ts").StorageFailure} StorageFailure */

/** "lrs1" in ASCII: marks the file as ours, in the place that SQLite's header has for it. */
const applicationId = 0x6c727331;
/** Format of the tables; a file with a higher one was written by a newer release. */
const formatVersion = 1;
/** Rows that one transaction takes at most: bounds how long the first of them waits. */
const transactionRowsMax = 4096;
/** The same in bytes: 8 MiB are synced in some tens of milliseconds on a slow disk. */
const transactionBytesMax = 8 * 1024 * 1024;
/** Rows and bytes per message while loading, so that both threads work at the same time. */
const loadRowsMax = 1000;
const loadBytesMax = 2 * 1024 * 1024;
/** Bytes written between checkpoints: 8 MiB keep the log short and a checkpoint below about 20 ms. */
const checkpointBytes = 8 * 1024 * 1024;
/** A longer log file is cut back to this: 64 MiB, far above what checkpoints leave in ordinary times. */
const walBytesMax = 64 * 1024 * 1024;
/** Somebody's reading tool may hold the database for a moment; 5 s as is usual with SQLite. */
const busyMs = 5000;
const pageBytes = 4096;

/** Result codes of SQLite, https://sqlite.org/rescode.html. */
const sqlite = {
  permission: 3,
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

class Refusal extends Error {
  /** @param {StorageFailure} failure */
  constructor(failure) {
    super(failure.code);
    this.failure = failure;
  }
}

const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
const { directory, fileBytesMax } = /** @type {import("./sqlite-protocol.ts").WorkerData} */ (workerData);
const file = path.join(directory, "store.db");
const lockFile = path.join(directory, "store.lock");
const ownerFile = path.join(directory, "store.owner");

try {
  serve(...(await openAll()));
} catch (error) {
  send({ is: "refused", failure: failureOf(error) });
  port.close();
}

/** @param {FromWorker} message @param {ArrayBuffer[]} [moved] */
function send(message, moved) {
  port.postMessage(message, moved);
}

/**
 * Handles messages until `close`. After a failure only `close` has an effect.
 * @param {Database} db @param {Database} lock
 */
function serve(db, lock) {
  const log = makeLog(db);
  let isDead = false;
  /** @type {ToWorker | undefined} */
  let held;
  /** @returns {ToWorker | undefined} */
  const next = () => {
    const message = held ?? receiveMessageOnPort(port)?.message;
    held = undefined;
    return message;
  };
  /** @param {() => void} work */
  const attempt = (work) => {
    if (isDead) return;
    try {
      work();
    } catch (error) {
      isDead = true;
      send({ is: "failed", why: whyOf(error) });
    }
  };
  /** All commits that wait go into one transaction. @param {Rows} first */
  const commitGroup = (first) => {
    const group = [first];
    let rows = first.keys.length;
    let bytes = first.bytes.byteLength;
    while (rows < transactionRowsMax && bytes < transactionBytesMax) {
      held = next();
      if (held?.do !== "commit") break;
      group.push(held.rows);
      rows += held.rows.keys.length;
      bytes += held.rows.bytes.byteLength;
      held = undefined;
    }
    attempt(() => {
      send({ is: "committed", upTo: log.commit(group) });
      log.checkpointIfLong();
    });
  };
  const close = () => {
    attempt(() => log.checkpoint("TRUNCATE"));
    db.close();
    release(lock);
    send({ is: "closed" });
    port.close();
  };
  port.on("message", (/** @type {ToWorker} */ arrived) => {
    for (let message = /** @type {ToWorker | undefined} */ (arrived); message; message = next()) {
      if (message.do === "close") return close();
      if (message.do === "commit") commitGroup(message.rows);
      else {
        const { to, superseded } = message;
        attempt(() => {
          log.compact(to, superseded);
          send({ is: "compacted" });
        });
      }
    }
  });
}

/** @param {Database} db */
function makeLog(db) {
  const insert = db.prepare("INSERT INTO log (revision, key, created, crc, value) VALUES (?, ?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM log WHERE revision = ?");
  const setMeta = db.prepare("UPDATE meta SET value = ? WHERE name = ?");
  let bytesSinceCheckpoint = 0;

  /** Runs `work` as one transaction. @param {() => void} work */
  const transaction = (work) => {
    db.exec("BEGIN IMMEDIATE");
    try {
      work();
      db.exec("COMMIT");
    } catch (error) {
      try {
        db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back already; the first error is the one to report.
      }
      throw error;
    }
  };
  /** @param {Rows} rows */
  const insertRows = (rows) => {
    const { revisions, keys, created, sizes, bytes } = rows;
    let offset = 0;
    for (let at = 0; at < keys.length; at++) {
      const size = /** @type {number} */ (sizes[at]);
      const key = /** @type {string} */ (keys[at]);
      const revision = /** @type {number} */ (revisions[at]);
      const begin = /** @type {number} */ (created[at]);
      const value = size < 0 ? null : new Uint8Array(bytes, offset, size);
      if (value !== null) offset += size;
      insert.run(revision, key, begin, checksum({ revision, key, created: begin, value }), value);
    }
    bytesSinceCheckpoint += bytes.byteLength + keys.length * 128;
  };
  /** @param {"PASSIVE" | "TRUNCATE"} mode */
  const checkpoint = (mode) => {
    bytesSinceCheckpoint = 0;
    db.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
  };

  return {
    checkpoint,
    /** A checkpoint that fails is reported like a failed commit: a second try could succeed without having written. */
    checkpointIfLong() {
      if (bytesSinceCheckpoint >= checkpointBytes) checkpoint("PASSIVE");
    },
    /** @param {readonly Rows[]} group @returns {number} the last revision, which is durable now */
    commit(group) {
      transaction(() => group.forEach(insertRows));
      const { revisions } = /** @type {Rows} */ (group[group.length - 1]);
      return /** @type {number} */ (revisions[revisions.length - 1]);
    },
    /** @param {number} to @param {Float64Array} superseded */
    compact(to, superseded) {
      transaction(() => {
        const before = readMeta(db);
        for (const revision of superseded) {
          if (Number(remove.run(revision).changes) !== 1)
            throw new Error(`revision ${revision} is missing in ${file}`);
        }
        setMeta.run(to, "compacted");
        setMeta.run(before.baseRows + (to - before.compacted) - superseded.length, "base_rows");
      });
      bytesSinceCheckpoint += superseded.length * pageBytes;
      this.checkpointIfLong();
    },
  };
}

/** Covers all that a row says, so that silent damage is found. @param {Omit<LogRow, "crc">} row */
function checksum({ revision, key, created, value }) {
  const seed = crc32(`${revision} ${created} ${value === null ? "delete" : value.byteLength} ${key}`);
  // zlib answers 0 for an empty buffer without memory, whatever the seed.
  return value === null || value.byteLength === 0 ? seed : crc32(value, seed);
}

/** @returns {Promise<[Database, Database]>} */
async function openAll() {
  const { runtime, DatabaseSync } = await loadSqlite();
  makeDirectory();
  const lock = takeLock(DatabaseSync);
  /** @type {Database | undefined} */
  let db;
  try {
    writeOwner();
    if (!fs.existsSync(file)) createFile(DatabaseSync);
    db = openFile(DatabaseSync);
    readAll(db, runtime);
    send({ is: "opened" });
    return [db, lock];
  } catch (error) {
    try {
      db?.close();
    } finally {
      release(lock);
    }
    throw error;
  }
}

/** Node's own SQLite where it exists (22.13 and later), else the package with the same interface. */
async function loadSqlite() {
  const warn = process.emitWarning;
  // Node says on every start that its SQLite is experimental; operators can do nothing with that.
  process.emitWarning = /** @type {typeof warn} */ (
    (/** @type {[any, any]} */ ...args) => {
      if (!(args[1] === "ExperimentalWarning" && String(args[0]).includes("SQLite")))
        warn.apply(process, args);
    }
  );
  try {
    const name = "node:sqlite";
    const { DatabaseSync } = await import(name);
    return {
      runtime: name,
      DatabaseSync: /** @type {typeof import("@photostructure/sqlite").DatabaseSync} */ (DatabaseSync),
    };
  } catch {
    const { DatabaseSync } = await import("@photostructure/sqlite");
    return { runtime: "@photostructure/sqlite", DatabaseSync };
  } finally {
    process.emitWarning = warn;
  }
}

function makeDirectory() {
  const created = fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (created !== undefined) syncDirectory(path.dirname(created));
}

/** Makes new names in `folder` survive a loss of power. @param {string} folder */
function syncDirectory(folder) {
  if (process.platform === "win32") return;
  const handle = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Makes an empty file that only we may read; does not touch one that is there. Never opened otherwise than by SQLite:
 * closing any handle of a file drops this process's locks on it.
 * @param {string} name
 */
function makePrivate(name) {
  try {
    fs.closeSync(fs.openSync(name, "wx", 0o600));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
  }
}

/** @param {typeof import("@photostructure/sqlite").DatabaseSync} DatabaseSync */
function takeLock(DatabaseSync) {
  makePrivate(lockFile);
  const lock = new DatabaseSync(lockFile);
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (primaryCode(error) !== sqlite.busy) throw error;
    const why =
      `the data directory ${directory} is in use by ${readOwner()}. ` +
      "Stop that process first, or choose another data directory";
    throw new Refusal({ code: "unavailable", why });
  }
  return lock;
}

/** @param {Database} lock */
function release(lock) {
  fs.rmSync(ownerFile, { force: true });
  lock.close();
}

function writeOwner() {
  fs.rmSync(ownerFile, { force: true });
  fs.writeFileSync(ownerFile, `${process.pid}\n`, { mode: 0o600 });
}

function readOwner() {
  try {
    return `process ${Number.parseInt(fs.readFileSync(ownerFile, "utf8"), 10)}`;
  } catch {
    return "another process";
  }
}

/**
 * A file that bears the final name is complete: it is built beside it and renamed.
 * @param {typeof import("@photostructure/sqlite").DatabaseSync} DatabaseSync
 */
function createFile(DatabaseSync) {
  if (fs.existsSync(`${file}-wal`)) {
    throw new Refusal(corrupt("the database is missing although its write-ahead log is here"));
  }
  const building = `${file}.new`;
  for (const end of ["", "-journal", "-wal", "-shm"]) fs.rmSync(building + end, { force: true });
  makePrivate(building);
  const db = new DatabaseSync(building);
  db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA synchronous = EXTRA; BEGIN;
    PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion};
    CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL,
                      crc INTEGER NOT NULL, value BLOB) STRICT;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO meta VALUES ('compacted', 0), ('base_rows', 0);
    COMMIT`);
  db.close();
  fs.renameSync(building, file);
  syncDirectory(directory);
}

/** @param {typeof import("@photostructure/sqlite").DatabaseSync} DatabaseSync */
function openFile(DatabaseSync) {
  if (fs.statSync(file).size === 0) throw new Refusal(corrupt("the file is empty, which a store never is"));
  const db = new DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = ${busyMs}; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON`);
    const id = pragma(db, "application_id");
    if (id !== applicationId)
      throw new Refusal(corrupt("the file is an SQLite database of some other program"));
    const version = Number(pragma(db, "user_version"));
    if (version > formatVersion) {
      const why =
        `${file} was written by a newer release (format ${version}, this one reads up to ${formatVersion}). ` +
        "Use that release, or choose another data directory";
      throw new Refusal({ code: "unavailable", why });
    }
    if (version !== formatVersion) throw new Refusal(corrupt(`format ${version} is not known`));
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
    db.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
    const pages = Math.max(1, Math.floor(fileBytesMax / Number(pragma(db, "page_size"))));
    db.exec(`PRAGMA max_page_count = ${pages}`);
    const settings = [pragma(db, "journal_mode"), pragma(db, "synchronous")].join();
    if (settings !== "wal,2") throw new Error(`the database does not take its settings (${settings})`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whatever does not read as a store is damage, unless the disk itself fails. @param {Database} db @param {string} runtime */
function readAll(db, runtime) {
  try {
    const meta = readMeta(db);
    send({ is: "opening", compacted: meta.compacted, runtime });
    load(db, meta);
  } catch (error) {
    if (error instanceof Refusal || primaryCode(error) === sqlite.ioError) throw error;
    throw new Refusal(corrupt(`the file cannot be read as a store (${messageOf(error)})`));
  }
}

/** @param {Database} db @param {string} name */
function pragma(db, name) {
  return Object.values(/** @type {object} */ (db.prepare(`PRAGMA ${name}`).get()))[0];
}

/** @param {Database} db */
function readMeta(db) {
  const rows = db.prepare("SELECT name, value FROM meta").all();
  const meta = Object.fromEntries(rows.map((row) => [row.name, row.value]));
  const { compacted, base_rows: baseRows } = meta;
  if (!Number.isSafeInteger(compacted) || !Number.isSafeInteger(baseRows)) {
    throw new Refusal(corrupt("the table meta is incomplete"));
  }
  return { compacted: Number(compacted), baseRows: Number(baseRows) };
}

/**
 * Sends every row in revision order. Reading them all walks the whole tree, and each row has its checksum:
 * no further check of the file is needed.
 * @param {Database} db @param {{ compacted: number, baseRows: number }} meta
 */
function load(db, meta) {
  let baseRows = 0;
  let chunk = emptyChunk();
  for (const row of db
    .prepare("SELECT revision, key, created, crc, value FROM log ORDER BY revision")
    .iterate()) {
    const { revision, key, created, crc, value: stored } = /** @type {LogRow} */ (row);
    // Some releases of Node store an empty value as NULL: what tells a deletion is that nothing was created.
    const value = created === 0 ? null : (stored ?? new Uint8Array(0));
    if (checksum({ revision, key, created, value }) !== crc) {
      throw new Refusal(corrupt(`the checksum of revision ${revision} is wrong`));
    }
    if (revision <= meta.compacted) baseRows++;
    chunk.revisions.push(revision);
    chunk.keys.push(key);
    chunk.created.push(created);
    chunk.values.push(value);
    chunk.bytes += value?.byteLength ?? 0;
    if (chunk.keys.length < loadRowsMax && chunk.bytes < loadBytesMax) continue;
    sendChunk(chunk);
    chunk = emptyChunk();
  }
  sendChunk(chunk);
  if (baseRows !== meta.baseRows) {
    throw new Refusal(
      corrupt(`${baseRows} rows up to revision ${meta.compacted} instead of ${meta.baseRows}`),
    );
  }
}

/** @typedef {{ revision: number, key: string, created: number, crc: number, value: Uint8Array | null }} LogRow */
/** @typedef {{ revisions: number[], keys: string[], created: number[], values: (Uint8Array | null)[], bytes: number }} Chunk */

/** @returns {Chunk} */
function emptyChunk() {
  return { revisions: [], keys: [], created: [], values: [], bytes: 0 };
}

/** @param {Chunk} chunk */
function sendChunk(chunk) {
  const bytes = new Uint8Array(chunk.bytes);
  const sizes = new Int32Array(chunk.values.length);
  let offset = 0;
  chunk.values.forEach((value, at) => {
    sizes[at] = value === null ? -1 : value.byteLength;
    if (value === null) return;
    bytes.set(value, offset);
    offset += value.byteLength;
  });
  const rows = {
    revisions: Float64Array.from(chunk.revisions),
    keys: chunk.keys,
    created: Float64Array.from(chunk.created),
    sizes,
    bytes: bytes.buffer,
  };
  send({ is: "rows", rows }, [bytes.buffer]);
}

/** @param {string} what @returns {StorageFailure} */
function corrupt(what) {
  const why = `${what}. Restore ${file} from a backup, or move it away or choose another data directory to start afresh`;
  return { code: "corrupt", path: file, why };
}

/** @param {unknown} error @returns {StorageFailure} */
function failureOf(error) {
  if (error instanceof Refusal) return error.failure;
  const code = primaryCode(error);
  if (code === sqlite.notADatabase) return corrupt("the file is not an SQLite database");
  if (code === sqlite.corrupt) return corrupt("the file is damaged");
  return { code: "unavailable", why: whyOf(error) };
}

/** One line that names the place and, where we know it, the way out. @param {unknown} error */
function whyOf(error) {
  const message = messageOf(error);
  const code = primaryCode(error);
  const name = /** @type {NodeJS.ErrnoException} */ (error).code;
  if (code === sqlite.full || name === "ENOSPC") {
    return `no room to write ${file} (${message}). Free disk space or raise the limit, then start again`;
  }
  const refused = [sqlite.permission, sqlite.readOnly, sqlite.cannotOpen];
  if (refused.includes(code) || ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"].includes(name ?? "")) {
    return `cannot write in the data directory ${directory} (${message}). Make it writable or choose another one`;
  }
  return `${file}: ${message}`;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** SQLite's result code without its extension; 0 for other errors. @param {unknown} error */
function primaryCode(error) {
  const code = /** @type {{ errcode?: unknown }} */ (error)?.errcode;
  return typeof code === "number" ? code & 0xff : 0;
}
