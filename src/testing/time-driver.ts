/**
 * Advances simulated time from timer to timer while a test waits for a promise. For tests of calls that take simulated
 * time and that need only the result. Not here: the clock (base).
 */
import { type SimulatedClock, sleep } from "../base/index.ts";

/** Turns of the event loop without a timer after which the promise counts as stuck. */
const idleTurnsMax = 1_000;

/** Lets everything happen that needs no time: a macrotask comes only after the last microtask. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class TimeDriver {
  readonly #clock: SimulatedClock;
  #waiting = 0;
  #isMoving = false;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  /** Settles as `promise` does; time advances meanwhile. Several may wait at once. */
  async until<T>(promise: Promise<T>): Promise<T> {
    this.#waiting++;
    if (!this.#isMoving) void this.#move();
    try {
      return await promise;
    } finally {
      this.#waiting--;
    }
  }

  /** Advances time by `ms` and lets everything happen that falls due. */
  async pass(ms: number): Promise<void> {
    await this.until(sleep(this.#clock, ms));
    await turn();
  }

  async #move(): Promise<void> {
    this.#isMoving = true;
    for (let idle = 0; this.#waiting > 0;) {
      await turn();
      if (this.#waiting === 0) break;
      const ms = this.#clock.untilNextMs();
      if (ms !== undefined) {
        idle = 0;
        await this.#clock.advance(ms, turn);
      } else if (++idle > idleTurnsMax) throw new Error("a promise waits for what no timer brings");
    }
    this.#isMoving = false;
  }
}
