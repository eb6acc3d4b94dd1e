/**
 * Token bucket that can go into debt: `burst` at once, then `perSecond`. As golang.org/x/time/rate's Reserve and Allow.
 * Not here: waiting; callers get the delay.
 */
import type { Clock } from "../../base/index.ts";

export interface BucketFigures {
  /** Tokens that come back each second; Infinity means no limit. */
  readonly perSecond: number;
  /** Tokens in a full bucket. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #figures: BucketFigures;
  readonly #clock: Clock;
  #tokens: number;
  #filledAtMs: number;

  constructor(figures: BucketFigures, clock: Clock) {
    this.#figures = figures;
    this.#clock = clock;
    this.#tokens = figures.burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Takes a token, on credit if there is none. @returns how long to wait before it may be used. */
  reserveMs(): number {
    if (this.#figures.perSecond === Infinity) return 0;
    this.#fill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#figures.perSecond) * 1000;
  }

  /** Takes a token if one is there. */
  tryTake(): boolean {
    if (this.#figures.perSecond === Infinity) return true;
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #fill(): void {
    const now = this.#clock.monotonicMs();
    const gained = ((now - this.#filledAtMs) / 1000) * this.#figures.perSecond;
    this.#tokens = Math.min(this.#figures.burst, this.#tokens + gained);
    this.#filledAtMs = now;
  }
}
