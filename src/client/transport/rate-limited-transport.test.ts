/** The order of calls, and waiting as long as the server asks. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import { serviceUnavailable, type Status, tooManyRequests } from "../../machinery/index.ts";
import type { Transport, TransportCall } from "./client.ts";
import { adaptiveTransport } from "./rate-limited-transport.ts";

const call: TransportCall = { method: "GET", path: "/", query: [], signal: new AbortController().signal };

function rig(
  statuses: readonly Status[],
  startPerSecond = 10,
): { clock: SimulatedClock; sent: number[]; transport: Transport } {
  const clock = new SimulatedClock();
  const sent: number[] = [];
  const left = [...statuses];
  const inner: Transport = {
    send: async () => {
      sent.push(clock.monotonicMs());
      const status = left.shift();
      return { status: status?.code ?? 200, object: status ?? {}, warnings: [] };
    },
    watch: async () => void sent.push(clock.monotonicMs()),
    stream: () => Promise.reject(new Error("no streams")),
    close: async () => {},
  };
  const transport = adaptiveTransport(inner, { clock, startPerSecond });
  return { clock, sent, transport };
}

test("a call is sent again after the time that a 429 or 503 asks for", async () => {
  const asks = [
    tooManyRequests("x", { retryAfterSeconds: 3 }),
    tooManyRequests("x"),
    serviceUnavailable("x", { retryAfterSeconds: 2 }),
  ];
  const { clock, sent, transport } = rig(asks.map((error) => error.status));
  const reply = transport.send(call);
  await clock.advance(10_000);
  expect(sent).toEqual([0, 3000, 4000, 6000]);
  expect((await reply).status).toBe(200);
});

test("a 503 without a time, and the 429 of the last try, are passed on", async () => {
  const once = rig([serviceUnavailable("x").status]);
  expect((await once.transport.send(call)).status).toBe(503);
  const always = rig(Array.from({ length: 50 }, () => tooManyRequests("x").status));
  const reply = always.transport.send(call);
  await always.clock.advance(60_000);
  expect((await reply).status).toBe(429);
  expect(always.sent).toHaveLength(11);
});

test("a call that is aborted while it waits is not sent", async () => {
  const { clock, sent, transport } = rig([], 1);
  await transport.send(call);
  const abort = new AbortController();
  const waiting = transport.send({ ...call, signal: abort.signal });
  abort.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  await clock.advance(5000);
  expect(sent).toEqual([0]);
});

test("the adaptive rate spaces calls in order, and a refused call delays all that wait", async () => {
  const refusal = tooManyRequests("x", { retryAfterSeconds: 3 }).status;
  const { clock, sent, transport } = rig([refusal]);
  const order: number[] = [];
  for (let i = 0; i < 5; i++) void transport.send(call).then(() => order.push(i));
  await clock.advance(3000);
  expect(sent).toEqual([0, 3000]);
  await clock.advance(3000);
  // Half the rate from then on; the refused call takes its turn again behind those that waited.
  expect(sent).toEqual([0, 3000, 3200, 3400, 3600, 3800]);
  expect(order).toEqual([1, 2, 3, 4, 0]);
});

test("calls that are aborted while they wait for their turn leave no gap", async () => {
  const { clock, sent, transport } = rig([]);
  for (let i = 0; i < 2; i++) void transport.send(call);
  const abort = new AbortController();
  const gone = [1, 2, 3].map(() => transport.send({ ...call, signal: abort.signal }));
  void transport.watch(call, { events() {}, end() {} });
  abort.abort(new Error("gone"));
  for (const each of gone) await expect(each).rejects.toThrow("gone");
  await clock.advance(1000);
  expect(sent).toEqual([0, 100, 200]);
});
