/** Which requests take a seat, which are counted, and of which class they are. */
import { expect, it } from "vitest";
import { silentMetrics, SimulatedClock } from "../../base/index.ts";
import { requestInfoOf } from "../../machinery/index.ts";
import { alice, connectionCall, processCall, requestOf, work } from "../../testing/calls.ts";
import type { RequestClass } from "./fair-queues.ts";
import { requestClass, withFlowControl } from "./flow-control.ts";
import type { ServerRequest } from "./server-request.ts";

it("requests are told apart by who sends them and what for", () => {
  const cases: readonly (readonly [RequestClass, string, readonly string[], string])[] = [
    ["system", "anyone", [], "/readyz"],
    [
      "heartbeats",
      "system:node:a",
      ["system:nodes"],
      "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a",
    ],
    ["heartbeats", "system:node:a", ["system:nodes"], "/api/v1/nodes/a/status"],
    ["controllers", "system:node:a", ["system:nodes"], "/api/v1/namespaces/x/pods/p/status"],
    [
      "system",
      "system:kube-scheduler",
      [],
      "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
    ],
    ["controllers", "system:kube-controller-manager", [], "/apis/apps/v1/daemonsets"],
    [
      "controllers",
      "system:serviceaccount:kube-system:x",
      ["system:serviceaccounts:kube-system"],
      "/api/v1/pods",
    ],
    ["admins", "root", ["system:masters"], "/api/v1/pods"],
    ["others", "system:anonymous", ["system:unauthenticated"], "/api/v1/pods"],
  ];
  for (const [expected, username, groups, path] of cases) {
    const info = requestInfoOf({ method: "GET", path, query: [] });
    expect([path, requestClass({ username, groups }, info)]).toEqual([path, expected]);
  }
});

const deps = { clock: new SimulatedClock(), metrics: silentMetrics };

it("an ordinary request holds its seat until its reply has been sent", async () => {
  const { next, requests } = work();
  const handler = withFlowControl(next, { readsInFlight: 1, writesInFlight: 1 }, deps);
  const first = requestOf(connectionCall("GET /api/v1/pods"), alice);
  const reply = first.ending(await handler(first));
  const second = handler(requestOf(connectionCall("HEAD /api/v1/pods"), alice));
  await handler(requestOf(connectionCall("POST /api/v1/pods"), alice));
  expect(requests.map(({ method }) => method)).toEqual(["GET", "POST"]);
  reply.finished?.();
  reply.finished?.();
  await second;
  expect(requests.map(({ method }) => method)).toEqual(["GET", "POST", "HEAD"]);
});

it("a long-running request takes no seat; it is counted by user and address until its end", async () => {
  const { next } = work();
  const watches = { perUserMax: 1, perAddressMax: 2 };
  const handler = withFlowControl(next, { readsInFlight: 0, watches }, deps);
  const watch = (username: string): ServerRequest =>
    requestOf(connectionCall("GET /api/v1/pods?watch=1"), { username, groups: [] });
  const first = watch("a");
  const reply = first.ending(await handler(first));
  expect(() => handler(watch("a"))).toThrow("Too many watches");
  await handler(watch("b"));
  expect(() => handler(watch("c"))).toThrow("Too many watches");
  reply.finished?.();
  await handler(watch("c"));
});

it("a call from within this process never waits and is not counted", () => {
  const { next, requests } = work();
  const bounds = { readsInFlight: 0, watches: { perUserMax: 0, perAddressMax: 0 } };
  const handler = withFlowControl(next, bounds, deps);
  for (const line of ["GET /api/v1/pods", "GET /api/v1/pods?watch=1"])
    void handler(requestOf(processCall(line, alice), alice));
  expect(requests).toHaveLength(2);
});
