/**
 * Watches on the wire. The events of one turn go out in one write. A reader that falls too far behind is cut off.
 * A queue holds references to bytes that all watchers share; only what is being written is copied.
 * Not here: which events a watch gets (cacher.ts).
 *
 *   events ──▶ queue of shared lines ──end of turn──▶ join ≤ 256 KiB ──▶ connection
 *                     └── too long ──▶ cut off            └── full ──▶ wait for drain
 */
import type { Clock } from "../../base/index.ts";
import type { WatchFrame, WatchSink } from "../../machinery/index.ts";
import type { Exchange } from "./exchange.ts";
import { pieceBytesMax } from "./reply.ts";

/** Bytes that may wait for a reader: about 8,000 pods, a second of a large roll-out. All watchers share them. */
const watchBacklogBytesMax: number = 32 * 1024 * 1024;

/** Bytes that may wait until the reader has caught up once: a watch may begin with every object there is. */
const watchInitialBytesMax: number = 256 * 1024 * 1024;

/** Milliseconds that a reader has for what is left at the end of its watch. */
const endMsMax = 10_000;

/** Collects the writers that got events in this turn, so that many watches cost one callback. */
export class TurnFlusher {
  #writers: WatchWriter[] = [];

  add(writer: WatchWriter): void {
    if (this.#writers.length === 0) setImmediate(() => this.#flush());
    this.#writers.push(writer);
  }

  #flush(): void {
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer.flush();
  }
}

export interface WatchWriterOptions {
  readonly flusher: TurnFlusher;
  readonly clock: Clock;
  readonly backlogBytesMax?: number;
  readonly initialBytesMax?: number;
  onEvents?(count: number): void;
  onCutOff?(): void;
}

/** The server's end of one watch. The headers must have been set, and are sent at once. */
export class WatchWriter implements WatchSink {
  readonly #exchange: Exchange;
  readonly #options: WatchWriterOptions;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #hasCaughtUp = false;
  #isScheduled = false;
  #isBlocked = false;
  #hasEnded = false;

  constructor(exchange: Exchange, options: WatchWriterOptions) {
    this.#exchange = exchange;
    this.#options = options;
    exchange.response.on("drain", () => {
      this.#isBlocked = false;
      this.flush();
    });
    exchange.response.flushHeaders();
  }

  events(batch: readonly WatchFrame[]): boolean {
    if (this.#hasEnded || this.#exchange.isClosed) return false;
    for (const frame of batch) {
      const line = frame.bytes();
      this.#queue.push(line);
      this.#queuedBytes += line.length;
    }
    this.#options.onEvents?.(batch.length);
    if (this.#queuedBytes > this.#bytesMax()) {
      this.#cutOff();
      return false;
    }
    if (!this.#isScheduled && !this.#isBlocked) {
      this.#isScheduled = true;
      this.#options.flusher.add(this);
    }
    return true;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#exchange.isClosed) return; // The reader went first: nothing to hand over, no close to come.
    const timer = this.#options.clock.after(endMsMax, () => this.#exchange.cut());
    this.#exchange.response.once("close", () => timer.cancel());
    if (!this.#isBlocked) this.flush();
  }

  /** Writes as much as the connection takes. */
  flush(): void {
    this.#isScheduled = false;
    let at = 0;
    while (at < this.#queue.length && !this.#isBlocked && !this.#exchange.isClosed) {
      const from = at;
      let length = 0;
      while (at < this.#queue.length && (length === 0 || length + this.#queue[at]!.length <= pieceBytesMax)) {
        length += this.#queue[at++]!.length;
      }
      const bytes = at - from === 1 ? this.#queue[from]! : Buffer.concat(this.#queue.slice(from, at), length);
      this.#queuedBytes -= length;
      this.#isBlocked = !this.#exchange.response.write(bytes);
    }
    if (at > 0) this.#queue.splice(0, at);
    if (this.#queue.length > 0) return;
    this.#hasCaughtUp = true;
    if (this.#hasEnded && !this.#exchange.isClosed) this.#exchange.response.end();
  }

  #bytesMax(): number {
    if (this.#hasCaughtUp) return this.#options.backlogBytesMax ?? watchBacklogBytesMax;
    return this.#options.initialBytesMax ?? watchInitialBytesMax;
  }

  #cutOff(): void {
    this.#hasEnded = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#options.onCutOff?.();
    this.#exchange.cut();
  }
}
