/**
 * Counts calls by method and result, and times them. Names as upstream's (client-go tools/metrics, registered by
 * component-base), without the host: a process calls one server.
 */
import type { Clock, Metrics } from "../../base/index.ts";
import type { StatusError } from "../../machinery/index.ts";
import type { Transport } from "./client.ts";

/** Seconds; upstream's figures. */
const durationBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Counts every call through `transport` once: when it is answered or has failed, a watch when it opens. */
export function measuredTransport(
  transport: Transport,
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
): Transport {
  const requests = metrics.counter("rest_client_requests_total", "Calls of the API by method and result.", [
    "method",
    "code",
  ]);
  const durations = metrics.histogram(
    "rest_client_request_duration_seconds",
    "Seconds from sending a call to its answer.",
    durationBuckets,
    ["verb"],
  );
  const measured = async <T>(
    method: string,
    verb: string,
    work: { call(): Promise<T>; code(result: T): number },
  ): Promise<T> => {
    const startMs = clock.monotonicMs();
    let code = "<error>";
    try {
      const result = await work.call();
      code = String(work.code(result));
      return result;
    } catch (error) {
      if (error instanceof Error && error.name === "StatusError")
        code = String((error as StatusError).status.code);
      throw error;
    } finally {
      requests.add(1, { method, code });
      durations.observe((clock.monotonicMs() - startMs) / 1000, { verb });
    }
  };
  return {
    send: (call) =>
      measured(call.method, call.method, {
        call: () => transport.send(call),
        code: ({ status }) => status,
      }),
    watch: (call, sink) =>
      measured(call.method, "WATCH", { call: () => transport.watch(call, sink), code: () => 200 }),
    stream: (call) =>
      measured(call.method, "CONNECT", { call: () => transport.stream(call), code: () => 200 }),
    close: () => transport.close(),
  };
}
