/**
 * A kind that a running server is taught, as clients see it: in this process and over real HTTPS. They find it in discovery, OpenAPI, lists,
 * watches, tables, garbage collection and namespace deletion, and lose it again when it is removed.
 * Not here: the registry's own rules (src/apiserver/registry).
 */
import { setMaxListeners } from "node:events";
import { describe, expect, test } from "vitest";
import {
  type Controller,
  createClient,
  createInformerFactory,
  httpTransport,
  loopbackTransport,
  type Transport,
} from "../../src/client/index.ts";
import { serveHttp } from "../../src/apiserver/index.ts";
import { type ConfigMap, configmaps, namespaces, openApiDocument } from "../../src/api/index.ts";
import { seededRandom, silentLog, silentMetrics, type SimulatedClock } from "../../src/base/index.ts";
import { createGarbageCollector } from "../../src/controllers/garbage-collector/index.ts";
import { createNamespaceController } from "../../src/controllers/namespace/index.ts";
import { isNotFound, type KubeObject } from "../../src/machinery/index.ts";
import { turns } from "../../src/testing/http.ts";
import { TestApiServer } from "../../src/testing/test-api-server.ts";
import { testTls } from "../../src/testing/tls.ts";
import { type Widget, widget, widgetResource, widgets } from "../../src/testing/widget.ts";

interface World {
  readonly server: TestApiServer;
  readonly clock: SimulatedClock;
  readonly transport: Transport;
  stop(): Promise<void>;
}

async function inProcess(): Promise<World> {
  const server = await TestApiServer.start({ openApiDocument });
  const user = { username: "admin", groups: ["system:masters"] };
  return {
    server,
    clock: server.clock,
    transport: loopbackTransport(server.handler, { user }),
    stop: () => server.stop(),
  };
}

async function overHttps(): Promise<World> {
  const server = await TestApiServer.start({ openApiDocument });
  const { clock, handler } = server;
  const { ca, server: own, client } = await testTls();
  const tls = { key: own.key, cert: own.cert, clientCa: ca.cert };
  const http = await serveHttp({ host: "127.0.0.1", port: 0, handler, clock, random: seededRandom(1), tls });
  const admin = await client("admin", ["system:masters"]);
  const transport = httpTransport({ server: `https://127.0.0.1:${http.port}`, ca: ca.cert, clock, ...admin });
  return {
    server,
    clock,
    transport,
    stop: async () => {
      await transport.close();
      await http.close();
      await server.stop();
    },
  };
}

describe.each([
  ["in this process", inProcess],
  ["over HTTPS", overHttps],
])("%s", (_where, open) => {
  test("a kind is taught to a running server, and taken back", async () => {
    const world = await open();
    const end = new AbortController();
    // Every informer and watch listens to this one signal.
    setMaxListeners(0, end.signal);
    const runs: Promise<void>[] = [];
    try {
      await story(world, { signal: end.signal, run: (part) => runs.push(part.run(end.signal)) });
    } finally {
      end.abort(new Error("test ends"));
      await Promise.all(runs);
      await world.stop();
    }
  });
});

interface Life {
  readonly signal: AbortSignal;
  run(part: Controller): void;
}

async function story({ server, clock, transport }: World, { signal, run }: Life): Promise<void> {
  const client = createClient(transport);
  const random = seededRandom(2);
  const informers = createInformerFactory(client, { clock, random, log: silentLog });
  const { resources } = server.server;
  const parts = { client, informers, clock, random, log: silentLog, metrics: silentMetrics };
  const context = { ...parts, recorder: { event: () => {}, eventf: () => {} } as never };
  run(createGarbageCollector(context));
  run(createNamespaceController(context));
  resources.subscribe(() => informers.resources.refresh());
  const until = async <T>(
    what: string,
    look: () => T | false | undefined | Promise<T | false | undefined>,
  ): Promise<T> => {
    for (let round = 0; round < 200; round++) {
      await turns();
      const found = await look();
      if (found !== false && found !== undefined) return found;
      await clock.advance(500);
    }
    throw new Error(`never happened: ${what}`);
  };
  const get = async (
    path: string,
    accept = "application/json",
  ): Promise<{ readonly status: number; readonly object: object }> =>
    transport.send({ method: "GET", path, query: [], accept, signal });
  const isDiscovered = async (): Promise<boolean> =>
    (await client.discover()).some(({ group }) => group === "example.com");
  const find = async <T extends KubeObject>(read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  };

  await expect(client.list(widgets, { namespace: "default" })).rejects.toMatchObject({
    status: { code: 404 },
  });
  expect(await isDiscovered()).toBe(false);
  await resources.change({ add: [widgetResource] });

  // Discovery, OpenAPI, tables.
  expect(await isDiscovered()).toBe(true);
  const document = (await get("/openapi/v3/apis/example.com/v1")).object as {
    readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
  };
  expect(document.components.schemas["com.example.v1.WidgetSpec"]?.properties).toMatchObject({
    colour: { type: "string", description: "Blue or red." },
  });
  const create = (name: string, more: object = {}): Promise<Widget> =>
    client.create(widgets, { ...widget(name), metadata: { name, namespace: "default", ...more } });
  const owner = await create("owner");
  const table = await get(
    "/apis/example.com/v1/namespaces/default/widgets",
    "application/json;as=Table;g=meta.k8s.io;v=v1",
  );
  expect(table.object).toMatchObject({ kind: "Table", rows: [{ cells: ["owner", "blue"] }] });

  // Lists and watches, by an informer that was there before its objects.
  const informer = informers.for(widgets);
  const told: string[] = [];
  informer.addHandler({
    added: ({ metadata }) => told.push(`+${metadata.name}`),
    updated: (_before, { status }) => told.push(`turns ${status?.turns}`),
    deleted: ({ metadata }) => told.push(`-${metadata.name}`),
  });
  await until("the first list", () => informer.hasSynced);
  await client.update(widgets, { ...owner, status: { turns: 2 } }, { subresource: "status" });
  await until("the update", () => told.includes("turns 2"));
  expect(told).toEqual(["+owner", "turns 2"]);

  // Garbage collection.
  const { apiVersion = "", kind = "", metadata } = owner;
  const ownerReferences = [{ apiVersion, kind, name: "owner", uid: metadata.uid! }];
  await client.create<ConfigMap>(configmaps, {
    metadata: { name: "owned", namespace: "default", ownerReferences },
  });
  await client.delete(widgets, { name: "owner", namespace: "default" });
  const owned = { name: "owned", namespace: "default" };
  await until(
    "what it owned is collected",
    async () => (await find(client.get(configmaps, owned))) === undefined,
  );
  await until("the deletion is told", () => told.includes("-owner"));

  // Namespace deletion.
  await client.create(namespaces, { metadata: { name: "n" }, spec: {} });
  await client.create(widgets, { ...widget("inside"), metadata: { name: "inside", namespace: "n" } });
  await client.delete(namespaces, { name: "n" });
  await until(
    "the namespace is gone",
    async () => (await find(client.get(namespaces, { name: "n" }))) === undefined,
  );
  expect((await client.list(widgets)).items).toEqual([]);

  // Removal: watches end, nobody finds it, what is stored stays and shows again.
  const kept = await create("kept");
  await until("it is seen", () => told.includes("+kept"));
  const ends: unknown[] = [];
  await client.watch(
    widgets,
    { resourceVersion: "0", signal },
    { events: () => {}, end: (error) => ends.push(error) },
  );
  await resources.change({ remove: [widgets] });
  await until("the watch ends", () => ends.length > 0);
  expect(ends).toEqual([undefined]);
  await expect(client.list(widgets)).rejects.toMatchObject({ status: { code: 404 } });
  expect(await isDiscovered()).toBe(false);
  expect((await get("/openapi/v3/apis/example.com/v1")).status).toBe(404);
  await until("the informer is let go", () => informers.for(widgets) !== informer);
  expect(told.at(-1)).toBe("+kept");
  await resources.change({ add: [widgetResource] });
  expect((await client.list(widgets)).items).toEqual([kept]);
}
