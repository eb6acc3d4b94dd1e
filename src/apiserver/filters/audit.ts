/**
 * Tells a sink who asked for what and how it ended. Who acts as somebody else is told under both names.
 * Not here: which events are kept and where (the sink).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/filters/audit.go, authn_audit.go.
 */
import { type ApiReply, type ApiRequest, statusOf, type UserInfo } from "../../machinery/index.ts";
import type { RequestHandler, ServerRequest } from "./server-request.ts";

/** `ResponseStarted` is told of long-running requests only, and of those who are refused before they are known. */
export type AuditStage = "RequestReceived" | "ResponseStarted" | "ResponseComplete";

export interface AuditEvent {
  readonly stage: AuditStage;
  /** The same object in each event of one request. */
  readonly request: ApiRequest;
  /** Who called; undefined when the credentials were refused. */
  readonly user: UserInfo | undefined;
  /** As whom the caller acts, if it is somebody else. */
  readonly impersonatedUser?: UserInfo;
  /** HTTP status code, once it is known. */
  readonly code?: number;
}

export interface AuditSink {
  /** Returns at once and never throws: requests do not wait for it. */
  record(event: AuditEvent): void;
}

/** Keeps nothing. */
export const silentAudit: AuditSink = { record() {} };

/** Tells `sink` of each request that was authenticated, up to the end of its reply. */
export function withAudit(next: RequestHandler, sink: AuditSink): RequestHandler {
  if (sink === silentAudit) return next;
  return async (request) => {
    const { user } = request;
    const record = (stage: AuditStage, code?: number): void =>
      sink.record({
        stage,
        request,
        user,
        ...(request.user === user ? {} : { impersonatedUser: request.user }),
        ...(code === undefined ? {} : { code }),
      });
    record("RequestReceived");
    let code: number | undefined;
    request.atEnd(() => record("ResponseComplete", code));
    try {
      const reply: ApiReply = await next(request);
      code = reply.status;
      if (request.info.isLongRunning) record("ResponseStarted", code);
      return reply;
    } catch (error) {
      code = statusOf(error).code;
      throw error;
    }
  };
}

/** For `onRefused` of `withAuthentication`. */
export function auditRefused(sink: AuditSink): (request: ServerRequest) => void {
  return (request) => sink.record({ stage: "ResponseStarted", request, user: undefined, code: 401 });
}
