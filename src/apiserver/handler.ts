/**
 * One call in, one reply out: the server's front door for every transport.
 *
 *   authenticate ─▶ route ─▶ authorize ─▶ read or write ─▶ reply      (failures become Status replies)
 *
 * Not here: HTTP (http/), what a call on a resource does (resource-handler.ts), paths that are no resource (discovery/).
 */
import type { Clock, Counter, Histogram, Log, Metrics } from "../base/index.ts";
import {
  type ApiCall,
  type ApiHandler,
  type ApiReply,
  pathNotFound,
  qualifiedResource,
  type RequestInfo,
  requestInfoOf,
  serviceUnavailable,
  unauthorized,
} from "../machinery/index.ts";
import type { ResourceHandler } from "./resource-handler.ts";
import type { Endpoint } from "./discovery/document.ts";
import { statusErrorOf } from "./registry/storage-errors.ts";
import { statusReply } from "./registry/replies.ts";

export interface HandlerDependencies {
  readonly resources: ResourceHandler;
  /** Asked in turn for paths that are no resource. */
  readonly endpoints: readonly Endpoint[];
  /** Until then only the endpoints answer. */
  readonly isLoaded: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A step before the work: throws a StatusError to refuse. */
type Gate = (call: ApiCall, info: RequestInfo) => void;

/** Anybody may see these and what lies below them, as upstream's default roles allow. */
const publicPaths = ["/healthz", "/livez", "/readyz", "/version"];

function isPublic({ path }: RequestInfo): boolean {
  return publicPaths.some((root) => path === root || path.startsWith(`${root}/`));
}

const authenticate: Gate = (call, info) => {
  if (call.user.username === "system:anonymous" && !isPublic(info)) throw unauthorized();
};

/** Whoever is known may do everything; RBAC takes this place. */
const authorize: Gate = () => {};

const gates: readonly Gate[] = [authenticate, authorize];

export function createHandler(dependencies: HandlerDependencies): ApiHandler {
  const handler = new Handler(dependencies);
  return (call) => handler.handle(call);
}

class Handler {
  readonly #deps: HandlerDependencies;
  readonly #requests: Counter;
  readonly #seconds: Histogram;

  constructor(dependencies: HandlerDependencies) {
    this.#deps = dependencies;
    const { metrics } = dependencies;
    const labels = ["verb", "resource", "code"];
    this.#requests = metrics.counter("apiserver_request_total", "Requests answered.", labels);
    this.#seconds = metrics.histogram(
      "apiserver_request_duration_seconds",
      "Time from call to reply; of a watch only its opening.",
      [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      ["verb", "resource"],
    );
  }

  /** Never rejects. */
  async handle(call: ApiCall): Promise<ApiReply> {
    const { clock, log } = this.#deps;
    const startedMs = clock.monotonicMs();
    let verb = call.method.toLowerCase();
    let resource = "";
    let reply: ApiReply;
    try {
      const info = requestInfoOf(call);
      for (const gate of gates) gate(call, info);
      if (!info.isResourceRequest) {
        reply = this.#otherReply(call);
      } else {
        if (!this.#deps.isLoaded())
          throw serviceUnavailable("the server is starting or stopping", { retryAfterSeconds: 1 });
        const request = this.#deps.resources.requestOf(call, info);
        verb = request.verb;
        resource = qualifiedResource(request.kind.resource);
        reply = await this.#deps.resources.serve(request);
      }
    } catch (error) {
      const refused = statusErrorOf(error);
      if (refused.status.reason === "InternalError")
        log.error("request failed", { path: call.path, verb, error });
      reply = statusReply(refused);
    }
    this.#requests.add(1, { verb, resource, code: String(reply.status) });
    this.#seconds.observe((clock.monotonicMs() - startedMs) / 1000, { verb, resource });
    return reply;
  }

  #otherReply(call: ApiCall): ApiReply {
    for (const endpoint of this.#deps.endpoints) {
      const reply = endpoint(call);
      if (reply !== undefined) return reply;
    }
    throw pathNotFound();
  }
}
