/**
 * Flow control: an ordinary request takes a seat, or waits for one in the queue of its class; a long-running one is counted.
 * A call from within this process passes: the controllers are what ends an overload, so they never wait behind strangers.
 * Not here: the queues (fair-queues.ts), the counts (watch-gate.ts).
 * Upstream: kubernetes v1.35, apiserver/pkg/server/filters/priority-and-fairness.go.
 */
import type { Clock, Metrics } from "../../base/index.ts";
import type { ConnectionCredentials, RequestInfo, UserInfo } from "../../machinery/index.ts";
import { mastersGroup } from "./authorization.ts";
import { FairQueues, type RequestClass } from "./fair-queues.ts";
import type { RequestHandler, ServerRequest } from "./server-request.ts";
import { type WatchBounds, WatchGate } from "./watch-gate.ts";

/** Reading requests at once, as upstream's default. */
const readsInFlightMax: number = 400;
/** Writing requests at once, as upstream's default. */
const writesInFlightMax: number = 200;

/** Other bounds than the usual ones. */
export interface FlowControlOptions {
  readonly readsInFlight?: number;
  readonly writesInFlight?: number;
  readonly watches?: WatchBounds;
}

export interface FlowControlDependencies {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Refuses with 429 when a queue or a count is full. What a request has taken is given back at the end of its reply. */
export function withFlowControl(
  next: RequestHandler,
  options: FlowControlOptions,
  { clock, metrics }: FlowControlDependencies,
): RequestHandler {
  const reads = new FairQueues(options.readsInFlight ?? readsInFlightMax, clock);
  const writes = new FairQueues(options.writesInFlight ?? writesInFlightMax, clock);
  const watches = new WatchGate(options.watches);
  const measure = flowControlMetrics(metrics);
  return (request) => {
    const { credentials } = request;
    if (credentials.from === "process") return next(request);
    return request.info.isLongRunning ? counted(request, credentials) : seated(request);
  };

  function counted(request: ServerRequest, { address }: ConnectionCredentials): ReturnType<RequestHandler> {
    const leave = watches.enter(request.user.username, address);
    measure.longRunning(watches.open);
    request.atEnd(() => {
      leave();
      measure.longRunning(watches.open);
    });
    return next(request);
  }

  async function seated(request: ServerRequest): ReturnType<RequestHandler> {
    const { method, user, info, signal } = request;
    const queues = method === "GET" || method === "HEAD" ? reads : writes;
    const wanted = { class: requestClass(user, info), username: user.username, signal };
    const release = queues.tryAcquire(wanted) ?? (await queues.acquire(wanted));
    measure.inFlight(reads.inUse, writes.inUse);
    request.atEnd(() => {
      release();
      measure.inFlight(reads.inUse, writes.inUse);
    });
    return next(request);
  }
}

const controllerUsers = new Set([
  "system:kube-controller-manager",
  "system:kube-scheduler",
  "system:apiserver",
]);

/** Which queue a request waits in. Election leases and probes go first: losing them makes everything worse. */
export function requestClass(user: UserInfo, info: RequestInfo): RequestClass {
  if (info.apiPrefix === "") return "system";
  if (user.groups.includes("system:nodes")) return isHeartbeat(info) ? "heartbeats" : "controllers";
  const isController =
    controllerUsers.has(user.username) || user.groups.includes("system:serviceaccounts:kube-system");
  if (isController) return isLease(info) && info.name !== "" ? "system" : "controllers";
  return user.groups.includes(mastersGroup) ? "admins" : "others";
}

function isHeartbeat(info: RequestInfo): boolean {
  return isLease(info) || (info.resource === "nodes" && info.subresource === "status");
}

function isLease({ apiGroup, resource }: RequestInfo): boolean {
  return apiGroup === "coordination.k8s.io" && resource === "leases";
}

interface FlowControlMetrics {
  inFlight(reads: number, writes: number): void;
  longRunning(open: number): void;
}

function flowControlMetrics(metrics: Metrics): FlowControlMetrics {
  const inFlight = metrics.gauge(
    "apiserver_current_inflight_requests",
    "Requests in work, reading and mutating.",
    ["request_kind"],
  );
  const longRunning = metrics.gauge("apiserver_longrunning_requests", "Open watches and streams.");
  return {
    inFlight(reads, writes) {
      inFlight.set(reads, { request_kind: "readOnly" });
      inFlight.set(writes, { request_kind: "mutating" });
    },
    longRunning: (open) => longRunning.set(open),
  };
}
