/** Acting as somebody else. */
import { expect, it } from "vitest";
import type { Impersonation } from "../../machinery/index.ts";
import { alice, connectionCall, processCall, requestOf, root, work } from "../../testing/calls.ts";
import { publicPaths } from "./authentication.ts";
import { allowAuthenticated, type Authorizer } from "./authorization.ts";
import { withImpersonation } from "./impersonation.ts";

const wish = (user: string | undefined, ...groups: string[]): { impersonate: Impersonation } => ({
  impersonate: { user, groups },
});

function handlerWith(authorizer: Authorizer = allowAuthenticated) {
  const { next, requests } = work();
  return { handler: withImpersonation(next, { authorizer, anonymous: publicPaths }), requests };
}

it("gives the request another user, with the groups that were named", async () => {
  const { handler, requests } = handlerWith();
  await handler(requestOf(connectionCall("GET /api", wish("eve", "a,b", "c")), root));
  expect(requests[0]?.user).toEqual({ username: "eve", groups: ["a,b", "c", "system:authenticated"] });
});

it("leaves those alone who do not want it", () => {
  const { handler, requests } = handlerWith();
  void handler(requestOf(connectionCall("GET /api"), alice));
  void handler(requestOf(processCall("GET /api", alice), alice));
  expect(requests.map(({ user }) => user)).toEqual([alice, alice]);
});

it("is refused to others than administrators", async () => {
  const { handler, requests } = handlerWith();
  await expect(handler(requestOf(connectionCall("GET /api", wish("eve")), alice))).rejects.toMatchObject({
    status: {
      code: 403,
      message:
        'users "eve" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope',
    },
  });
  expect(requests).toEqual([]);
});

it("is asked for user and groups one by one", async () => {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    async authorize(_, { verb, resource, name }) {
      asked.push(`${verb} ${resource} ${name}`);
      return { decision: name === "b" ? "deny" : "allow" };
    },
  };
  const { handler } = handlerWith(authorizer);
  const request = requestOf(connectionCall("GET /api", wish("eve", "a", "b", "c")), alice);
  await expect(handler(request)).rejects.toThrow('cannot impersonate resource "groups"');
  expect(asked).toEqual(["impersonate users eve", "impersonate groups a", "impersonate groups b"]);
});

it("of groups alone is a mistake", async () => {
  const { handler } = handlerWith();
  const request = requestOf(connectionCall("GET /api", wish(undefined, "a")), root);
  await expect(handler(request)).rejects.toMatchObject({
    status: { code: 400, message: "requested [{Group  a    }] without impersonating a user" },
  });
});

it("of a stranger sees what strangers see", async () => {
  const { handler, requests } = handlerWith();
  const as = wish("system:anonymous");
  await handler(requestOf(connectionCall("GET /livez", as), root));
  expect(requests[0]?.user).toEqual({ username: "system:anonymous", groups: ["system:unauthenticated"] });
  const request = requestOf(connectionCall("GET /api", as), root);
  await expect(handler(request)).rejects.toMatchObject({ status: { code: 401 } });
});
