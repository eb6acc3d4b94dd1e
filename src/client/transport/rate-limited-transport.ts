/**
 * A transport that spaces its calls by an adaptive rate (adaptive-rate.ts) and sends a call again when a 429 or 503 asks
 * for it.
 * Watches and streams take one turn when they open. Calls wait in the order they came.
 * Upstream: client-go rest/request.go (throttle, retry on 429 and 503 with Retry-After, 10 times at most).
 */
import { type Clock, type Metrics, silentMetrics, sleep, type Timer, Fifo } from "../../base/index.ts";
import { statusOf } from "../../machinery/index.ts";
import { AdaptiveRate, type AdaptiveRateOptions, type SlowdownReason } from "./adaptive-rate.ts";
import type { Transport, TransportCall, TransportReply } from "./client.ts";

/** Times a call is sent again after a 429 or 503. Upstream's figure. */
const retriesMax = 10;
/** Wait in seconds when a 429 names none. */
const retryAfterDefaultSeconds = 1;
/** Longest Retry-After that is obeyed, in seconds; a proxy may ask for hours. */
const retryAfterMaxSeconds = 60;
/** Burst after a pause, in seconds' worth of calls: no more than the jitter of timers. */
const burstSeconds = 0.1;
/** Buckets for the wait of calls, in seconds. Upstream's figures. */
const waitBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

export interface AdaptiveLimitOptions extends AdaptiveRateOptions {
  readonly clock: Clock;
  readonly metrics?: Metrics;
}

/**
 * Sends each call through `transport` when its turn comes. The rate falls when the server refuses or slows down, and rises
 * when it does neither. After the last try a 429 or 503 is passed on to the caller.
 */
export function adaptiveTransport(transport: Transport, options: AdaptiveLimitOptions): Transport {
  const { clock } = options;
  const pace = new Pace(options);
  return {
    send: async (call) => {
      for (let retries = 0; ; retries++) {
        await pace.turn(call);
        const startMs = clock.monotonicMs();
        const reply = await transport.send(call);
        pace.answered(call, reply, clock.monotonicMs() - startMs);
        const waitSeconds = retryAfterSecondsOf(reply);
        if (waitSeconds !== undefined) pace.refused(waitSeconds * 1000);
        if (waitSeconds === undefined || retries >= retriesMax) return reply;
        await sleep(clock, waitSeconds * 1000, call.signal);
      }
    },
    watch: async (call, sink) => {
      await pace.turn(call);
      await transport.watch(call, sink);
    },
    stream: async (call) => {
      await pace.turn(call);
      return await transport.stream(call);
    },
    close: () => transport.close(),
  };
}

interface Waiter {
  readonly go: () => void;
  isGone: boolean;
}

/** One queue and one timer, so that a lower rate and a pause also hold for calls that wait already. */
class Pace {
  readonly #clock: Clock;
  readonly #rate: AdaptiveRate;
  readonly #measure: PaceMetrics;
  readonly #waiting = new Fifo<Waiter>();
  #timer: Timer | undefined;
  /** Turn of the next call, in monotonic ms. It lies up to the burst in the past when nothing was sent for a while. */
  #nextMs: number;

  constructor({ clock, metrics, ...options }: AdaptiveLimitOptions) {
    this.#clock = clock;
    this.#rate = new AdaptiveRate(clock.monotonicMs(), options);
    this.#measure = paceMetrics(metrics ?? silentMetrics);
    this.#measure.rate(this.#rate.perSecond);
    this.#nextMs = clock.monotonicMs();
  }

  async turn(call: TransportCall): Promise<void> {
    call.signal.throwIfAborted();
    const startMs = this.#clock.monotonicMs();
    if (this.#waiting.size > 0 || !this.#take(startMs)) {
      this.#rate.waited();
      await this.#wait(call.signal);
    }
    this.#measure.waited(this.#clock.monotonicMs() - startMs);
  }

  #take(nowMs: number): boolean {
    const turnMs = Math.max(this.#nextMs, nowMs - burstSeconds * 1000);
    if (turnMs > nowMs) return false;
    this.#nextMs = turnMs + 1000 / this.#rate.perSecond;
    return true;
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiter.isGone = true;
        reject(signal.reason);
      };
      const go = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const waiter: Waiter = { go, isGone: false };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiter);
      this.#pump();
    });
  }

  #pump(): void {
    const nowMs = this.#clock.monotonicMs();
    while (this.#waiting.size > 0) {
      if (this.#waiting.peek()!.isGone) this.#waiting.shift();
      else if (this.#take(nowMs)) this.#waiting.shift()!.go();
      else break;
    }
    if (this.#waiting.size === 0 || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(Math.max(1, this.#nextMs - nowMs), () => {
      this.#timer = undefined;
      this.#pump();
    });
  }

  /** Only latencies of writes count. They are alike; a list may take seconds for its size alone. */
  answered(call: TransportCall, reply: TransportReply, latencyMs: number): void {
    if (call.method === "GET" || reply.status === 429) return;
    this.#report(this.#rate.answered(latencyMs, this.#clock.monotonicMs()));
  }

  /** All calls wait as long as the refused one, because a 429 is about the client, not about the call. */
  refused(waitMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#report(this.#rate.refused(nowMs));
    this.#nextMs = Math.max(this.#nextMs, nowMs + waitMs);
  }

  #report(reason: SlowdownReason | undefined): void {
    if (reason !== undefined) this.#measure.slowedDown(reason);
    this.#measure.rate(this.#rate.perSecond);
  }
}

interface PaceMetrics {
  rate(perSecond: number): void;
  waited(ms: number): void;
  slowedDown(reason: SlowdownReason): void;
}

function paceMetrics(metrics: Metrics): PaceMetrics {
  const rate = metrics.gauge(
    "lares_client_rate_calls_per_second",
    "Calls a second that the client allows itself.",
  );
  const waits = metrics.histogram(
    "rest_client_rate_limiter_duration_seconds",
    "Seconds that calls waited for their turn in the client.",
    waitBuckets,
  );
  const slowdowns = metrics.counter(
    "lares_client_slowdowns_total",
    "Times the client lowered its rate, because the server refused calls or answered more slowly.",
    ["reason"],
  );
  return {
    rate: (perSecond) => rate.set(perSecond),
    waited: (ms) => waits.observe(ms / 1000),
    slowedDown: (reason) => slowdowns.add(1, { reason }),
  };
}

/** Seconds that the server asks for before the same call again; undefined when the reply is final. */
function retryAfterSecondsOf(reply: TransportReply): number | undefined {
  if (reply.status !== 429 && reply.status !== 503) return undefined;
  const asked = statusOf(reply.object).details?.retryAfterSeconds;
  const seconds = reply.status === 503 ? asked : (asked ?? retryAfterDefaultSeconds);
  return seconds === undefined ? undefined : Math.min(seconds, retryAfterMaxSeconds);
}
