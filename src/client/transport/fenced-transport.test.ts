/** Once leadership has ended no call is sent, and calls under way are cancelled. */
import { expect, test } from "vitest";
import type { Transport, TransportCall } from "./client.ts";
import { fencedTransport } from "./fenced-transport.ts";

function rig(): {
  sent: TransportCall[];
  answer: () => void;
  fence: AbortController;
  state: { isOpen: boolean };
  transport: Transport;
} {
  const sent: TransportCall[] = [];
  let answer = (): void => {};
  const inner: Transport = {
    send: (call) => {
      sent.push(call);
      return new Promise((resolve, reject) => {
        answer = () => resolve({ status: 200, object: {}, warnings: [] });
        call.signal.addEventListener("abort", () => reject(call.signal.reason), { once: true });
      });
    },
    watch: async (call) => void sent.push(call),
    stream: () => Promise.reject(new Error("no streams")),
    close: async () => {},
  };
  const fence = new AbortController();
  const state = { isOpen: true };
  const transport = fencedTransport(inner, { signal: fence.signal, isOpen: () => state.isOpen });
  return { sent, answer: () => answer(), fence, state, transport };
}

const call = (signal = new AbortController().signal): TransportCall => ({
  method: "POST",
  path: "/",
  query: [],
  signal,
});

test("calls pass while leadership lasts, and end with their own signal", async () => {
  const { sent, answer, transport } = rig();
  const reply = transport.send(call());
  answer();
  expect((await reply).status).toBe(200);
  const own = new AbortController();
  const aborted = transport.send(call(own.signal));
  own.abort(new Error("own"));
  await expect(aborted).rejects.toThrow("own");
  expect(sent.length).toBe(2);
});

test("when leadership ends, the call under way is cancelled, and none is sent after", async () => {
  const { sent, fence, transport } = rig();
  const underWay = transport.send(call());
  fence.abort(new Error("leadership ended"));
  await expect(underWay).rejects.toThrow("leadership ended");
  await expect(transport.send(call())).rejects.toThrow("leadership ended");
  await expect(transport.watch(call(), { events() {}, end() {} })).rejects.toThrow("leadership ended");
  expect(sent.length).toBe(1);
});

test("a term that ran out while the process stood still stops calls before any timer fires", async () => {
  const { sent, state, transport } = rig();
  state.isOpen = false;
  await expect(transport.send(call())).rejects.toThrow("leadership has ended");
  expect(sent).toEqual([]);
});
