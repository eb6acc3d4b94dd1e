/**
 * Logging and metrics as parameters. Not here: pino and prom-client (main/system.ts).
 */

export type LogFields = Readonly<Record<string, unknown>>;

/** The message is a constant; what varies goes into fields. Never pass secrets. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount: number, labels?: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Removes the series of these labels, when what it describes is gone. */
  remove(labels: Labels): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Names end in their unit (`_seconds`, `_bytes`, `_total`); each name is made once per registry. */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames?: readonly string[],
  ): Histogram;
  /**
   * Calls `callback` before each scrape, so that a gauge may be set only then.
   * @returns a function that removes the callback.
   */
  onRead(callback: () => void): () => void;
}

const nothing = { add() {}, set() {}, remove() {}, observe() {} };
export const silentMetrics: Metrics = {
  counter: () => nothing,
  gauge: () => nothing,
  histogram: () => nothing,
  onRead: () => () => {},
};
