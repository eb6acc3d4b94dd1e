/**
 * Turns of those who write one key: each reads the newest state, and nobody in this process writes before it has.
 *
 *   writer ──▶ nobody has the turn ──▶ work ──▶ next in order of arrival
 *      └──▶ wait ──▶ the turn, or the caller goes, or the queue is full (429)
 *
 * A turn is a courtesy: the store's compare-and-set decides who wins. So a writer that takes long, since it waits for somebody
 * else, is overtaken. Other keys are never waited for.
 * Not here: races with other servers on the same store (writes.ts).
 */
import type { Clock, Timer } from "../../base/index.ts";
import { tooManyRequests } from "../../machinery/index.ts";

/** Writers that wait for one key. At a millisecond a commit the last one has its turn after a second. */
export const waitingForKeyMax = 1_000;

/** After so many milliseconds a writer is overtaken. A commit takes a few; who needs more waits for a plug-in or a store in trouble. */
export const turnMsMax = 250;

/** Ends a turn. Further calls do nothing. */
export type EndTurn = () => void;

class Line {
  /** Whose turn it is: an object of its own for each turn. */
  turn: object = {};
  /** What admits each of those who wait, in order of arrival. */
  readonly waiting = new Set<() => void>();
  timer: Timer | undefined = undefined;
}

export class KeyTurns {
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keys that somebody is writing. */
  get size(): number {
    return this.#lines.size;
  }

  /** The turn at once, or undefined when the caller has to wait: the common way takes no promise. */
  tryTake(key: string): EndTurn | undefined {
    if (this.#lines.has(key)) return undefined;
    const line = new Line();
    this.#lines.set(key, line);
    return this.#endOf(key, line);
  }

  /** Waits for the turn. @throws StatusError 429 when too many wait; the signal's reason on abort. */
  take(key: string, signal?: AbortSignal): Promise<EndTurn> {
    const atOnce = this.tryTake(key);
    if (atOnce !== undefined) return Promise.resolve(atOnce);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const line = this.#lines.get(key)!;
    if (line.waiting.size >= waitingForKeyMax) {
      const refused = tooManyRequests("Too many requests, please try again later.", { retryAfterSeconds: 1 });
      return Promise.reject(refused);
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        line.waiting.delete(admit);
        reject(signal!.reason);
      };
      const admit = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve(this.#endOf(key, line));
      };
      signal?.addEventListener("abort", leave, { once: true });
      line.waiting.add(admit);
      line.timer ??= this.#timerOf(key, line);
    });
  }

  #endOf(key: string, line: Line): EndTurn {
    const turn = (line.turn = {});
    return () => {
      if (line.turn === turn) this.#pass(key, line);
    };
  }

  #timerOf(key: string, line: Line): Timer {
    return this.#clock.after(turnMsMax, () => this.#pass(key, line));
  }

  /** To the next in the line. Whoever had the turn has it no longer. */
  #pass(key: string, line: Line): void {
    line.timer?.cancel();
    line.timer = undefined;
    line.turn = {};
    const [admit] = line.waiting;
    if (admit === undefined) {
      this.#lines.delete(key);
      return;
    }
    line.waiting.delete(admit);
    admit();
    if (line.waiting.size > 0) line.timer = this.#timerOf(key, line);
  }
}
