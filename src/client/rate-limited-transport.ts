/**
 * A transport that spaces its calls: a token bucket for all of them, and patience when the server asks for it.
 * Watches and streams take one token when they open. Calls wait in the order they came.
 * Upstream: client-go rest/request.go (throttle, retry on 429 and 503 with Retry-After, 10 times at most).
 */
import { type Clock, sleep } from "../base/index.ts";
import { statusOf } from "../machinery/index.ts";
import type { Transport, TransportCall, TransportReply } from "./client.ts";
import { type BucketFigures, TokenBucket } from "./token-bucket.ts";

/** Generous: it stops a runaway loop, not a controller that has much to do. client-go's 5/s would need an hour for 15,000 pods. */
const defaultCallBucket: BucketFigures = { perSecond: 5000, burst: 10_000 };
/** Times a call is sent again because the server asked for patience. Upstream's figure. */
const retriesMax = 10;
/** Wait in seconds when a 429 names none. */
const retryAfterDefaultSeconds = 1;

export interface RateLimitOptions {
  readonly clock: Clock;
  readonly bucket?: BucketFigures;
}

/** Each call goes through `transport`, later if need be. A server that stays busy gets its 429 or 503 passed on in the end. */
export function rateLimitedTransport(transport: Transport, options: RateLimitOptions): Transport {
  const { clock } = options;
  const bucket = new TokenBucket(options.bucket ?? defaultCallBucket, clock);
  const pass = async (call: TransportCall): Promise<void> => {
    const waitMs = bucket.reserveMs();
    if (waitMs > 0) await sleep(clock, waitMs, call.signal);
  };
  return {
    send: async (call) => {
      for (let retries = 0; ; retries++) {
        await pass(call);
        const reply = await transport.send(call);
        const waitSeconds = patienceSeconds(reply);
        if (waitSeconds === undefined || retries >= retriesMax) return reply;
        await sleep(clock, waitSeconds * 1000, call.signal);
      }
    },
    watch: async (call, sink) => {
      await pass(call);
      await transport.watch(call, sink);
    },
    stream: async (call) => {
      await pass(call);
      return await transport.stream(call);
    },
    close: () => transport.close(),
  };
}

/** How long the server wants us to wait before the same call again; undefined when the reply is final. */
function patienceSeconds(reply: TransportReply): number | undefined {
  if (reply.status !== 429 && reply.status !== 503) return undefined;
  const asked = statusOf(reply.object).details?.retryAfterSeconds;
  if (reply.status === 503) return asked;
  return asked ?? retryAfterDefaultSeconds;
}
