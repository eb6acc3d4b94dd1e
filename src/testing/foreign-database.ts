/**
 * Data that several servers and others share, as etcd keeps it: keys, values, and transactions that change several keys at one
 * revision. It shares no code with our stores, so that it does not share their mistakes.
 *
 *   revision 8: [/a = 1]   9: [/a = 2, /b deleted]   10: [/c = 1] ...      a number each, however many changes
 *
 * Not here: the way to it (foreign-store.ts). O(keys) a read: for tests only.
 */

export interface ForeignChange {
  readonly key: string;
  /** Absent: the key is deleted. */
  readonly value?: Uint8Array;
}

/** The condition of a transaction: the key is at this revision; 0: the key does not exist. */
export interface ForeignGuard {
  readonly key: string;
  readonly modRevision: number;
}

/** What a key became at a revision. */
export interface ForeignRow {
  readonly key: string;
  readonly revision: number;
  /** Absent for a deletion. */
  readonly value: Uint8Array | undefined;
  /** Revision at which its present life began. */
  readonly createRevision: number;
  readonly before: ForeignRow | undefined;
}

/** A new etcd is at 1. Any number but 0 exposes code that takes revisions for the number of writes. */
const firstRevision = 7;

export class ForeignDatabase {
  #revision = firstRevision;
  #oldest = firstRevision;
  /** The rows of revision r at r - firstRevision - 1. */
  readonly #log: (readonly ForeignRow[])[] = [];
  readonly #newest = new Map<string, ForeignRow>();
  readonly #listeners = new Set<() => void>();

  get revision(): number {
    return this.#revision;
  }

  /** Older states cannot be read. */
  get oldest(): number {
    return this.#oldest;
  }

  /**
   * Makes all changes at one new revision, if the guard holds.
   * @returns the revision, or what the guarded key is instead.
   */
  transact(
    changes: readonly ForeignChange[],
    guard?: ForeignGuard,
  ): { readonly revision: number } | { readonly actual: ForeignRow | undefined } {
    if (guard !== undefined) {
      const actual = this.newest(guard.key);
      if ((actual?.revision ?? 0) !== guard.modRevision) return { actual };
    }
    const revision = ++this.#revision;
    const rows: ForeignRow[] = [];
    for (const { key, value } of changes) {
      const before = this.#newest.get(key);
      const createRevision = before?.value === undefined ? revision : before.createRevision;
      const row = { key, revision, value: value && Uint8Array.from(value), createRevision, before };
      // A deletion of nothing changes nothing, as in etcd.
      if (value === undefined && before?.value === undefined) continue;
      this.#newest.set(key, row);
      rows.push(row);
    }
    this.#log.push(rows);
    for (const listener of this.#listeners) listener();
    return { revision };
  }

  /** The row of a key that exists. */
  newest(key: string): ForeignRow | undefined {
    const row = this.#newest.get(key);
    return row?.value === undefined ? undefined : row;
  }

  /** The keys that existed at a revision, in byte order. */
  at(revision: number, prefix: string): readonly ForeignRow[] {
    const rows: ForeignRow[] = [];
    for (const newest of this.#newest.values()) {
      let row: ForeignRow | undefined = newest;
      while (row !== undefined && row.revision > revision) row = row.before;
      if (row?.value !== undefined && row.key.startsWith(prefix)) rows.push(row);
    }
    return rows.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  /** The changes of each revision after this one, in order; some may be empty. */
  after(revision: number): readonly (readonly ForeignRow[])[] {
    return this.#log.slice(Math.max(0, revision - firstRevision));
  }

  /** Drops the history up to `revision`. */
  compact(revision: number): void {
    this.#oldest = Math.max(this.#oldest, revision);
  }

  /** Calls `listener` after each transaction. @returns a function that removes it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
