/**
 * What a controller has sent and its cache has not shown yet: creations by name, deletions by UID, per key.
 * A reconcile that finds its key unsatisfied must not create or delete: it would count the same pod twice.
 *
 *   expectCreations(key, 3) ─▶ create, create, create ─▶ creationReturned(key, name) / lowerCreations(key, 1)
 *   pod events ─▶ creationObserved(key, name) ─▶ satisfied when none is left
 *
 * Upstream: kubernetes pkg/controller/controller_utils.go (UIDTrackingControllerExpectations).
 * Differs: creations are identified by name. So an event that comes twice counts once, and once the API has returned our
 * names, a pod of another creator fulfils none of our expectations. A cache that is as new as a creation has seen it, or the object
 * came and went while nobody watched.
 */
import type { Clock } from "../../base/index.ts";
import { hasReached } from "../informers/resource-version.ts";

/** An expectation older than this, in ms, counts as fulfilled. A safety net. Upstream's figure. */
export const expectationsTimeoutMs = 300_000;
/** Keys kept; those set longest ago go first. Far above any number of owners, which delete their keys themselves. */
const keysMax = 100_000;
/** Names remembered per key; above any number of creations in one bulk step (250). */
const namesMax = 4096;

export interface Expectations {
  /** Overwrites what was expected of creations and restarts the time-out. */
  expectCreations(key: string, count: number): void;
  /** Overwrites what was expected of deletions and restarts the time-out. */
  expectDeletions(key: string, uids: readonly string[]): void;
  /** The API answered a create with this name and version, so only these fulfil the expectation. Optional. */
  creationReturned(key: string, name: string, resourceVersion?: string): void;
  /** The cache shows an object of this name. Counts once per name; never without a record. */
  creationObserved(key: string, name: string): void;
  /** The cache shows this UID terminating or gone, or the delete failed. Other UIDs change nothing. */
  deletionObserved(key: string, uid: string): void;
  /** `count` creations failed or were never tried. */
  lowerCreations(key: string, count: number): void;
  /**
   * True when nothing is awaited, when there is no record, and when the record is older than `expectationsTimeoutMs`.
   * @param seen the newest version that the cache has seen: creations up to it are not awaited any more.
   */
  satisfied(key: string, seen?: string): boolean;
  delete(key: string): void;
}

interface Record {
  /** Creations expected and not yet seen or given up; may become negative. */
  creations: number;
  /** Names returned by the API and not seen, with their versions; "" when unknown. */
  readonly awaited: Map<string, string>;
  /** Seen; each counts once. */
  readonly seen: Set<string>;
  readonly deletions: Set<string>;
  setAtMs: number;
}

export function createExpectations(options: { readonly clock: Clock }): Expectations {
  return new KeyedExpectations(options.clock);
}

class KeyedExpectations implements Expectations {
  readonly #clock: Clock;
  readonly #records = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expectCreations(key: string, count: number): void {
    const record = this.#renew(key);
    record.creations = count;
    record.awaited.clear();
    record.seen.clear();
  }

  expectDeletions(key: string, uids: readonly string[]): void {
    const record = this.#renew(key);
    record.deletions.clear();
    for (const uid of uids) record.deletions.add(uid);
  }

  creationReturned(key: string, name: string, resourceVersion = ""): void {
    const record = this.#records.get(key);
    if (record !== undefined && !record.seen.has(name) && record.awaited.size < namesMax)
      record.awaited.set(name, resourceVersion);
  }

  creationObserved(key: string, name: string): void {
    const record = this.#records.get(key);
    if (record === undefined || record.seen.has(name)) return;
    if (record.seen.size < namesMax) record.seen.add(name);
    record.awaited.delete(name);
    record.creations--;
  }

  deletionObserved(key: string, uid: string): void {
    this.#records.get(key)?.deletions.delete(uid);
  }

  lowerCreations(key: string, count: number): void {
    const record = this.#records.get(key);
    if (record !== undefined) record.creations -= count;
  }

  satisfied(key: string, seen = ""): boolean {
    const record = this.#records.get(key);
    if (record === undefined) return true;
    for (const [name, version] of record.awaited)
      if (hasReached(seen, version)) this.creationObserved(key, name);
    if (record.creations <= 0 && record.awaited.size === 0 && record.deletions.size === 0) return true;
    return this.#clock.monotonicMs() - record.setAtMs > expectationsTimeoutMs;
  }

  delete(key: string): void {
    this.#records.delete(key);
  }

  #renew(key: string): Record {
    const known = this.#records.get(key);
    const record = known ?? {
      creations: 0,
      awaited: new Map(),
      seen: new Set(),
      deletions: new Set(),
      setAtMs: 0,
    };
    record.setAtMs = this.#clock.monotonicMs();
    this.#records.delete(key);
    this.#records.set(key, record);
    if (this.#records.size > keysMax) this.#records.delete(this.#records.keys().next().value!);
    return record;
  }
}
