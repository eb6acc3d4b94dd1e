/**
 * REFERENCE, not shipped: upstream's memory between syncs: counting expectations and the back-off of failed pods.
 * From docs/spec/daemonset-controller.md#9.1 and #10; shares nothing with src/controllers/daemonset. See controller.ts.
 */
import type { Clock } from "../../src/base/index.ts";

const expectationsTimeoutMs = 5 * 60_000;
const backoffFirstMs = 1_000;
const backoffMaxMs = 15 * 60_000;

/** Two counters and a time per key. */
export class CountingExpectations {
  readonly #clock: Clock;
  readonly #records = new Map<string, { creates: number; deletes: number; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(key: string, creates: number, deletes: number): void {
    this.#records.set(key, { creates, deletes, atMs: this.#clock.monotonicMs() });
  }

  lower(key: string, creates: number, deletes: number): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    record.creates -= creates;
    record.deletes -= deletes;
  }

  satisfied(key: string): boolean {
    const record = this.#records.get(key);
    if (record === undefined || (record.creates <= 0 && record.deletes <= 0)) return true;
    return this.#clock.monotonicMs() - record.atMs > expectationsTimeoutMs;
  }

  delete(key: string): void {
    this.#records.delete(key);
  }
}

export class PodBackoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly delayMs: number; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The whole current delay while the key is in back-off, else undefined. */
  delayMs(key: string): number | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#clock.monotonicMs() - entry.atMs < entry.delayMs
      ? entry.delayMs
      : undefined;
  }

  next(key: string): void {
    const atMs = this.#clock.monotonicMs();
    const entry = this.#entries.get(key);
    const isFresh = entry === undefined || atMs - entry.atMs > 2 * backoffMaxMs;
    this.#entries.set(key, {
      atMs,
      delayMs: isFresh ? backoffFirstMs : Math.min(2 * entry.delayMs, backoffMaxMs),
    });
  }

  sweep(): void {
    for (const [key, { atMs }] of this.#entries)
      if (this.#clock.monotonicMs() - atMs > 2 * backoffMaxMs) this.#entries.delete(key);
  }
}
