/** What an authorizer's decision does to a request, and in which words. */
import { expect, it } from "vitest";
import { alice, connectionCall, requestOf, root, work } from "../../testing/calls.ts";
import { allowAuthenticated, type Authorizer, type Decision, withAuthorization } from "./authorization.ts";

function deciding(decision: Decision | Promise<Decision>): { authorizer: Authorizer; asked: unknown[] } {
  const asked: unknown[] = [];
  const authorizer: Authorizer = {
    authorize(user, { verb, resource, name }) {
      asked.push([user.username, verb, resource, name]);
      return decision;
    },
  };
  return { authorizer, asked };
}

it("asks about the user and what is to be done", async () => {
  const { next, requests } = work();
  const { authorizer, asked } = deciding({ decision: "allow" });
  await withAuthorization(next, authorizer)(requestOf(connectionCall("DELETE /api/v1/nodes/n"), alice));
  expect(asked).toEqual([["alice", "delete", "nodes", "n"]]);
  expect(requests).toHaveLength(1);
});

it.each([
  [
    "GET /api/v1/namespaces/ns/pods/x",
    'pods "x" is forbidden: User "alice" cannot get resource "pods" in API group "" in the namespace "ns"',
  ],
  [
    "GET /api/v1/namespaces/ns/pods",
    'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "ns"',
  ],
  [
    "PUT /apis/apps/v1/namespaces/ns/daemonsets/x/status",
    'daemonsets.apps "x" is forbidden: User "alice" cannot update resource "daemonsets/status" in API group "apps" in the namespace "ns"',
  ],
  [
    "GET /api/v1/nodes?watch=1",
    'nodes is forbidden: User "alice" cannot watch resource "nodes" in API group "" at the cluster scope',
  ],
  ["GET /metrics", 'forbidden: User "alice" cannot get path "/metrics"'],
])("refuses %s in upstream's words", async (line, message) => {
  for (const decision of ["deny", "no-opinion"] as const) {
    const { next, requests } = work();
    const { authorizer } = deciding(Promise.resolve({ decision }));
    const handler = withAuthorization(next, authorizer);
    await expect(handler(requestOf(connectionCall(line), alice))).rejects.toMatchObject({
      status: { code: 403, reason: "Forbidden", message },
    });
    expect(requests).toEqual([]);
  }
});

it("tells the reason", () => {
  const { authorizer } = deciding({ decision: "deny", reason: "no role" });
  const handler = withAuthorization(work().next, authorizer);
  const request = requestOf(connectionCall("GET /metrics"), alice);
  expect(() => handler(request)).toThrow('cannot get path "/metrics": no role');
});

it("without roles lets everybody do everything, but for acting as somebody else", () => {
  const { info } = requestOf(connectionCall("DELETE /api/v1/nodes"), alice);
  const impersonate = { ...info, verb: "impersonate" };
  expect(allowAuthenticated.authorize(alice, info)).toEqual({ decision: "allow" });
  expect(allowAuthenticated.authorize(alice, impersonate)).toEqual({ decision: "no-opinion" });
  expect(allowAuthenticated.authorize(root, impersonate)).toEqual({ decision: "allow" });
});
