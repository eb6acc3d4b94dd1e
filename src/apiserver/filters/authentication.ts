/**
 * Who calls: asks authenticators about the credentials of a connection. A part of this process is whom it says to be.
 *
 *   certificate ─none─▶ bearer token ─none─▶ anonymous, on some paths ─▶ 401
 *        └─refused──────────┴──refused and nobody knows the caller ────▶ 401
 *
 * Not here: what the caller may do (authorization.ts), as whom it acts (impersonation.ts).
 * Upstream: kubernetes v1.35, apiserver/pkg/endpoints/filters/authentication.go, apiserver/pkg/authentication/request.
 */
import {
  type ConnectionCredentials,
  type RequestInfo,
  unauthorized,
  type UserInfo,
} from "../../machinery/index.ts";
import type { RequestHandler, ServerRequest } from "./server-request.ts";

/** `none`: there are no credentials of this sort. `refused`: there are, and they are wrong. */
export type Authentication = UserInfo | "none" | "refused";

export interface Authenticator {
  authenticate(
    credentials: ConnectionCredentials,
    info: RequestInfo,
  ): Authentication | Promise<Authentication>;
}

/** Who a bearer token stands for; undefined when it is not known. */
export type AuthenticateToken = (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>;

export const anonymousUser = "system:anonymous";
export const authenticatedGroup = "system:authenticated";
export const unauthenticatedGroup = "system:unauthenticated";

const anonymous: UserInfo = { username: anonymousUser, groups: [unauthenticatedGroup] };

export interface AuthenticationOptions {
  readonly authenticator: Authenticator;
  /** Told of a request before it is refused with 401. */
  onRefused?(request: ServerRequest): void;
}

/** Sets the user of each request. Refuses with 401 whom no authenticator knows. */
export function withAuthentication(next: RequestHandler, options: AuthenticationOptions): RequestHandler {
  return (request) => {
    const { credentials } = request;
    if (credentials.from === "connection") return fromConnection(request, credentials);
    request.user = credentials.user;
    return next(request);
  };

  async function fromConnection(
    request: ServerRequest,
    credentials: ConnectionCredentials,
  ): ReturnType<RequestHandler> {
    const found = await options.authenticator.authenticate(credentials, request.info);
    if (typeof found === "string") {
      options.onRefused?.(request);
      throw unauthorized();
    }
    request.user = found;
    return next(request);
  }
}

/** Asks all in turn. The first user wins; a refusal counts when none of them knows the caller. */
export function anyOf(authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(credentials, info) {
      let outcome: Authentication = "none";
      for (const authenticator of authenticators) {
        const found = await authenticator.authenticate(credentials, info);
        if (typeof found !== "string") return found;
        if (found === "refused") outcome = found;
      }
      return outcome;
    },
  };
}

/** Asks `second` only where `first` has found no credentials at all. */
export function orElse(first: Authenticator, second: Authenticator): Authenticator {
  return {
    async authenticate(credentials, info) {
      const found = await first.authenticate(credentials, info);
      return found === "none" ? second.authenticate(credentials, info) : found;
    },
  };
}

/** The subject of a client certificate: its common name is the user, its organizations are the groups. */
export const clientCertificates: Authenticator = {
  authenticate({ certificate }) {
    if (certificate === undefined) return "none";
    if (certificate === "refused") return "refused";
    return {
      username: certificate.commonName,
      groups: [...certificate.organizations, authenticatedGroup],
    };
  },
};

/** An Authorization header of any other scheme is refused. */
export function bearerTokens(authenticateToken: AuthenticateToken): Authenticator {
  return {
    async authenticate({ authorization }) {
      if (authorization === undefined) return "none";
      const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
      const user = token === undefined ? undefined : await authenticateToken(token);
      if (user === undefined) return "refused";
      if (user.groups.includes(authenticatedGroup)) return user;
      return { ...user, groups: [...user.groups, authenticatedGroup] };
    },
  };
}

/** Where strangers are let in: these paths and what lies below them. As upstream's conditions of anonymous requests. */
export interface AnonymousOptions {
  readonly paths: readonly string[];
}

/** Health and version, as upstream's default roles allow. */
export const publicPaths: AnonymousOptions = { paths: ["/healthz", "/livez", "/readyz", "/version"] };

export function isAnonymousAllowed({ paths }: AnonymousOptions, { path }: RequestInfo): boolean {
  return paths.some((root) => path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`));
}

/** Everybody is `system:anonymous` on the paths where that is allowed. */
export function anonymousOn(options: AnonymousOptions): Authenticator {
  return {
    authenticate: (_, info) => (isAnonymousAllowed(options, info) ? anonymous : "none"),
  };
}
