/** The requests that the client makes, and what it returns for replies; over the loopback and the real API server. */
import { expect, test } from "vitest";
import { daemonsets, nodes, type Pod, pods } from "../../api/index.ts";
import {
  type ApiHandler,
  expired,
  isConflict,
  isExpired,
  isNotFound,
  type WatchSink,
} from "../../machinery/index.ts";
import { FaultyServer } from "../../testing/faulty-server.ts";
import { samplePod } from "../../testing/test-api-server.ts";
import { createClient } from "./api-client.ts";
import type { Client, Transport, TransportCall, WatchEvent } from "./client.ts";
import { loopbackTransport } from "./loopback-transport.ts";

const user = { username: "tester", groups: [] };
const pod = {
  ...samplePod("p"),
  metadata: { namespace: "default", name: "p" },
} as Pod;

async function serverClient(): Promise<{ readonly client: Client; readonly server: FaultyServer }> {
  const server = await FaultyServer.start();
  return { server, client: createClient(loopbackTransport(server.handler, { user })) };
}

/** Keeps every call and answers with an empty object. */
function listening(): { readonly client: Client; readonly calls: TransportCall[] } {
  const calls: TransportCall[] = [];
  const transport: Transport = {
    send: async (call) => {
      calls.push(call);
      return { status: 200, object: {}, warnings: [] };
    },
    watch: async (call) => void calls.push(call),
    stream: () => Promise.reject(new Error("no streams")),
    close: async () => {},
  };
  return { client: createClient(transport, { fieldManager: "fm", userAgent: "ua" }), calls };
}

test("each method makes upstream's request", async () => {
  const { client, calls } = listening();
  const address = { namespace: "ns", name: "a/b" };
  const abort = new AbortController();
  await client.get(pods, address);
  await client.list(pods, { namespace: "ns", labelSelector: "a=b", limit: 5, resourceVersion: "0" });
  await client.create(daemonsets, { metadata: { namespace: "ns", name: "d" } } as never, { dryRun: true });
  await client.createSubresource(pods, { ...address, subresource: "binding" }, { target: {} });
  await client.update(nodes, { metadata: { name: "n" } } as never, {
    subresource: "status",
    fieldManager: "me",
  });
  await client.patch(pods, address, { type: "apply", body: {} }, { force: true, fieldValidation: "Strict" });
  await client.delete(pods, address, { gracePeriodSeconds: 0, preconditions: { uid: "u" } });
  await client.watch(
    pods,
    { signal: abort.signal, resourceVersion: "7", timeoutSeconds: 9, allowWatchBookmarks: true },
    { events() {}, end() {} },
  );
  const shown = calls.map(
    (call) => `${call.method} ${call.path}?${call.query.map((pair) => pair.join("=")).join("&")}`,
  );
  expect(shown).toEqual([
    "GET /api/v1/namespaces/ns/pods/a%2Fb?",
    "GET /api/v1/namespaces/ns/pods?labelSelector=a=b&resourceVersion=0&limit=5",
    "POST /apis/apps/v1/namespaces/ns/daemonsets?fieldManager=fm&dryRun=All",
    "POST /api/v1/namespaces/ns/pods/a%2Fb/binding?fieldManager=fm",
    "PUT /api/v1/nodes/n/status?fieldManager=me",
    "PATCH /api/v1/namespaces/ns/pods/a%2Fb?fieldManager=fm&fieldValidation=Strict&force=true",
    "DELETE /api/v1/namespaces/ns/pods/a%2Fb?",
    "GET /api/v1/pods?resourceVersion=7&watch=true&allowWatchBookmarks=true&timeoutSeconds=9",
  ]);
  expect(calls[2]!.body).toMatchObject({ apiVersion: "apps/v1", kind: "DaemonSet" });
  expect(calls[5]!.contentType).toBe("application/apply-patch+yaml");
  expect(calls[6]!.body).toMatchObject({
    kind: "DeleteOptions",
    gracePeriodSeconds: 0,
    preconditions: { uid: "u" },
  });
  expect(calls.every((call) => call.userAgent === "ua")).toBe(true);
});

test("failures carry the server's Status", async () => {
  const { client } = await serverClient();
  await client.create(pods, pod);
  expect(await client.get(pods, { namespace: "default", name: "q" }).catch(isNotFound)).toBe(true);
  const stale = { ...pod, metadata: { ...pod.metadata, resourceVersion: "1" } };
  expect(await client.update(pods, stale).catch(isConflict)).toBe(true);
});

test("a failure without a Status has its code", async () => {
  const transport = { ...listening(), send: async () => ({ status: 503, object: {}, warnings: [] }) };
  const client = createClient(transport as never);
  await expect(client.get(nodes, { name: "n" })).rejects.toMatchObject({
    status: { code: 503, reason: "ServiceUnavailable" },
  });
});

test("list items always have apiVersion and kind", async () => {
  const items = [{ metadata: { name: "n" } }];
  const send = async (): Promise<object> => ({ status: 200, object: { metadata: {}, items }, warnings: [] });
  const client = createClient({ ...listening(), send } as never);
  expect((await client.list(nodes)).items[0]).toMatchObject({ kind: "Node", apiVersion: "v1" });
});

test("an ERROR event ends the watch with a StatusError, and nothing follows", async () => {
  let server: WatchSink | undefined;
  let stopped = 0;
  const handler: ApiHandler = async () => ({
    status: 200,
    contentType: "application/json",
    body: {
      as: "watch",
      start: (sink) => {
        server = sink;
        return () => stopped++;
      },
    },
  });
  const seen: unknown[] = [];
  const client = createClient(loopbackTransport(handler, { user }));
  await client.watch(
    pods,
    { signal: new AbortController().signal },
    {
      events: (batch: readonly WatchEvent[]) => seen.push(...batch.map((event) => event.type)),
      end: (error) => seen.push(isExpired(error) ? "expired" : error),
    },
  );
  const bytes = (): Uint8Array => new Uint8Array();
  server!.events([
    { type: "ADDED", object: pod, bytes },
    { type: "ERROR", object: expired("too old").status, bytes },
    { type: "ADDED", object: pod, bytes },
  ]);
  await new Promise(setImmediate);
  server!.events([{ type: "ADDED", object: pod, bytes }]);
  await new Promise(setImmediate);
  expect(seen).toEqual(["ADDED", "expired"]);
  expect(stopped).toBe(1);
});

test("events that a transport sends after an ERROR event are ignored", async () => {
  const seen: unknown[] = [];
  const watch: Transport["watch"] = async (_, sink) => {
    sink.events([{ type: "ERROR", object: expired("old").status as never }]);
    sink.events([{ type: "ADDED", object: pod }]);
    sink.end();
  };
  const client = createClient({ ...listening(), watch } as never);
  const sink = {
    events: () => void seen.push("events"),
    end: (error: unknown) => void seen.push(isExpired(error)),
  };
  await client.watch(pods, { signal: new AbortController().signal }, sink);
  expect(seen).toEqual([true]);
});

test("a watch that the server refuses rejects", async () => {
  const { client, server } = await serverClient();
  server.failNext(expired("gone"));
  const sink = { events() {}, end: () => expect.unreachable() };
  expect(await client.watch(pods, { signal: new AbortController().signal }, sink).catch(isExpired)).toBe(
    true,
  );
});
