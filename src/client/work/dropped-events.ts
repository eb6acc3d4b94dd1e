/**
 * Counts events that were dropped because too many waited, and says it once a minute: thousands are dropped in a second.
 * Not here: which ones are dropped (event-recorder.ts).
 */
import type { Clock, Log, Timer } from "../../base/index.ts";

/** From the first one that is dropped. */
const sayAfterMs = 60_000;

export interface DroppedEventsOptions {
  readonly component: string;
  readonly clock: Clock;
  readonly log: Log;
  /** When it aborts, what was counted is said at once. */
  readonly signal?: AbortSignal;
}

export class DroppedEvents {
  readonly #options: DroppedEventsOptions;
  #count = 0;
  #timer: Timer | undefined;
  readonly #say = (): void => {
    const { component, log, signal } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    signal?.removeEventListener("abort", this.#say);
    log.warn("events dropped, too many were waiting", { component, count: this.#count });
    this.#count = 0;
  };

  constructor(options: DroppedEventsOptions) {
    this.#options = options;
  }

  add(): void {
    this.#count++;
    if (this.#timer !== undefined) return;
    this.#timer = this.#options.clock.after(sayAfterMs, this.#say);
    this.#options.signal?.addEventListener("abort", this.#say);
  }
}
