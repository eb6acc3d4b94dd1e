/** What an audit sink is told. */
import { expect, it } from "vitest";
import { forbidden } from "../../machinery/index.ts";
import { alice, connectionCall, requestOf, root, work } from "../../testing/calls.ts";
import { objectReply } from "../registry/replies.ts";
import { type AuditEvent, auditRefused, type AuditSink, silentAudit, withAudit } from "./audit.ts";
import type { RequestHandler } from "./server-request.ts";

function recorder(): { sink: AuditSink; events: AuditEvent[]; told(): unknown[] } {
  const events: AuditEvent[] = [];
  return {
    sink: { record: (event) => events.push(event) },
    events,
    told: () =>
      events.map(({ stage, user, impersonatedUser, code }) =>
        [stage, user?.username, impersonatedUser?.username, code].filter((part) => part !== undefined),
      ),
  };
}

it("the beginning, and the end when the reply has been sent", async () => {
  const { sink, told, events } = recorder();
  const request = requestOf(connectionCall("GET /api/v1/pods"), alice);
  const reply = await withAudit(work().next, sink)(request);
  expect(told()).toEqual([["RequestReceived", "alice"]]);
  const ending = request.ending(reply);
  ending.finished?.();
  ending.finished?.();
  expect(told()).toEqual([
    ["RequestReceived", "alice"],
    ["ResponseComplete", "alice", 200],
  ]);
  expect(events.map((event) => event.request)).toEqual([request, request]);
});

it("that the reply to a long-running request has begun", async () => {
  const { sink, told } = recorder();
  const request = requestOf(connectionCall("GET /api/v1/pods?watch=1"), alice);
  await withAudit(work().next, sink)(request);
  expect(told()).toEqual([
    ["RequestReceived", "alice"],
    ["ResponseStarted", "alice", 200],
  ]);
});

it("who really calls, and as whom", async () => {
  const { sink, told } = recorder();
  const next: RequestHandler = async (request) => {
    request.user = alice;
    return objectReply(201, {});
  };
  const request = requestOf(connectionCall("POST /api/v1/nodes"), root);
  request.ending(await withAudit(next, sink)(request)).finished?.();
  expect(told()).toEqual([
    ["RequestReceived", "root"],
    ["ResponseComplete", "root", "alice", 201],
  ]);
});

it("that the request was refused further on", async () => {
  const { sink, told } = recorder();
  const next: RequestHandler = () => {
    throw forbidden({ group: "", resource: "pods" }, "x", "no");
  };
  const request = requestOf(connectionCall("GET /api"), alice);
  await expect(withAudit(next, sink)(request)).rejects.toThrow("forbidden");
  request.ending(objectReply(403, {})).finished?.();
  expect(told()).toEqual([
    ["RequestReceived", "alice"],
    ["ResponseComplete", "alice", 403],
  ]);
});

it("whom nobody knows", () => {
  const { sink, told } = recorder();
  auditRefused(sink)(requestOf(connectionCall("GET /api"), alice));
  expect(told()).toEqual([["ResponseStarted", 401]]);
});

it("nothing when nobody listens, and that costs nothing", () => {
  const { next } = work();
  expect(withAudit(next, silentAudit)).toBe(next);
});
