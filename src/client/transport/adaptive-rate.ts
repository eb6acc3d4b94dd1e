/**
 * How many calls a second a server can take, learnt from its answers: additive increase, multiplicative decrease.
 *
 *   quick answers while calls wait ─▶ faster: doubling until the first slowdown, then by a step each window
 *   429, or 503 with Retry-After   ─▶ half, at most once a window
 *   median of writes grows         ─▶ four fifths: a queue builds up somewhere, and more calls only make it longer
 *
 * Not here: waiting (rate-limited-transport.ts). Upstream has a fixed rate (client-go: 20/s in the controller manager).
 */

/** Calls a second at the start: above upstream's 20 for all of its controllers, harmless to the smallest server. */
const startPerSecond = 50;
/** Never slower than this, calls a second, however often the server refuses: leases and status must get through. */
export const perSecondMin = 2;
/** Never faster by default, calls a second: a server with usual settings answers about this many writes. */
const perSecondMaxDefault = 1_000;
/** One decision per window, in ms: long enough for a write's answer, short enough to matter in a roll-out. */
const windowMs = 1_000;
/** Added per healthy window after the first slowdown, calls a second: 0 to 1,000 in 40 s. */
const stepPerSecond = 25;
/** Factor after a refusal. TCP's figure. */
const refusedFactor = 0.5;
/** Factor after a window of slow answers. Gentler, since slow answers are only a sign of overload. */
const slowFactor = 0.8;
/** A median this many times the usual one, and this many ms above it, is slow. Noise of quick servers stays below. */
const slowRatio = 2;
const slowMarginMs = 20;
/** Samples that a median needs; a window with fewer changes nothing. */
const samplesMin = 5;
/** Samples kept per window; later ones are not needed for a median. */
const samplesMax = 512;
/** The usual median may grow by this part of itself per window, so that one very quick window does not stand for ever. */
const usualDrift = 0.02;

export type SlowdownReason = "refused" | "slow";

export interface AdaptiveRateOptions {
  readonly perSecondMax?: number;
  readonly startPerSecond?: number;
}

/** Has no timers: callers pass the time, and read the rate. */
export class AdaptiveRate {
  readonly #perSecondMax: number;
  #perSecond: number;
  #windowStartMs: number;
  #samples: number[] = [];
  #hasWaited = false;
  #hasRefused = false;
  /** The rate doubles until the first slowdown. */
  #isProbing = true;
  #usualMs: number | undefined;

  constructor(nowMs: number, options: AdaptiveRateOptions = {}) {
    this.#perSecondMax = Math.max(perSecondMin, options.perSecondMax ?? perSecondMaxDefault);
    this.#perSecond = Math.min(this.#perSecondMax, options.startPerSecond ?? startPerSecond);
    this.#windowStartMs = nowMs;
  }

  /** Calls a second to send now; always within the bounds. */
  get perSecond(): number {
    return this.#perSecond;
  }

  /** A call had to wait for its turn. Only then may the rate grow. */
  waited(): void {
    this.#hasWaited = true;
  }

  /** The server refused a call. @returns "refused" when the rate was lowered now: once a window. */
  refused(nowMs: number): SlowdownReason | undefined {
    this.#roll(nowMs);
    if (this.#hasRefused) return undefined;
    this.#hasRefused = true;
    this.#slowDown(refusedFactor);
    return "refused";
  }

  /** A write was answered after `latencyMs`. @returns "slow" when the window that ends here lowered the rate. */
  answered(latencyMs: number, nowMs: number): SlowdownReason | undefined {
    if (this.#samples.length < samplesMax) this.#samples.push(latencyMs);
    return this.#roll(nowMs);
  }

  #roll(nowMs: number): SlowdownReason | undefined {
    if (nowMs - this.#windowStartMs < windowMs) return undefined;
    const isSlow = this.#closeWindow();
    this.#windowStartMs = nowMs;
    this.#samples = [];
    this.#hasWaited = false;
    this.#hasRefused = false;
    return isSlow ? "slow" : undefined;
  }

  /** @returns whether answers were slow. */
  #closeWindow(): boolean {
    if (this.#samples.length < samplesMin) return false;
    const median = medianOf(this.#samples);
    const usual = this.#usualMs ?? median;
    const isSlow = median > usual * slowRatio && median > usual + slowMarginMs;
    this.#usualMs = Math.min(median, usual * (1 + usualDrift));
    if (this.#hasRefused) return false;
    if (isSlow) this.#slowDown(slowFactor);
    else if (this.#hasWaited) this.#speedUp();
    return isSlow;
  }

  #slowDown(factor: number): void {
    this.#isProbing = false;
    this.#perSecond = Math.max(perSecondMin, this.#perSecond * factor);
  }

  #speedUp(): void {
    const faster = this.#isProbing ? this.#perSecond * 2 : this.#perSecond + stepPerSecond;
    this.#perSecond = Math.min(this.#perSecondMax, faster);
  }
}

/** The upper of the two middle values when their number is even. */
function medianOf(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1]!;
}
