/** How long the work may take. */
import { expect, it } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import type { ApiReply } from "../../machinery/index.ts";
import { alice, connectionCall, processCall, requestOf, work } from "../../testing/calls.ts";
import type { RequestHandler, ServerRequest } from "./server-request.ts";
import { requestTimeoutMs, withTimeLimit, writeTimeoutMs } from "./time-limit.ts";

const endless: RequestHandler = () => new Promise(() => {});

async function statusAfter(request: ServerRequest, ms: number): Promise<number | undefined> {
  const clock = new SimulatedClock();
  let reply: ApiReply | undefined;
  void withTimeLimit(endless, clock)(request).then((got) => (reply = got));
  await clock.advance(ms);
  return reply?.status;
}

it.each([
  ["GET /api/v1/pods", requestTimeoutMs],
  ["GET /api/v1/namespaces/a/pods/log", requestTimeoutMs],
  ["GET /livez?watch=true", requestTimeoutMs],
  ["DELETE /api/v1/pods", writeTimeoutMs],
  ["GET /api/v1/pods?timeout=1m30s", requestTimeoutMs],
  ["GET /api/v1/pods?timeout=1.5s", 1_500],
  ["GET /api/v1/pods?timeout=0", requestTimeoutMs],
  ["GET /api/v1/pods?timeout=", requestTimeoutMs],
])("%s ends after %i ms", async (line, ms) => {
  const request = (): ServerRequest => requestOf(connectionCall(line), alice);
  expect(await statusAfter(request(), ms - 1)).toBeUndefined();
  const late = request();
  expect(await statusAfter(late, ms)).toBe(504);
  expect(late.signal.aborted).toBe(true);
});

it.each(["soon", "-1s", "1", "1s2"])("?timeout=%s is a mistake", (timeout) => {
  const handler = withTimeLimit(work().next, new SimulatedClock());
  const request = requestOf(connectionCall(`GET /api/v1/pods?timeout=${timeout}`), alice);
  expect(() => handler(request)).toThrow("invalid timeout specified in the request URL");
});

it("does not hold for long-running requests and for calls from within", async () => {
  const clock = new SimulatedClock();
  const handler = withTimeLimit(endless, clock);
  void handler(requestOf(connectionCall("GET /api/v1/pods?watch=1&timeout=1s"), alice));
  void handler(requestOf(processCall("GET /api/v1/pods?timeout=1s", alice), alice));
  expect(clock.untilNextMs()).toBeUndefined();
});

it("leaves no timer behind, however the work ends", async () => {
  const clock = new SimulatedClock();
  const request = (): ServerRequest => requestOf(connectionCall("GET /api/v1/pods"), alice);
  await withTimeLimit(work().next, clock)(request());
  const atOnce = withTimeLimit(() => {
    throw new Error("at once");
  }, clock);
  await expect(atOnce(request())).rejects.toThrow("at once");
  const later = withTimeLimit(async () => Promise.reject(new Error("later")), clock);
  await expect(later(request())).rejects.toThrow("later");
  expect(clock.untilNextMs()).toBeUndefined();
});

it("tells the work when the caller goes", () => {
  const gone = new AbortController();
  const handler = withTimeLimit(endless, new SimulatedClock());
  const before = requestOf(connectionCall("GET /api/v1/pods", {}, { signal: gone.signal }), alice);
  void handler(before);
  expect(before.signal.aborted).toBe(false);
  gone.abort("gone");
  expect(before.signal.reason).toBe("gone");
  const after = requestOf(connectionCall("GET /api/v1/pods", {}, { signal: gone.signal }), alice);
  void handler(after);
  expect(after.signal.reason).toBe("gone");
});
