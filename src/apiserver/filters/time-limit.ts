/**
 * Time limit of an ordinary request from a connection, for the work alone: 504 when it takes too long.
 * Not here: how long a request may wait in flow control, or its body may take to arrive.
 * Upstream: kubernetes v1.35, apiserver/pkg/server/filters/timeout.go, apiserver/pkg/endpoints/filters/request_deadline.go.
 */
import type { Clock, Timer } from "../../base/index.ts";
import { type ApiReply, badRequest, timeout } from "../../machinery/index.ts";
import { statusReply } from "../registry/replies.ts";
import type { RequestHandler, ServerRequest } from "./server-request.ts";

/** Milliseconds for an ordinary request, as upstream; `?timeout=` only shortens it. */
export const requestTimeoutMs: number = 60_000;
/** Milliseconds for a write, as upstream: a client that has waited longer does not believe the answer any more. */
export const writeTimeoutMs: number = 34_000;

/**
 * Answers 504 in place of a reply that comes too late. The work is told by its signal, and its late answer is dropped.
 * Refuses with 400 a `timeout` that is no duration.
 */
export function withTimeLimit(next: RequestHandler, clock: Clock): RequestHandler {
  return (request) =>
    request.credentials.from === "process" || request.info.isLongRunning
      ? next(request)
      : limited(request, limitMs(request));

  async function limited(request: ServerRequest, ms: number): Promise<ApiReply> {
    const ended = new AbortController();
    const { signal } = request;
    if (signal.aborted) ended.abort(signal.reason);
    else signal.addEventListener("abort", () => ended.abort(signal.reason), { once: true });
    request.signal = ended.signal;
    let timer: Timer | undefined;
    const late = new Promise<ApiReply>((resolve) => {
      timer = clock.after(ms, () => {
        resolve(statusReply(timeout("request did not complete within the allotted timeout")));
        ended.abort(new Error("the request's time is up"));
      });
    });
    try {
      return await Promise.race([next(request), late]);
    } finally {
      timer?.cancel();
    }
  }
}

/** @throws StatusError 400 for a `timeout` that is no duration. */
function limitMs({ method, query }: ServerRequest): number {
  const limit = method === "GET" || method === "HEAD" ? requestTimeoutMs : writeTimeoutMs;
  const asked = query.find(([name]) => name === "timeout")?.[1];
  if (asked === undefined || asked === "") return limit;
  const ms = durationMs(asked);
  if (ms === undefined || ms < 0) {
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(asked)}`,
    );
  }
  return ms === 0 ? limit : Math.min(limit, ms);
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's durations: `32s`, `1m30s`, `1.5h`, `0`. */
function durationMs(text: string): number | undefined {
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "0") return 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(body)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(amount) * unitMs[unit!]!;
  return text.startsWith("-") ? -ms : ms;
}
