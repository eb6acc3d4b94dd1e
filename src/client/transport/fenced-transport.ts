/**
 * A transport for the time of one leadership: nothing is sent once the fence is down, and what is under way then is
 * cancelled, so that a former leader's writes cannot meet those of the next.
 * Not promised: that a cancelled write did not happen; the next leader finds it in its first list.
 * Not here: who leads (leader-election.ts).
 */
import { linkedController } from "./api-client.ts";
import type { Transport, TransportCall } from "./client.ts";

export interface Fence {
  /** Asked at once before each call goes out: true while we may act. */
  isOpen(): boolean;
  /** Aborts when it has come down; every call under way ends with its reason. */
  readonly signal: AbortSignal;
}

/** Calls reject with the fence's reason once it is down. `close` closes `transport`. */
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
