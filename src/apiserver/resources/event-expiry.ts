/**
 * Events go an hour after they were last seen, or they would fill the store.
 * Not here: how many events a source may write (client's recorder).
 */
import { type Event, events } from "../../api/index.ts";
import { type Clock, sleep } from "../../base/index.ts";
import { isConflict, isNotFound, parseTimeMs } from "../../machinery/index.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import type { Writes } from "../registry/writes.ts";
import type { ServedResources } from "../registry/served.ts";

/** Upstream's default for events. */
const eventLifeMs = 60 * 60_000;
/** Between looks; an event may live this much longer. */
const lookEveryMs = 5 * 60_000;
/** Removals at the same time: enough for one commit of the store. */
const parallel = 64;

/** Runs until the signal aborts; rejects when the store fails. */
export async function expireEvents(
  writes: Writes,
  served: ServedResources,
  life: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, signal } = life;
  const target = served.of(events);
  const written = new WrittenSince(target.cache.lastChange);
  const writer = { user: { username: "system:apiserver", groups: ["system:masters"] }, isDryRun: false };
  // Only the state that was looked at: an event that was seen again meanwhile stays.
  const expire = async (state: StoredObject): Promise<void> => {
    try {
      await writes.remove(target, state, { writer });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  };
  for (;;) {
    try {
      await sleep(clock, lookEveryMs, signal);
    } catch {
      return;
    }
    const nowMs = clock.nowMs();
    const before = nowMs - eventLifeMs;
    written.note(nowMs, target.cache.lastChange);
    const oldest = written.upTo(before);
    const states = target.cache
      .candidates({})
      .filter((state) => state.revision <= oldest && lastSeenMs(state.object as Event) < before);
    for (let from = 0; from < states.length; from += parallel) {
      await Promise.all(states.slice(from, from + parallel).map((state) => expire(state)));
    }
  }
}

/** Up to which revision all was written before a moment: younger events need not be read to know that they stay. */
class WrittenSince {
  #revision: number;
  #samples: { readonly atMs: number; readonly revision: number }[] = [];

  /** What was there at the start may be of any age. */
  constructor(revisionAtStart: number) {
    this.#revision = revisionAtStart;
  }

  note(atMs: number, revision: number): void {
    this.#samples.push({ atMs, revision });
  }

  upTo(beforeMs: number): number {
    const young = this.#samples.findIndex(({ atMs }) => atMs > beforeMs);
    const old = this.#samples.splice(0, young < 0 ? this.#samples.length : young);
    this.#revision = Math.max(this.#revision, ...old.map(({ revision }) => revision));
    return this.#revision;
  }
}

/** The newest of the times that an event tells. */
function lastSeenMs(event: Event): number {
  const { metadata, eventTime, lastTimestamp, firstTimestamp, series } = event;
  const times = [
    metadata.creationTimestamp,
    eventTime,
    lastTimestamp,
    firstTimestamp,
    series?.lastObservedTime,
  ];
  return Math.max(0, ...times.map((time) => (time ? (parseTimeMs(time) ?? 0) : 0)));
}
