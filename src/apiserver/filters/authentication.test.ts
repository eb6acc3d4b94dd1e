/** Who a caller is, by what it shows. */
import { expect, it } from "vitest";
import type { ConnectionCredentials, UserInfo } from "../../machinery/index.ts";
import { alice, connectionCall, processCall, work } from "../../testing/calls.ts";
import {
  anonymousOn,
  anyOf,
  bearerTokens,
  clientCertificates,
  orElse,
  publicPaths,
  withAuthentication,
} from "./authentication.ts";
import { ServerRequest } from "./server-request.ts";

const robot: UserInfo = { username: "robot", groups: ["bots"] };
const slow: UserInfo = { username: "slow", groups: ["system:authenticated"] };
const tokens = bearerTokens((token) =>
  token === "good" ? robot : token === "slow" ? Promise.resolve(slow) : undefined,
);
const authenticator = orElse(anyOf([clientCertificates, tokens]), anonymousOn(publicPaths));
const certificate = { commonName: "alice", organizations: ["dev"] };
const stranger = { username: "system:anonymous", groups: ["system:unauthenticated"] };

const cases: readonly (readonly [string, Partial<ConnectionCredentials>, string, UserInfo | 401])[] = [
  ["a certificate", { certificate }, "/api", alice],
  [
    "a certificate without groups",
    { certificate: { commonName: "x", organizations: [] } },
    "/api",
    { username: "x", groups: ["system:authenticated"] },
  ],
  ["a certificate and a bad token", { certificate, authorization: "Bearer bad" }, "/api", alice],
  [
    "a token",
    { authorization: "bearer  good" },
    "/api",
    { username: "robot", groups: ["bots", "system:authenticated"] },
  ],
  ["a token that takes time", { authorization: "Bearer slow" }, "/api", slow],
  [
    "a strange certificate and a token",
    { certificate: "refused", authorization: "Bearer good" },
    "/api",
    { username: "robot", groups: ["bots", "system:authenticated"] },
  ],
  ["an unknown token", { authorization: "Bearer bad" }, "/livez", 401],
  ["a strange certificate", { certificate: "refused" }, "/livez", 401],
  ["another scheme", { authorization: "Basic YTpi" }, "/livez", 401],
  ["an empty header", { authorization: "" }, "/livez", 401],
  ["nothing, about health", {}, "/livez", stranger],
  ["nothing, about one check", {}, "/readyz/ping", stranger],
  ["nothing, about the version", {}, "/version/", stranger],
  ["nothing, about discovery", {}, "/apis", 401],
  ["nothing, about a resource", {}, "/api/v1/pods", 401],
  ["nothing, about a path that only begins alike", {}, "/livezzz", 401],
];

it.each(cases)("%s", async (_, credentials, path, expected) => {
  const { next, requests } = work();
  const refused: ServerRequest[] = [];
  const handler = withAuthentication(next, { authenticator, onRefused: (request) => refused.push(request) });
  const request = new ServerRequest(connectionCall(`GET ${path}`, credentials));
  if (expected === 401) {
    await expect(handler(request)).rejects.toMatchObject({ status: { code: 401, message: "Unauthorized" } });
    expect([requests, refused]).toEqual([[], [request]]);
  } else {
    await handler(request);
    expect([requests[0]?.user, refused]).toEqual([expected, []]);
  }
});

it("of a part of this process is what the part says, at once", () => {
  const { next, requests } = work();
  const handler = withAuthentication(next, { authenticator });
  void handler(new ServerRequest(processCall("GET /api/v1/pods", robot)));
  expect(requests[0]?.user).toBe(robot);
});
