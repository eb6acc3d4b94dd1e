/**
 * Events go an hour after they were last seen, or they would fill the store.
 * Not here: how many events a source may write (client's recorder), removing them (registry/expiry.ts).
 */
import type { Event } from "../../../api/index.ts";
import { parseTimeMs } from "../../../machinery/index.ts";
import type { Expiry } from "../../registry/definition.ts";

/** Upstream's default for events. */
const eventLifeMs = 60 * 60_000;

export const eventExpiry: Expiry = {
  lifeMs: eventLifeMs,
  /** The newest of the times that an event tells. */
  lastSeenMs(object) {
    const { metadata, eventTime, lastTimestamp, firstTimestamp, series } = object as Event;
    const times = [
      metadata.creationTimestamp,
      eventTime,
      lastTimestamp,
      firstTimestamp,
      series?.lastObservedTime,
    ];
    return Math.max(0, ...times.map((time) => (time ? (parseTimeMs(time) ?? 0) : 0)));
  },
};
