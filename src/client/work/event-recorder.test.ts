/** Events as a server receives them: form, counts, combination, spam limit, failures. */
import { expect, test } from "vitest";
import { type DaemonSet, type Event, events as eventResource, namespaces } from "../../api/index.ts";
import { seededRandom, silentLog, type SimulatedClock } from "../../base/index.ts";
import { forbidden, type KubeObject, StatusError } from "../../machinery/index.ts";
import { FaultyServer } from "../../testing/faulty-server.ts";
import { createClient } from "../transport/api-client.ts";
import type { Transport } from "../transport/client.ts";
import { createEventRecorder, type EventRecorder, queuedEventsMax } from "./event-recorder.ts";
import { loopbackTransport } from "../transport/loopback-transport.ts";

/** Lets promise chains of any length run to their end. */
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Rig {
  readonly server: FaultyServer;
  readonly clock: SimulatedClock;
  readonly recorder: EventRecorder;
  readonly logged: string[];
  readonly events: () => Promise<readonly Event[]>;
}

async function rig(
  wrap: (transport: Transport) => Transport = (transport) => transport,
  signal?: AbortSignal,
): Promise<Rig> {
  const server = await FaultyServer.start();
  const { clock } = server;
  await server.put(namespaces, { metadata: { name: "ns" } });
  const logged: string[] = [];
  const warn = (message: string, fields: { readonly count?: number } = {}): void => {
    logged.push(fields.count === undefined ? message : `${message}: ${fields.count}`);
  };
  const log = { ...silentLog, warn };
  const transport = wrap(loopbackTransport(server.handler, { user: { username: "u", groups: [] } }));
  const client = createClient(transport);
  const recorder = createEventRecorder({
    client,
    component: "daemonset-controller",
    clock,
    random: seededRandom(3),
    log,
    ...(signal === undefined ? {} : { signal }),
  });
  return { server, clock, recorder, logged, events: () => server.objects(eventResource) };
}

function daemonSet(name: string): DaemonSet {
  const metadata = { name, namespace: "ns", uid: `uid-${name}`, resourceVersion: "17" };
  return { apiVersion: "apps/v1", kind: "DaemonSet", metadata } as DaemonSet;
}

test("an event has client-go's form", async () => {
  const { recorder, events } = await rig();
  recorder.event(daemonSet("agent"), "Normal", "SuccessfulCreate", "Created pod: agent-x");
  expect(await events()).toHaveLength(0);
  await recorder.flush();
  const [event] = await events();
  expect(event!.metadata.name).toMatch(/^agent\.[0-9a-f]{16}$/);
  expect(event).toMatchObject({
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace: "ns" },
    involvedObject: {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      namespace: "ns",
      name: "agent",
      uid: "uid-agent",
      resourceVersion: "17",
    },
    reason: "SuccessfulCreate",
    message: "Created pod: agent-x",
    type: "Normal",
    source: { component: "daemonset-controller" },
    reportingComponent: "daemonset-controller",
    reportingInstance: "",
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    count: 1,
  });
});

test("a repeated event raises the count of the first; events about cluster-scoped objects lie in namespace default", async () => {
  const { recorder, events, clock, server } = await rig();
  const about = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n1" };
  for (let i = 0; i < 3; i++) {
    recorder.event(about, "Warning", "R", "m");
    await clock.advance(2000);
  }
  expect(await events()).toHaveLength(1);
  expect((await events())[0]).toMatchObject({
    metadata: { namespace: "default" },
    count: 3,
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:04Z",
  });
  expect(server.calls.map((call) => call.method)).toEqual(["POST", "PATCH", "PATCH"]);
});

test("a burst of one event is one write", async () => {
  const { recorder, events, server } = await rig();
  for (let i = 0; i < 5; i++) recorder.event(daemonSet("a"), "Normal", "R", "m");
  await recorder.flush();
  expect((await events())[0]!.count).toBe(5);
  expect(server.calls.length).toBeLessThanOrEqual(2);
});

test("what happens while an event is written is written afterwards", async () => {
  let send = (): void => {};
  const isSlow = { next: true };
  const { recorder, events, clock } = await rig((transport) => ({
    ...transport,
    send: async (call) => {
      if (isSlow.next) await new Promise<void>((resolve) => (send = resolve));
      return await transport.send(call);
    },
  }));
  recorder.event(daemonSet("a"), "Normal", "R", "m");
  await clock.advance(0);
  recorder.event(daemonSet("a"), "Normal", "R", "m");
  recorder.event(daemonSet("a"), "Normal", "R", "m");
  isSlow.next = false;
  send();
  await recorder.flush();
  expect((await events()).map((event) => event.count)).toEqual([3]);
});

test("an event that the server has forgotten is created again", async () => {
  const { recorder, events, server } = await rig();
  recorder.event(daemonSet("a"), "Normal", "R", "m");
  await recorder.flush();
  await server.remove(eventResource, (await events())[0]!.metadata.name!, "ns");
  recorder.event(daemonSet("a"), "Normal", "R", "m");
  await recorder.flush();
  expect((await events()).map((event) => event.count)).toEqual([2]);
});

test("the tenth similar message in ten minutes begins a combined event", async () => {
  const { recorder, events, clock } = await rig();
  for (let i = 1; i <= 12; i++) {
    recorder.event(daemonSet("a"), "Normal", "SuccessfulCreate", `Created pod: a-${i}`);
    await clock.advance(1000);
  }
  const combined = (await events()).filter((event) =>
    event.message!.startsWith("(combined from similar events): "),
  );
  expect([(await events()).length, combined.length]).toEqual([10, 1]);
  expect(combined[0]).toMatchObject({
    count: 3,
    message: "(combined from similar events): Created pod: a-12",
  });
  await clock.advance(601_000);
  recorder.event(daemonSet("a"), "Normal", "SuccessfulCreate", "Created pod: a-13");
  await recorder.flush();
  expect((await events()).at(-1)).toMatchObject({ count: 1, message: "Created pod: a-13" });
});

test("one object makes 25 events at once, then one every five minutes; other objects are not affected", async () => {
  const { recorder, events, clock } = await rig();
  for (let i = 0; i < 40; i++) recorder.event(daemonSet("loud"), "Normal", `Reason${i}`, "m");
  recorder.event(daemonSet("quiet"), "Normal", "R", "m");
  await recorder.flush();
  expect(await events()).toHaveLength(26);
  await clock.advance(300_000);
  for (let i = 0; i < 5; i++) recorder.event(daemonSet("loud"), "Normal", `Later${i}`, "m");
  await recorder.flush();
  expect(await events()).toHaveLength(27);
});

test("refusals because of a terminating namespace are not logged, others once", async () => {
  const { recorder, events, server, clock, logged } = await rig();
  const base = forbidden({ group: "", resource: "events" }, "", "because").status;
  const causes = [{ reason: "NamespaceTerminating" }];
  server.failNext(new StatusError({ ...base, details: { ...base.details, causes } }));
  recorder.event(daemonSet("a"), "Normal", "R", "m");
  await recorder.flush();
  expect(logged).toEqual([]);
  await clock.advance(10_000);
  server.failNext(new StatusError(base));
  recorder.event(daemonSet("b"), "Normal", "R", "m");
  await recorder.flush();
  expect([logged, (await events()).length]).toEqual([["event rejected"], 0]);
});

test("while the server cannot be reached events wait, are bounded, and arrive later", async () => {
  let isDown = true;
  const { recorder, events, clock, logged } = await rig((transport) => ({
    ...transport,
    send: (call) => (isDown ? Promise.reject(new Error("connection refused")) : transport.send(call)),
  }));
  for (let i = 0; i < queuedEventsMax + 100; i++) recorder.event(daemonSet(`d${i}`), "Normal", "R", "m");
  await clock.advance(15_000);
  expect([(await events()).length, logged]).toEqual([0, []]);
  isDown = false;
  await clock.advance(20_000, drain);
  expect(await events()).toHaveLength(queuedEventsMax);
  await clock.advance(30_000);
  expect(logged).toEqual(["events dropped, too many were waiting: 100"]);
});

test("dropped events are told of once a minute, and at the end", async () => {
  const end = new AbortController();
  const { recorder, clock, logged } = await rig(
    (transport) => ({ ...transport, send: () => new Promise(() => {}) }),
    end.signal,
  );
  const make = (from: number, count: number): void => {
    for (let i = from; i < from + count; i++) recorder.event(daemonSet(`d${i}`), "Normal", "R", "m");
  };
  make(0, queuedEventsMax + 7);
  await clock.advance(50_000);
  // As many as are being written have left the queue.
  make(10_000, 8 + 3);
  await clock.advance(10_000);
  expect(logged).toEqual(["events dropped, too many were waiting: 10"]);
  await clock.advance(600_000);
  expect(logged).toHaveLength(1);
  make(20_000, 4);
  end.abort(new Error("test ends"));
  expect(logged).toEqual([
    "events dropped, too many were waiting: 10",
    "events dropped, too many were waiting: 4",
  ]);
  await clock.advance(120_000);
  expect(logged).toHaveLength(2);
});

test("after a namespace refused an event because it goes, none is sent there for a while", async () => {
  let posts = 0;
  const { recorder, events, server, clock } = await rig((transport) => ({
    ...transport,
    send: (call) => {
      if (call.method === "POST") posts++;
      return transport.send(call);
    },
  }));
  const { status } = forbidden({ group: "", resource: "events" }, "", "because");
  const causes = [{ reason: "NamespaceTerminating" }];
  server.failNext(new StatusError({ ...status, details: { ...status.details, causes } }));
  recorder.event(daemonSet("first"), "Normal", "R", "m");
  await recorder.flush();
  for (let i = 0; i < 50; i++) recorder.event(daemonSet(`d${i}`), "Normal", "R", "m");
  await recorder.flush();
  expect(posts).toBe(1);
  await server.put(namespaces, { metadata: { name: "other" } });
  const { metadata, ...rest } = daemonSet("elsewhere");
  recorder.event({ ...rest, metadata: { ...metadata, namespace: "other" } }, "Normal", "R", "m");
  await recorder.flush();
  await clock.advance(10_000);
  recorder.event(daemonSet("later"), "Normal", "R", "m");
  await recorder.flush();
  expect((await events()).map(({ involvedObject }) => involvedObject.name)).toEqual(["later", "elsewhere"]);
});

test("names of events are unique within a millisecond and never too long", async () => {
  const { recorder, events } = await rig();
  for (let i = 0; i < 20; i++) recorder.event(daemonSet("x".repeat(253)), "Normal", `R${i}`, "m");
  await recorder.flush();
  const names = (await events()).map((event: KubeObject) => event.metadata.name!);
  expect(new Set(names).size).toBe(20);
  expect(Math.max(...names.map((name) => name.length))).toBe(253);
});
