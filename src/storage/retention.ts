/**
 * Decides how far history may be forgotten: by age, by number and by size.
 * Not here: the forgetting itself (journaled-store.ts). Ages are counted in this process's monotonic time, so
 * after a restart everything that was kept counts as fresh: never too little is kept, and a clock change does nothing.
 */
import type { Mvcc } from "./mvcc.ts";

export interface Retention {
  /** History younger than this is kept. Default 5 minutes, as upstream compacts etcd. */
  readonly minMs: number;
  /** At least this many revisions are kept, however old. Default 10,000. */
  readonly minRevisions: number;
  /** Above this, history is forgotten early, down to `minRevisions`: the only bound on memory under heavy writing. */
  readonly historyBytesMax: number;
}

export const defaultRetention: Retention = {
  minMs: 5 * 60_000,
  minRevisions: 10_000,
  /** 512 MiB: five minutes of 15,000 nodes with their Leases (about 100 MiB by calculation), with room for roll-outs. */
  historyBytesMax: 512 * 1024 * 1024,
};

/** How often age is looked at; history may stay this much longer than asked. */
export const retentionPeriodMs = 15_000;

export class RetentionPolicy {
  readonly #retention: Retention;
  /** Revision at past moments, ascending: at most one per period until it is old enough. */
  #samples: { readonly atMs: number; readonly revision: number }[] = [];

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  /** Notes the present and @returns the revision up to which history may be forgotten now. */
  due(core: Mvcc, nowMs: number): number {
    const { minMs, minRevisions } = this.#retention;
    this.#samples.push({ atMs: nowMs, revision: core.currentRevision });
    let byAge = core.compactedRevision;
    const firstYoung = this.#samples.findIndex((sample) => sample.atMs > nowMs - minMs);
    const old = firstYoung < 0 ? this.#samples : this.#samples.slice(0, firstYoung);
    if (old.length > 0) {
      byAge = old[old.length - 1]!.revision;
      this.#samples = this.#samples.slice(old.length - 1);
    }
    const byNumber = core.currentRevision - minRevisions;
    return Math.max(core.compactedRevision, Math.min(byAge, byNumber), this.dueForSize(core));
  }

  /** The revision up to which history must be forgotten because of its size; `compactedRevision` when it is small enough. */
  dueForSize(core: Mvcc): number {
    const { historyBytesMax, minRevisions } = this.#retention;
    if (core.historyBytes <= historyBytesMax) return core.compactedRevision;
    return core.revisionForHistory(historyBytesMax * 0.75, core.currentRevision - minRevisions);
  }
}
