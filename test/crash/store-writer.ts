/**
 * The process that writes until it is killed: several writers at once, and each call is printed before it is made.
 * Arguments: directory, seed, number of writers. All calls are made here, so the revision of each is known beforehand.
 */
import { writeSync } from "node:fs";
import { type Clock, type Random, seededRandom, silentLog } from "../../src/base/index.ts";
import { openSqliteStore, type EmbeddedStore } from "../../src/storage/index.ts";
import { valueOf } from "./store-script.ts";

const keysPerWriter = 40;
/** Unanswered calls of a writer before it waits. */
const callsUnansweredMax = 16;

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (callback) => void setImmediate(callback),
};

function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      // The pipe is full until the parent reads on.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

class Writers {
  readonly #store: EmbeddedStore;
  readonly #random: Random;
  /** modRevision of every key that exists after all calls made so far. */
  readonly #heads = new Map<string, number>();
  #next: number;

  constructor(store: EmbeddedStore, random: Random) {
    this.#store = store;
    this.#random = random;
    this.#next = store.currentRevision() + 1;
  }

  async run(writers: number): Promise<void> {
    for (const item of (await this.#store.list({ prefix: "" })).items)
      this.#heads.set(item.key, item.modRevision);
    await Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)));
  }

  async #write(writer: number): Promise<void> {
    for (;;) {
      const calls = 1 + Math.floor(this.#random.next() * callsUnansweredMax);
      await Promise.all(Array.from({ length: calls }, () => this.#call(writer)));
      if (this.#random.next() < 0.02) await this.#compact();
    }
  }

  async #call(writer: number): Promise<void> {
    const key = `/crash/${writer}/${Math.floor(this.#random.next() * keysPerWriter)}`;
    const head = this.#heads.get(key);
    const isDelete = head !== undefined && this.#random.next() < 0.3;
    const revision = this.#next++;
    say(`issue ${revision} ${isDelete ? "delete" : "put"} ${key}`);
    const call = isDelete
      ? this.#store.delete(key, head)
      : head === undefined
        ? this.#store.create(key, valueOf(revision, key))
        : this.#store.update(key, valueOf(revision, key), head);
    if (isDelete) this.#heads.delete(key);
    else this.#heads.set(key, revision);
    const answered = await call;
    if (answered !== revision) throw new Error(`revision ${answered} instead of ${revision}`);
    say(`ack ${revision}`);
  }

  async #compact(): Promise<void> {
    const to = Math.max(0, this.#store.currentRevision() - Math.floor(this.#random.next() * 400));
    say(`compact ${to}`);
    await this.#store.compact(to);
  }
}

const [directory = "", seed = "0", writers = "4"] = process.argv.slice(2);
say("start");
const store = await openSqliteStore({ directory, clock, log: silentLog });
say("open");
await new Writers(store, seededRandom(Number(seed))).run(Number(writers));
