/**
 * What the HTTP shell measures: requests over HTTP only. The handler measures the calls of every transport.
 * Not here: what is measured inside the handler (filters/chain.ts, filters/flow-control.ts, cacher.ts).
 */
import type { Metrics } from "../../base/index.ts";

export interface ShellMetrics {
  finished(verb: string, code: number, durationMs: number): void;
  watchEvents(count: number): void;
  cutOff(): void;
}

const durationBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 60];

/** Methods that get a label of their own. A client may send any word, and each label costs memory. */
const knownVerbs = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

export function shellMetrics(metrics: Metrics): ShellMetrics {
  const requests = metrics.counter(
    "apiserver_http_requests_total",
    "Requests answered, by method and status code.",
    ["verb", "code"],
  );
  const durations = metrics.histogram(
    "apiserver_http_request_duration_seconds",
    "Seconds from the arrival of a request to the end of its reply.",
    durationBuckets,
    ["verb"],
  );
  const events = metrics.counter("apiserver_http_watch_events_total", "Events given to watches over HTTP.");
  const cutOffs = metrics.counter(
    "apiserver_http_watch_cutoffs_total",
    "Watches cut off because their reader was too slow.",
  );
  return {
    finished(method, code, durationMs) {
      const verb = knownVerbs.has(method) ? method : "other";
      requests.add(1, { verb, code: String(code) });
      durations.observe(durationMs / 1000, { verb });
    },
    watchEvents: (count) => events.add(count),
    cutOff: () => cutOffs.add(1),
  };
}
