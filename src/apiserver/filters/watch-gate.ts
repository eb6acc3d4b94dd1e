/**
 * Flow control of what takes no seat: how many long-running requests a user and an address may have open.
 * Not here: bounds on the buffer of one watch (http/watch.ts).
 */
import { tooManyRequests } from "../../machinery/index.ts";
import type { Release } from "./fair-queues.ts";

/** Watches of one user. Informers need a dozen per process; a fleet shares one identity among many processes. */
const watchesPerUserMax: number = 2_000;
/** Watches of one address: many agents may sit behind one. At 65 kB each this is 1.3 GB at worst. */
const watchesPerAddressMax: number = 20_000;

export interface WatchBounds {
  readonly perUserMax: number;
  readonly perAddressMax: number;
}

/** Counts open watches by user and by address. */
export class WatchGate {
  readonly #bounds: WatchBounds;
  readonly #users = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  #open = 0;

  constructor(bounds: WatchBounds = { perUserMax: watchesPerUserMax, perAddressMax: watchesPerAddressMax }) {
    this.#bounds = bounds;
  }

  get open(): number {
    return this.#open;
  }

  /** @throws StatusError 429 when the user or the address has as many open as it may. */
  enter(username: string, address: string): Release {
    const mine = this.#users.get(username) ?? 0;
    const here = this.#addresses.get(address) ?? 0;
    if (mine >= this.#bounds.perUserMax || here >= this.#bounds.perAddressMax) {
      throw tooManyRequests("Too many watches are open, please close some or try again later.", {
        retryAfterSeconds: 10,
      });
    }
    this.#users.set(username, mine + 1);
    this.#addresses.set(address, here + 1);
    this.#open++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      decrement(this.#users, username);
      decrement(this.#addresses, address);
      this.#open--;
    };
  }
}

function decrement(counts: Map<string, number>, name: string): void {
  const count = counts.get(name) ?? 0;
  if (count <= 1) counts.delete(name);
  else counts.set(name, count - 1);
}
