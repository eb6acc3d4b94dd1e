/**
 * Writes Events about objects. The caller never waits and never fails.
 *
 *   event() ─▶ correlate (event-correlator.ts) ─▶ bounded queue ─▶ a few writers ─▶ POST, later PATCH of the count
 *
 * One writer at a time writes an Event object. Its changes meanwhile are written as one further PATCH. A namespace that is
 * being deleted takes no new events; what happens in it is not sent for a while after the first refusal.
 * Not promised: that an event arrives. Upstream: client-go tools/record/event.go.
 */
import { type Event, events, type ObjectReference } from "../../api/index.ts";
import { type Clock, type Log, type Random, sleep, Fifo } from "../../base/index.ts";
import { hasStatusCause, isAlreadyExists, isNotFound, type KubeObject } from "../../machinery/index.ts";
import type { Client } from "../transport/client.ts";
import { DroppedEvents } from "./dropped-events.ts";
import { EventCorrelator, type EventType, type Observation, type Occurrence } from "./event-correlator.ts";
import { RefusedNamespaces } from "./refused-namespaces.ts";

/** Event objects that wait to be written, by default as many as the correlator remembers. Beyond that events are dropped. */
export const queuedEventsMax = 4096;
/** Writes at once by default: enough to hide the latency of a commit, too few to delay other writes. */
const writersMax = 8;
/** Tries of one write when the server cannot be reached, and ms between them. Upstream's figures. */
const attemptsMax = 12;
const retryMs = 10_000;
const terminatingCause = "NamespaceTerminating";

export interface EventBroadcasterOptions {
  readonly client: Client;
  /** E.g. `daemonset-controller`. */
  readonly component: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** When it aborts, nothing more is written. */
  readonly signal?: AbortSignal;
  /** The defaults suit one component. A broadcaster for thousands of hosts needs more. */
  readonly writersMax?: number;
  readonly queuedEventsMax?: number;
}

export interface EventRecorderOptions extends EventBroadcasterOptions {
  /** Node name, for agents. */
  readonly host?: string;
}

export interface EventRecorder {
  /** `about` is an object with apiVersion and kind, or a reference. Returns at once, never throws. */
  event(about: KubeObject | ObjectReference, type: EventType, reason: string, message: string): void;
  /** Resolves when every event has been written or given up. */
  flush(): Promise<void>;
}

/** One correlator, one queue and one set of writers for the recorders of many hosts. */
export interface EventBroadcaster {
  recorderFor(host: string | undefined): EventRecorder;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Broadcaster(options).recorderFor(options.host);
}

export function createEventBroadcaster(options: EventBroadcasterOptions): EventBroadcaster {
  return new Broadcaster(options);
}

class Broadcaster implements EventBroadcaster {
  readonly #options: EventBroadcasterOptions;
  readonly #writersMax: number;
  readonly #queuedMax: number;
  readonly #correlator: EventCorrelator;
  readonly #queue = new Fifo<Observation>();
  /** Waiting or being written. */
  readonly #pending = new Set<Observation>();
  /** Being written, and changed since the write began. */
  readonly #changed = new Set<Observation>();
  readonly #inFlight = new Set<Observation>();
  readonly #dropped: DroppedEvents;
  readonly #refusedNamespaces: RefusedNamespaces;
  #idle: (() => void)[] = [];

  constructor(options: EventBroadcasterOptions) {
    this.#options = options;
    this.#writersMax = options.writersMax ?? writersMax;
    this.#queuedMax = options.queuedEventsMax ?? queuedEventsMax;
    this.#correlator = new EventCorrelator(options.component, options.clock, options.random);
    this.#dropped = new DroppedEvents(options);
    this.#refusedNamespaces = new RefusedNamespaces(options.clock);
  }

  recorderFor(host: string | undefined): EventRecorder {
    return {
      // oxlint-disable-next-line max-params -- client-go's order, which every controller's author knows (#2)
      event: (about, type, reason, message) =>
        this.#event({ host, about: referenceTo(about), type, reason, message }),
      flush: () => this.#flush(),
    };
  }

  #event(occurrence: Occurrence): void {
    if (this.#options.signal?.aborted) return;
    const observation = this.#correlator.observe(occurrence);
    if (observation === undefined) return;
    if (this.#inFlight.has(observation)) this.#changed.add(observation);
    else this.#enqueue(observation);
  }

  #flush(): Promise<void> {
    return this.#pending.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #enqueue(observation: Observation): void {
    if (this.#pending.has(observation)) return;
    if (this.#queue.size >= this.#queuedMax) {
      this.#dropped.add();
      observation.event = undefined;
      return;
    }
    this.#pending.add(observation);
    this.#queue.push(observation);
    if (this.#inFlight.size < this.#writersMax) queueMicrotask(() => this.#startWriters());
  }

  #startWriters(): void {
    while (this.#inFlight.size < this.#writersMax && this.#queue.size > 0)
      void this.#write(this.#queue.shift()!);
  }

  /** Never rejects. */
  async #write(observation: Observation): Promise<void> {
    this.#inFlight.add(observation);
    do {
      this.#changed.delete(observation);
      await this.#persist(observation);
    } while (this.#changed.has(observation) && !this.#options.signal?.aborted);
    observation.event = undefined;
    this.#inFlight.delete(observation);
    this.#pending.delete(observation);
    this.#startWriters();
    if (this.#pending.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #persist(observation: Observation): Promise<void> {
    const { clock, log, random, signal } = this.#options;
    const { namespace } = observation;
    for (let attempt = 1; attempt <= attemptsMax && !signal?.aborted; attempt++) {
      if (!observation.isWritten && this.#refusedNamespaces.has(namespace)) return;
      try {
        await this.#send(observation);
        return;
      } catch (error) {
        if (isRefusal(error)) {
          if (hasStatusCause(error, terminatingCause)) this.#refusedNamespaces.add(namespace);
          if (!isSilentRefusal(error)) log.warn("event rejected", { name: observation.name, error });
          return;
        }
        if (signal?.aborted) return;
        log.debug("event not written yet", { name: observation.name, error, attempt });
      }
      const pauseMs = attempt === 1 ? retryMs * random.next() : retryMs;
      await sleep(clock, pauseMs, signal).catch(() => {});
    }
  }

  async #send(observation: Observation): Promise<void> {
    const { client, signal } = this.#options;
    const event = observation.event!;
    const options = signal === undefined ? {} : { signal };
    if (observation.isWritten) {
      const { namespace, name } = observation;
      const { count, lastTimestamp, message } = event;
      try {
        await client.patch(
          events,
          { namespace, name },
          { type: "strategic", body: { count, lastTimestamp, message } },
          options,
        );
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    await client.create<Event>(events, event, options);
    observation.isWritten = true;
  }
}

/** The server has refused the event: trying again would get the same answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === "StatusError";
}

/** Refusals that are not logged: the namespace is being deleted, or the event exists already. */
function isSilentRefusal(error: unknown): boolean {
  return isAlreadyExists(error) || hasStatusCause(error, terminatingCause);
}

function referenceTo(about: KubeObject | ObjectReference): ObjectReference {
  if (!("metadata" in about)) return about;
  const { name, namespace, uid, resourceVersion } = about.metadata;
  return {
    kind: about.kind ?? "",
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(about.apiVersion === undefined ? {} : { apiVersion: about.apiVersion }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
