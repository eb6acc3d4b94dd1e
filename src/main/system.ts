/**
 * The real clock, randomness, log and metrics: the only place that reads them from the machine.
 * Not here: their interfaces (base/).
 */
import { randomFillSync, randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type Logger, pino } from "pino";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Clock, Labels, Log, LogFields, Metrics, Random, Timer } from "../base/index.ts";

/** Node fires longer timers at once; they are split. */
const timerMaxMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => startTimer(delayMs, callback),
  soon: (callback) => void setImmediate(callback),
};

function startTimer(delayMs: number, callback: () => void): Timer {
  let left = Math.max(0, delayMs);
  let handle: NodeJS.Timeout;
  const step = (): void => {
    if (left <= timerMaxMs) {
      handle = setTimeout(callback, left);
      return;
    }
    left -= timerMaxMs;
    handle = setTimeout(step, timerMaxMs);
  };
  step();
  return { cancel: () => clearTimeout(handle) };
}

/** Random words are fetched in blocks: one system call for many numbers. */
const blockWords = 1024;

export function systemRandom(): Random {
  const words = new Uint32Array(blockWords);
  let used = blockWords;
  const next = (): number => {
    if (used === blockWords) {
      randomFillSync(words);
      used = 0;
    }
    return words[used++]! / 4294967296;
  };
  return { next, uuid: () => randomUUID() };
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Errors become their message: a stack does not help an operator, and pino prints an Error under this key as `{}`. */
function readable(error: unknown): unknown {
  return error instanceof Error ? error.message : error;
}

/** JSON lines on standard error. */
export function systemLog(level: LogLevel): Log {
  const logger: Logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: readable } },
    pino.destination({ fd: 2, sync: true }),
  );
  const write = (at: LogLevel) => (message: string, fields?: LogFields) => {
    if (fields === undefined) logger[at](message);
    else logger[at](fields, message);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

export interface SystemMetrics extends Metrics {
  /** Everything in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function systemMetrics(): SystemMetrics {
  const registry = new Registry();
  const readers = new Set<() => void>();
  const once = <T>(name: string, make: () => T): T =>
    (registry.getSingleMetric(name) as T | undefined) ?? make();
  return {
    contentType: registry.contentType,
    text: () => {
      for (const reader of readers) reader();
      return registry.metrics();
    },
    onRead: (callback) => {
      readers.add(callback);
      return () => readers.delete(callback);
    },
    counter: (name, help, labelNames = []) => {
      const made = once(name, () => new Counter({ name, help, labelNames, registers: [registry] }));
      return { add: (amount, labels: Labels = {}) => made.inc(labels, amount) };
    },
    gauge: (name, help, labelNames = []) => {
      const made = once(name, () => new Gauge({ name, help, labelNames, registers: [registry] }));
      return {
        set: (value, labels: Labels = {}) => made.set(labels, value),
        remove: (labels) => made.remove(labels),
      };
    },
    // oxlint-disable-next-line max-params -- issue 2: the signature is the seam's.
    histogram: (name, help, buckets, labelNames = []) => {
      const made = once(
        name,
        () => new Histogram({ name, help, buckets: [...buckets], labelNames, registers: [registry] }),
      );
      return { observe: (value, labels: Labels = {}) => made.observe(labels, value) };
    },
  };
}
