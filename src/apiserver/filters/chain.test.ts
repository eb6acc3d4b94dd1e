/** The filters together: their order, what they cost a call from within, how a call begins and ends. */
import { expect, it } from "vitest";
import { type Log, type Metrics, silentLog, silentMetrics, SimulatedClock } from "../../base/index.ts";
import type { ApiCall, ApiReply } from "../../machinery/index.ts";
import { alice, connectionCall, processCall, root, work } from "../../testing/calls.ts";
import { objectReply } from "../registry/replies.ts";
import type { AuditEvent } from "./audit.ts";
import { type ChainOptions, createChain } from "./chain.ts";
import type { RequestHandler } from "./server-request.ts";

function chainOf(
  next: RequestHandler,
  options: ChainOptions = {},
  more: { log?: Log; metrics?: Metrics } = {},
) {
  const clock = new SimulatedClock();
  const { log = silentLog, metrics = silentMetrics } = more;
  return { handler: createChain(next, options, { clock, log, metrics }), clock };
}

const certificate = { commonName: "root", organizations: ["system:masters"] };

it("a call that is wrong in every way is refused by one filter after the other", async () => {
  const read: string[] = [];
  const readBody = async (): Promise<undefined> => void read.push("body");
  const events: AuditEvent[] = [];
  const path = "POST /api/v1/nodes";
  const wrongs: readonly (readonly [number, ApiCall, number, boolean])[] = [
    // Code, call, audit events until then, whether the body has been read.
    [400, connectionCall("POST /api/v1/nodes/%zz", {}, { readBody }), 0, false],
    [401, connectionCall(path, { impersonate: { user: "x", groups: [] } }, { readBody }), 1, false],
    [
      403,
      connectionCall(
        path,
        { certificate: { commonName: "u", organizations: [] }, impersonate: { user: "x", groups: [] } },
        { readBody },
      ),
      2,
      false,
    ],
    [429, connectionCall(`${path}/n?watch=x`, { certificate }, { readBody }), 2, true],
  ];
  const { handler, clock } = chainOf(work().next, {
    auditSink: { record: (event) => events.push(event) },
    authorizer: { authorize: (_, { verb }) => ({ decision: verb === "create" ? "deny" : "no-opinion" }) },
    flowControl: { writesInFlight: 0 },
  });
  for (const [code, call, audited, isRead] of wrongs) {
    events.length = read.length = 0;
    const reply = handler(call);
    await clock.advance(20_000);
    expect((await reply).status).toBe(code);
    (await reply).finished?.();
    expect([events.length, read.length > 0]).toEqual([audited, isRead]);
  }
  const roomy = chainOf(work().next, { authorizer: { authorize: () => ({ decision: "deny" }) } });
  expect((await roomy.handler(connectionCall(`${path}?timeout=soon`, { certificate }))).status).toBe(403);
  const allowing = chainOf(work().next);
  expect((await allowing.handler(connectionCall(`${path}?timeout=soon`, { certificate }))).status).toBe(400);
});

it("a call from within reaches the work in the same turn", () => {
  const { next, requests } = work();
  void chainOf(next).handler(processCall("GET /api/v1/pods", alice));
  expect(requests).toHaveLength(1);
});

it("the work gets what the call said, and who says it", async () => {
  const { next, requests } = work();
  const head = { accept: "a/b", contentType: "c/d", userAgent: "e", ifNoneMatch: "f" };
  const body = { kind: "Pod" };
  await chainOf(next).handler(processCall("PUT /api/v1/nodes/n?x=y", root, { ...head, body }));
  expect(requests[0]).toMatchObject({
    ...head,
    body,
    method: "PUT",
    path: "/api/v1/nodes/n",
    query: [["x", "y"]],
    user: root,
    info: { verb: "update", name: "n" },
  });
});

it("a failure is a Status; one of ours is logged", async () => {
  const logged: unknown[] = [];
  const log: Log = {
    ...silentLog,
    error: (message, fields) => void logged.push([message, fields?.["path"]]),
  };
  const broken = chainOf(() => Promise.reject(new Error("boom")), {}, { log });
  const reply = await broken.handler(processCall("GET /api/v1/pods", alice));
  expect(reply).toMatchObject({ status: 500, body: { object: { reason: "InternalError" } } });
  expect((await broken.handler(processCall("GET /api/v1/nodes/%zz", alice))).status).toBe(400);
  expect(logged).toEqual([["request failed", "/api/v1/pods"]]);
});

it("calls are counted with what the work calls them, refused ones by their method; those who have gone are not", async () => {
  const counted: unknown[] = [];
  const metrics: Metrics = {
    ...silentMetrics,
    counter: (name) => ({
      add: (_, labels) => void (name === "apiserver_request_total" && counted.push(labels)),
    }),
  };
  const next: RequestHandler = async (request) => {
    request.countedAs = { verb: "list", resource: "pods" };
    request.signal.throwIfAborted();
    return objectReply(200, {});
  };
  const { handler } = chainOf(next, {}, { metrics });
  await handler(processCall("GET /api/v1/pods", alice));
  await handler(connectionCall("DELETE /api/v1/nodes"));
  await handler(processCall("GET /api/v1/pods", alice, { signal: AbortSignal.abort(new Error("gone")) }));
  expect(counted).toEqual([
    { verb: "list", resource: "pods", code: "200" },
    { verb: "delete", resource: "", code: "401" },
  ]);
});

it("what a request holds is given back once, also when the work fails", async () => {
  const { handler } = chainOf(() => Promise.reject(new Error("boom")), { flowControl: { readsInFlight: 1 } });
  const replies: ApiReply[] = [];
  for (let round = 0; round < 3; round++) {
    const reply = await handler(connectionCall("GET /api/v1/nodes", { certificate }));
    reply.finished?.();
    reply.finished?.();
    replies.push(reply);
  }
  expect(replies.map(({ status }) => status)).toEqual([500, 500, 500]);
});
