/**
 * A transport for one term of leadership. Once the term is over it sends nothing and cancels the calls under way, so that
 * a former leader's writes cannot meet those of the next.
 * Not promised: that a cancelled write did not happen; the next leader finds it in its first list.
 * Not here: who leads (leader-election.ts).
 */
import { linkedController } from "./api-client.ts";
import type { Transport, TransportCall } from "./client.ts";

export interface Fence {
  /** Called right before each call is sent: true while the term lasts. */
  isOpen(): boolean;
  /** Aborts when the term is over; every call under way ends with its reason. */
  readonly signal: AbortSignal;
}

/** Calls reject with the reason of `fence.signal` once the term is over. `close` closes `transport`. */
export function fencedTransport(transport: Transport, fence: Fence): Transport {
  const check = (): void => {
    fence.signal.throwIfAborted();
    if (!fence.isOpen()) throw new Error("not sent: leadership has ended");
  };
  return {
    send: async (call) => {
      check();
      const bounded = eitherSignal(call, fence.signal);
      try {
        return await transport.send(bounded.call);
      } finally {
        bounded.unlink();
      }
    },
    watch: async (call, sink) => {
      check();
      await transport.watch(call, sink);
    },
    stream: async (call) => {
      check();
      return await transport.stream(call);
    },
    close: () => transport.close(),
  };
}

/** The call with a signal that aborts with its own or with `other`. */
function eitherSignal(
  call: TransportCall,
  other: AbortSignal,
): { readonly call: TransportCall; unlink(): void } {
  const { controller, unlink } = linkedController(call.signal);
  const onAbort = (): void => controller.abort(other.reason);
  other.addEventListener("abort", onAbort, { once: true });
  return {
    call: { ...call, signal: controller.signal },
    unlink: () => {
      unlink();
      other.removeEventListener("abort", onAbort);
    },
  };
}
