/**
 * Acting as somebody else: `kubectl --as` and `--as-group`. Everything after this filter sees the user that is acted as.
 * Not here: who may do it (the authorizer, asked with the verb `impersonate`).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/filters/impersonation.
 * Differs: service accounts are asked for as users; UID and extra are not understood.
 */
import { badRequest, type Impersonation, unauthorized, type UserInfo } from "../../machinery/index.ts";
import {
  type AnonymousOptions,
  anonymousUser,
  authenticatedGroup,
  isAnonymousAllowed,
  unauthenticatedGroup,
} from "./authentication.ts";
import { type Attributes, type Authorizer, checkAllowed } from "./authorization.ts";
import type { RequestHandler, ServerRequest } from "./server-request.ts";

export interface ImpersonationOptions {
  readonly authorizer: Authorizer;
  /** Holds for those who act as `system:anonymous` too. */
  readonly anonymous: AnonymousOptions;
}

/** Refuses with 400 groups without a user, with 403 whom the authorizer does not allow it, with 401 anonymous where strangers get that. */
export function withImpersonation(next: RequestHandler, options: ImpersonationOptions): RequestHandler {
  return (request) => {
    const { credentials } = request;
    if (credentials.from === "process" || credentials.impersonate === undefined) return next(request);
    return impersonate(request, credentials.impersonate);
  };

  async function impersonate(request: ServerRequest, wanted: Impersonation): ReturnType<RequestHandler> {
    const { user: name, groups } = wanted;
    if (name === undefined) {
      const asked = groups.map((group) => `{Group  ${group}    }`);
      throw badRequest(`requested [${asked.join(" ")}] without impersonating a user`);
    }
    const asked = [asking("users", name), ...groups.map((group) => asking("groups", group))];
    for (const attributes of asked) {
      const decision = await options.authorizer.authorize(request.user, attributes);
      checkAllowed(decision, request.user, attributes);
    }
    if (name === anonymousUser && !isAnonymousAllowed(options.anonymous, request.info)) throw unauthorized();
    request.user = impersonated(name, groups);
    return next(request);
  }
}

function impersonated(username: string, groups: readonly string[]): UserInfo {
  const group = username === anonymousUser ? unauthenticatedGroup : authenticatedGroup;
  return { username, groups: [...groups, group] };
}

function asking(resource: "users" | "groups", name: string): Attributes {
  return {
    isResourceRequest: true,
    path: "",
    verb: "impersonate",
    apiGroup: "",
    apiVersion: "v1",
    namespace: "",
    resource,
    subresource: "",
    name,
    fieldSelector: "",
    labelSelector: "",
  };
}
