/**
 * Whether the caller may do what it asks for.
 * Not here: who it is (authentication.ts), rules about the object itself (admission/).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/filters/authorization.go, apiserver/pkg/authorization/authorizer.
 */
import {
  forbidden,
  goQuote,
  type RequestInfo,
  type StatusError,
  type UserInfo,
} from "../../machinery/index.ts";
import type { RequestHandler } from "./server-request.ts";

/** What is to be done, as far as a decision may depend on it. */
export type Attributes = Pick<
  RequestInfo,
  | "isResourceRequest"
  | "path"
  | "apiGroup"
  | "apiVersion"
  | "namespace"
  | "resource"
  | "subresource"
  | "name"
  | "fieldSelector"
  | "labelSelector"
> & {
  /** Of a request, or a verb that no request has: `impersonate`, `bind`, `escalate`. */
  readonly verb: string;
};

/** `no-opinion` leaves the decision to another authorizer; where there is none it refuses. */
export interface Decision {
  readonly decision: "allow" | "deny" | "no-opinion";
  /** For people. Told to the caller who is refused. */
  readonly reason?: string;
}

export interface Authorizer {
  /** Asked for every request, so a decision without a promise is cheaper. */
  authorize(user: UserInfo, attributes: Attributes): Decision | Promise<Decision>;
}

/** Refuses with 403 what `authorizer` does not allow. */
export function withAuthorization(next: RequestHandler, authorizer: Authorizer): RequestHandler {
  return (request) => {
    const { user, info } = request;
    const judged = (decision: Decision): ReturnType<RequestHandler> => {
      checkAllowed(decision, user, info);
      return next(request);
    };
    const decision = authorizer.authorize(user, info);
    return decision instanceof Promise ? decision.then(judged) : judged(decision);
  };
}

/** @throws StatusError 403 in upstream's words. */
export function checkAllowed({ decision, reason }: Decision, user: UserInfo, attributes: Attributes): void {
  if (decision !== "allow") throw refusal(user, attributes, reason ?? "");
}

/** `pods "x" is forbidden: User "u" cannot get resource "pods" in API group "" in the namespace "ns": reason` */
function refusal(user: UserInfo, attributes: Attributes, reason: string): StatusError {
  const { verb, apiGroup, resource, subresource, namespace, name, path } = attributes;
  const why = reason === "" ? "" : `: ${reason}`;
  const who = `User ${goQuote(user.username)} cannot ${verb}`;
  if (!attributes.isResourceRequest)
    return forbidden({ group: "", resource: "" }, "", `${who} path ${goQuote(path)}${why}`);
  const what = goQuote(subresource === "" ? resource : `${resource}/${subresource}`);
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${goQuote(namespace)}`;
  const detail = `${who} resource ${what} in API group ${goQuote(apiGroup)} ${where}${why}`;
  return forbidden({ group: apiGroup, resource }, name, detail);
}

const allow: Decision = { decision: "allow" };
const noOpinion: Decision = { decision: "no-opinion" };

/** Members of it may do everything, with every authorizer; as upstream. */
export const mastersGroup = "system:masters";

/** Whoever has been let in may do everything; only `system:masters` may act as somebody else. */
export const allowAuthenticated: Authorizer = {
  authorize: (user, { verb }) =>
    verb !== "impersonate" || user.groups.includes(mastersGroup) ? allow : noOpinion,
};
