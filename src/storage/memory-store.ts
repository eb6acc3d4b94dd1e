/**
 * The `Store` that forgets everything when the process ends: for tests, simulation and throw-away clusters.
 * Writes become visible in a microtask of their own, so nobody can come to rely on seeing them earlier.
 */
import type { Clock } from "../base/index.ts";
import type { Journal, JournalListener } from "./journal.ts";
import { JournaledStore } from "./journaled-store.ts";
import { Mvcc, type Version } from "./mvcc.ts";
import type { Retention } from "./retention.ts";
import type { EmbeddedStore } from "./store.ts";

export interface MemoryStoreOptions {
  /** Drives compaction; without it history is kept until `compact` is called. */
  readonly clock?: Clock;
  readonly retention?: Partial<Retention>;
}

class NoJournal implements Journal {
  #listener: JournalListener | undefined;
  #appended = 0;
  #isScheduled = false;

  listen(listener: JournalListener): void {
    this.#listener = listener;
  }

  append(version: Version): void {
    this.#appended = version.revision;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#listener?.committed(this.#appended);
    });
  }

  hurry(): void {}

  async compact(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Keeps nothing over a restart. For tests, simulation and programs that embed a server. @public */
export function createMemoryStore(options: MemoryStoreOptions = {}): EmbeddedStore {
  return new JournaledStore({ ...options, core: new Mvcc(), journal: new NoJournal() });
}
