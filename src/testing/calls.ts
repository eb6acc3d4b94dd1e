/** Calls as transports make them, and requests as filters get them, for tests without a transport. */
import { type RequestHandler, ServerRequest } from "../apiserver/filters/server-request.ts";
import { objectReply } from "../apiserver/registry/replies.ts";
import type { ApiCall, ConnectionCredentials, Method, UserInfo } from "../machinery/index.ts";

/** `GET /api/v1/pods?watch=true` from a client on a connection without credentials. */
export function connectionCall(
  line: string,
  credentials: Partial<ConnectionCredentials> = {},
  more: Partial<ApiCall> = {},
): ApiCall {
  const [method = "GET", target = "/"] = line.split(" ");
  const [path = "/", search = ""] = target.split("?");
  return {
    method: method as Method,
    path,
    query: [...new URLSearchParams(search)],
    signal: new AbortController().signal,
    credentials: { from: "connection", address: "192.0.2.1", ...credentials },
    ...more,
  };
}

export function processCall(line: string, user: UserInfo, more: Partial<ApiCall> = {}): ApiCall {
  return { ...connectionCall(line), credentials: { from: "process", user }, ...more };
}

/** The request as it is after `withAuthentication`. */
export function requestOf(call: ApiCall, user: UserInfo): ServerRequest {
  const request = new ServerRequest(call);
  request.user = user;
  return request;
}

/** The end of a chain of filters: notes what reaches it. */
export function work(): { readonly next: RequestHandler; readonly requests: ServerRequest[] } {
  const requests: ServerRequest[] = [];
  const next: RequestHandler = async (request) => {
    requests.push(request);
    return objectReply(200, {});
  };
  return { next, requests };
}

export const alice: UserInfo = { username: "alice", groups: ["dev", "system:authenticated"] };
export const root: UserInfo = { username: "root", groups: ["system:masters", "system:authenticated"] };
