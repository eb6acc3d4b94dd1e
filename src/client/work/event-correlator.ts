/**
 * Decides how an event is written: as a new Event object, as one more count of an earlier one, as part of a combined one,
 * or not at all because its source makes too many. No I/O.
 * Upstream: client-go tools/record/events_cache.go (EventCorrelator); figures and order of the steps are its defaults.
 */
import type { Clock, Random } from "../../base/index.ts";
import type { Event, ObjectReference } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { Lru } from "./lru.ts";
import { type BucketFigures, TokenBucket } from "./token-bucket.ts";

/** Entries of each LRU (spam buckets, similar events, counts); upstream's figure. */
const memoryMax = 4096;
/** The tenth different message of one kind within the window is combined with those that follow. Upstream's figure. */
const similarEventsMax = 10;
/** Events further apart than this are not similar, in ms. Upstream's figure. */
const similarWindowMs = 600_000;
/** Events of one source about one object: 25 at once, then one every 5 minutes. Upstream's figures. */
const spamBucket: BucketFigures = { perSecond: 1 / 300, burst: 25 };
/** Names of objects have at most 253 characters; a dot and 16 hex digits follow. */
const namePrefixMax = 253 - 17;
const combinedPrefix = "(combined from similar events): ";

export type EventType = "Normal" | "Warning";

export interface Occurrence {
  /** Node name, when the source is an agent. */
  readonly host: string | undefined;
  readonly about: ObjectReference;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

/** One Event object that we wrote. `count`, `lastTimestamp` and `message` change. */
export interface Observation {
  event: Event;
  /** Whether the server has it, as far as we know. */
  isWritten: boolean;
}

interface Similar {
  readonly messages: Set<string>;
  lastMs: number;
}

export class EventCorrelator {
  readonly #component: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #buckets = new Lru<TokenBucket>(memoryMax);
  readonly #similar = new Lru<Similar>(memoryMax);
  readonly #observed = new Lru<Observation>(memoryMax);
  #lastStamp = 0n;

  constructor(component: string, clock: Clock, random: Random) {
    this.#component = component;
    this.#clock = clock;
    this.#random = random;
  }

  /** @returns what must be written now, or undefined when the event is dropped as spam. */
  observe(occurrence: Occurrence): Observation | undefined {
    const objectKey = keyOfObject(occurrence);
    const { key, message } = this.#aggregate(objectKey, occurrence);
    const observation = this.#count(key, { ...occurrence, message });
    return this.#bucket(objectKey).tryTake() ? observation : undefined;
  }

  #aggregate(objectKey: string, occurrence: Occurrence): { readonly key: string; readonly message: string } {
    const { about, type, reason, message } = occurrence;
    const similarKey = `${objectKey}\n${about.fieldPath ?? ""}\n${type}\n${reason}`;
    const now = this.#clock.monotonicMs();
    let similar = this.#similar.get(similarKey);
    if (similar === undefined || now - similar.lastMs > similarWindowMs)
      similar = { messages: new Set(), lastMs: now };
    similar.messages.add(message);
    similar.lastMs = now;
    this.#similar.set(similarKey, similar);
    if (similar.messages.size < similarEventsMax) return { key: `${similarKey}\n${message}`, message };
    similar.messages.delete(message);
    return { key: similarKey, message: `${combinedPrefix}${message}` };
  }

  #count(key: string, occurrence: Occurrence): Observation {
    const known = this.#observed.get(key);
    if (known === undefined) {
      const observation = { event: this.#make(occurrence), isWritten: false };
      this.#observed.set(key, observation);
      return observation;
    }
    known.event = {
      ...known.event,
      count: (known.event.count ?? 1) + 1,
      lastTimestamp: formatTime(this.#clock.nowMs()),
      message: occurrence.message,
    };
    return known;
  }

  #bucket(key: string): TokenBucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(spamBucket, this.#clock);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #make(occurrence: Occurrence): Event {
    const { host, about, type, reason, message } = occurrence;
    const component = this.#component;
    const time = formatTime(this.#clock.nowMs());
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: this.#name(about.name ?? ""), namespace: about.namespace || "default" },
      involvedObject: about,
      reason,
      message,
      type,
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? "",
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }

  /** `<object>.<hex nanoseconds>`. Our clock gives milliseconds; the rest is random and never the same twice. */
  #name(objectName: string): string {
    const drawn =
      BigInt(Math.floor(this.#clock.nowMs())) * 1_000_000n + BigInt(Math.floor(this.#random.next() * 1e6));
    this.#lastStamp = drawn > this.#lastStamp ? drawn : this.#lastStamp + 1n;
    return `${objectName.slice(0, namePrefixMax)}.${this.#lastStamp.toString(16)}`;
  }
}

/** Joins with line ends, which names, uids, kinds and hosts do not contain. */
function keyOfObject({ host, about }: Occurrence): string {
  const { kind, namespace, name, uid, apiVersion } = about;
  return `${host ?? ""}\n${kind ?? ""}\n${namespace ?? ""}\n${name ?? ""}\n${uid ?? ""}\n${apiVersion ?? ""}`;
}
