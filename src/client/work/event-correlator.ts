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

/** One Event object that we write. There may be thousands, so what the next occurrence tells again is not remembered. */
export interface Observation {
  readonly name: string;
  readonly namespace: string;
  readonly firstMs: number;
  count: number;
  /** As it is to be written; absent when nothing is to be written. */
  event: Event | undefined;
  /** Whether the server has it, as far as we know. */
  isWritten: boolean;
}

interface Source {
  /** Keys of what it tells begin with this very string, which they share. */
  readonly key: string;
  readonly bucket: TokenBucket;
}

interface Similar {
  /** The first message; nearly always the only one. */
  readonly message: string;
  /** All messages once there is another one. */
  messages: Set<string> | undefined;
  lastMs: number;
}

export class EventCorrelator {
  readonly #component: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sources = new Lru<Source>(memoryMax);
  readonly #similar = new Lru<Similar>(memoryMax);
  readonly #observed = new Lru<Observation>(memoryMax);
  #lastStamp = 0n;

  constructor(component: string, clock: Clock, random: Random) {
    this.#component = component;
    this.#clock = clock;
    this.#random = random;
  }

  /** @returns what must be written now, with its event; or undefined when the event is dropped as spam. */
  observe(occurrence: Occurrence): Observation | undefined {
    const source = this.#source(keyOfObject(occurrence));
    const { key, message } = this.#aggregate(source.key, occurrence);
    const observation = this.#count(key, occurrence);
    if (!source.bucket.tryTake()) return undefined;
    observation.event = this.#make(observation, { ...occurrence, message });
    return observation;
  }

  #source(key: string): Source {
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const source = { key, bucket: new TokenBucket(spamBucket, this.#clock) };
    this.#sources.set(key, source);
    return source;
  }

  #aggregate(sourceKey: string, occurrence: Occurrence): { readonly key: string; readonly message: string } {
    const { about, type, reason, message } = occurrence;
    const similarKey = sourceKey + ["", about.fieldPath ?? "", type, reason, ""].join("\n");
    const now = this.#clock.monotonicMs();
    let similar = this.#similar.get(similarKey);
    if (similar === undefined || now - similar.lastMs > similarWindowMs)
      similar = { message, messages: undefined, lastMs: now };
    if (message !== similar.message) (similar.messages ??= new Set([similar.message])).add(message);
    similar.lastMs = now;
    this.#similar.set(similarKey, similar);
    if ((similar.messages?.size ?? 1) < similarEventsMax) return { key: similarKey + message, message };
    similar.messages!.delete(message);
    return { key: similarKey, message: `${combinedPrefix}${message}` };
  }

  #count(key: string, { about }: Occurrence): Observation {
    const known = this.#observed.get(key);
    if (known !== undefined) {
      known.count++;
      return known;
    }
    const observation = {
      name: this.#name(about.name ?? ""),
      namespace: about.namespace || "default",
      firstMs: this.#clock.nowMs(),
      count: 1,
      event: undefined,
      isWritten: false,
    };
    this.#observed.set(key, observation);
    return observation;
  }

  #make({ name, namespace, firstMs, count }: Observation, occurrence: Occurrence): Event {
    const { host, about, type, reason, message } = occurrence;
    const component = this.#component;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: about,
      reason,
      message,
      type,
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? "",
      firstTimestamp: formatTime(firstMs),
      lastTimestamp: formatTime(this.#clock.nowMs()),
      count,
    };
  }

  /** `<object>.<hex nanoseconds>`. Our clock gives milliseconds; the rest is random and never the same twice. */
  #name(objectName: string): string {
    const drawn =
      BigInt(Math.floor(this.#clock.nowMs())) * 1_000_000n + BigInt(Math.floor(this.#random.next() * 1e6));
    this.#lastStamp = drawn > this.#lastStamp ? drawn : this.#lastStamp + 1n;
    return [objectName.slice(0, namePrefixMax), this.#lastStamp.toString(16)].join(".");
  }
}

/** Joins with line ends, which names, uids, kinds and hosts do not contain. */
function keyOfObject({ host, about }: Occurrence): string {
  const { kind, namespace, name, uid, apiVersion } = about;
  // Joined, since a template would keep all its pieces.
  return [host, kind, namespace, name, uid, apiVersion].join("\n");
}
