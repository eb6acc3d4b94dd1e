/**
 * Flow control's queues: seats for requests in flight, shared fairly between classes and, within a class, between users.
 *
 *   request ──▶ free seat? ──yes──▶ work ──▶ seat given back ──▶ next of the class that has least of its share
 *                  └──no──▶ queue of its class (users in turn) ──full──▶ 429
 *
 * Not here: which class a request is of (flow-control.ts).
 * Upstream has the same words: kubernetes v1.35, apiserver/pkg/util/flowcontrol/fairqueuing.
 */
import type { Clock } from "../../base/index.ts";
import { type StatusError, tooManyRequests } from "../../machinery/index.ts";

/** Requests of one class that may wait for a seat. A client that meets a full queue tries again after a second. */
export const queuedPerClassMax: number = 500;
/** Milliseconds that a request waits for a seat. Clients wait longer for an answer. */
export const queueWaitMsMax: number = 15_000;

export type RequestClass = "system" | "heartbeats" | "controllers" | "admins" | "others";

/** Share of the seats that a class has when all want more than there is. Unused shares are lent, but for a reserve. */
const shares: Readonly<Record<RequestClass, number>> = {
  system: 0.2,
  heartbeats: 0.2,
  controllers: 0.25,
  admins: 0.15,
  others: 0.2,
};
const classes = Object.keys(shares) as readonly RequestClass[];

/** Part of the seats that no class may take beyond its share, so that a quiet class finds one at once. */
const reservedPart = 0.1;

/** The waiting requests of one class. Users take turns; the requests of one user go in order of arrival. */
class ClassQueue {
  readonly #byUser = new Map<string, Waiting[]>();
  length = 0;

  push(waiting: Waiting): void {
    const mine = this.#byUser.get(waiting.username);
    if (mine === undefined) this.#byUser.set(waiting.username, [waiting]);
    else mine.push(waiting);
    this.length++;
  }

  /** The oldest request of the user whose turn it is. That user is then the last to have a turn. */
  shift(): Waiting | undefined {
    for (const [username, mine] of this.#byUser) {
      const first = mine.shift();
      this.#byUser.delete(username);
      if (mine.length > 0) this.#byUser.set(username, mine);
      if (first !== undefined) {
        this.length--;
        return first;
      }
    }
    return undefined;
  }

  remove(waiting: Waiting): boolean {
    const mine = this.#byUser.get(waiting.username);
    const at = mine?.indexOf(waiting) ?? -1;
    if (mine === undefined || at < 0) return false;
    mine.splice(at, 1);
    if (mine.length === 0) this.#byUser.delete(waiting.username);
    this.length--;
    return true;
  }
}

interface Waiting {
  readonly username: string;
  readonly admit: () => void;
}

export interface SeatRequest {
  readonly class: RequestClass;
  readonly username: string;
  /** Aborts the wait when the caller goes away. */
  readonly signal: AbortSignal;
}

/** Gives the seat back. Further calls do nothing. */
export type Release = () => void;

/** Seats for requests in flight, shared fairly between classes and, within a class, between users. */
export class FairQueues {
  readonly #seats: number;
  readonly #clock: Clock;
  readonly #used = new Map<RequestClass, number>(classes.map((name) => [name, 0]));
  readonly #queues = new Map<RequestClass, ClassQueue>(classes.map((name) => [name, new ClassQueue()]));
  #usedAll = 0;

  constructor(seats: number, clock: Clock) {
    this.#seats = seats;
    this.#clock = clock;
  }

  get inUse(): number {
    return this.#usedAll;
  }

  /**
   * A seat at once, or undefined when the caller has to wait: the common way takes no promise.
   * Those who came earlier in the same class go first.
   */
  tryAcquire(request: SeatRequest): Release | undefined {
    if (this.#queues.get(request.class)!.length > 0 || !this.#hasRoomFor(request.class)) return undefined;
    return this.#take(request.class);
  }

  /** Waits for a seat. @throws StatusError 429 when the queue is full or the wait too long; the signal's reason on abort. */
  acquire(request: SeatRequest): Promise<Release> {
    const atOnce = this.tryAcquire(request);
    if (atOnce !== undefined) return Promise.resolve(atOnce);
    const queue = this.#queues.get(request.class)!;
    if (queue.length >= queuedPerClassMax) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        request.signal.removeEventListener("abort", onAbort);
      };
      const waiting: Waiting = {
        username: request.username,
        admit: () => {
          settle();
          resolve(this.#take(request.class));
        },
      };
      const onAbort = (): void => {
        settle();
        if (queue.remove(waiting)) reject(request.signal.reason);
      };
      const timer = this.#clock.after(queueWaitMsMax, () => {
        settle();
        if (queue.remove(waiting)) reject(overloaded());
      });
      request.signal.addEventListener("abort", onAbort, { once: true });
      queue.push(waiting);
    });
  }

  #take(name: RequestClass): Release {
    this.#used.set(name, this.#used.get(name)! + 1);
    this.#usedAll++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#used.set(name, this.#used.get(name)! - 1);
      this.#usedAll--;
      this.#admitNext();
    };
  }

  #hasRoomFor(name: RequestClass): boolean {
    if (this.#usedAll >= this.#seats) return false;
    const isWithinShare = this.#used.get(name)! < shares[name] * this.#seats;
    return isWithinShare || this.#usedAll < this.#seats * (1 - reservedPart);
  }

  /** Gives free seats to the waiting class that uses least of its share, again and again. */
  #admitNext(): void {
    for (;;) {
      let next: RequestClass | undefined;
      for (const name of classes) {
        if (this.#queues.get(name)!.length === 0 || !this.#hasRoomFor(name)) continue;
        if (next === undefined || this.#load(name) < this.#load(next)) next = name;
      }
      if (next === undefined) return;
      this.#queues.get(next)!.shift()!.admit();
    }
  }

  #load(name: RequestClass): number {
    return this.#used.get(name)! / shares[name];
  }
}

function overloaded(): StatusError {
  return tooManyRequests("Too many requests, please try again later.", { retryAfterSeconds: 1 });
}
