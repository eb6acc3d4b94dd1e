/**
 * What happens to each call before and around the work, whichever transport brings it.
 *
 *   ApiCall ─▶ request info ─▶ authenticate ─▶ audit ─▶ impersonate ─▶ body ─▶ flow control ─▶ authorize ─▶ time limit ─▶ work
 *                  └──────────────────────── any failure ─▶ Status reply ◀───────────────────────────────────────────────┘
 *
 * Upstream: kubernetes v1.35, apiserver/pkg/server/config.go, DefaultBuildHandlerChain. Why so: docs/designs/0007-one-request-chain.md.
 * Not here: HTTP (http/), the work (handler.ts).
 */
import type { Clock, Counter, Histogram, Log, Metrics } from "../../base/index.ts";
import type { ApiCall, ApiHandler, ApiReply } from "../../machinery/index.ts";
import { statusReply } from "../registry/replies.ts";
import { statusErrorOf } from "../registry/storage-errors.ts";
import { type AuditSink, auditRefused, silentAudit, withAudit } from "./audit.ts";
import {
  type AnonymousOptions,
  anonymousOn,
  anyOf,
  type Authenticator,
  clientCertificates,
  orElse,
  publicPaths,
  withAuthentication,
} from "./authentication.ts";
import { allowAuthenticated, type Authorizer, withAuthorization } from "./authorization.ts";
import { withBody } from "./body.ts";
import { type FlowControlOptions, withFlowControl } from "./flow-control.ts";
import { withImpersonation } from "./impersonation.ts";
import { type RequestHandler, ServerRequest } from "./server-request.ts";
import { withTimeLimit } from "./time-limit.ts";

export interface ChainOptions {
  /** Asked after client certificates, before the caller counts as anonymous. */
  readonly authenticators?: readonly Authenticator[];
  /** Default: health and version. */
  readonly anonymous?: AnonymousOptions;
  /** Default: whoever has been let in may do everything. */
  readonly authorizer?: Authorizer;
  readonly auditSink?: AuditSink;
  readonly flowControl?: FlowControlOptions;
}

export interface ChainDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** `work` with all filters around it. */
export function createChain(
  work: RequestHandler,
  options: ChainOptions,
  dependencies: ChainDependencies,
): ApiHandler {
  const chain = new Chain(filtered(work, options, dependencies), dependencies);
  return (call) => chain.handle(call);
}

/** From the innermost filter to the outermost. */
function filtered(
  work: RequestHandler,
  options: ChainOptions,
  dependencies: ChainDependencies,
): RequestHandler {
  const authorizer = options.authorizer ?? allowAuthenticated;
  const anonymous = options.anonymous ?? publicPaths;
  const sink = options.auditSink ?? silentAudit;
  const known = anyOf([clientCertificates, ...(options.authenticators ?? [])]);
  let handler = withTimeLimit(work, dependencies.clock);
  handler = withAuthorization(handler, authorizer);
  handler = withFlowControl(handler, options.flowControl ?? {}, dependencies);
  handler = withBody(handler);
  handler = withImpersonation(handler, { authorizer, anonymous });
  handler = withAudit(handler, sink);
  return withAuthentication(handler, {
    authenticator: orElse(known, anonymousOn(anonymous)),
    onRefused: auditRefused(sink),
  });
}

/** Begins and ends the way of each call: reads what it asks for, makes replies of failures, counts. */
class Chain {
  readonly #next: RequestHandler;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #requests: Counter;
  readonly #seconds: Histogram;

  constructor(next: RequestHandler, { clock, log, metrics }: ChainDependencies) {
    this.#next = next;
    this.#clock = clock;
    this.#log = log;
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
    const startedMs = this.#clock.monotonicMs();
    let request: ServerRequest | undefined;
    let reply: ApiReply;
    try {
      request = new ServerRequest(call);
      reply = await this.#next(request);
    } catch (error) {
      const refused = statusErrorOf(error);
      reply = statusReply(refused);
      // A caller that has gone gets no answer: that its signal broke off the request is no failure.
      if (call.signal.aborted && error === call.signal.reason) return request?.ending(reply) ?? reply;
      if (refused.status.reason === "InternalError")
        this.#log.error("request failed", { path: call.path, verb: request?.info.verb, error });
    }
    const { verb, resource } = request?.countedAs ?? { verb: call.method.toLowerCase(), resource: "" };
    this.#requests.add(1, { verb, resource, code: String(reply.status) });
    this.#seconds.observe((this.#clock.monotonicMs() - startedMs) / 1000, { verb, resource });
    return request?.ending(reply) ?? reply;
  }
}
