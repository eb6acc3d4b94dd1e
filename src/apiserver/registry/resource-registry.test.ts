/** What is served changes while the server runs: kinds come, go and are replaced, with requests, watches and objects there. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodes, openApiDocument, pods } from "../../api/index.ts";
import { seededRandom, settleMicrotasks, silentLog, silentMetrics } from "../../base/index.ts";
import { forbidden } from "../../machinery/index.ts";
import { createMemoryStore } from "../../storage/index.ts";
import { deferred } from "../../testing/http.ts";
import { TestApiServer } from "../../testing/test-api-server.ts";
import { widget, widgetBetaResource, widgetResource, widgets } from "../../testing/widget.ts";
import type { AdmissionPlugin } from "../admission/chain.ts";
import { createApiServer } from "../server.ts";
import type { ResourceDefinition } from "./definition.ts";
import { turnMsMax } from "./key-turns.ts";

const path = "/apis/example.com/v1/namespaces/default/widgets";
const merge = "application/merge-patch+json";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start({ openApiDocument });
});
afterEach(() => api.stop());

const add = (...definitions: readonly ResourceDefinition[]): Promise<void> =>
  api.server.resources.change({ add: definitions });
const remove = (): Promise<void> => api.server.resources.change({ remove: [widgets] });
const replace = (definition: ResourceDefinition): Promise<void> =>
  api.server.resources.change({ remove: [widgets], add: [definition] });
const names = (list: {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}): unknown => list.items.map(({ metadata }) => metadata.name);

describe("a kind that is added", () => {
  it("is served in every way that a built-in one is", async () => {
    expect((await api.call("GET", path)).object).toMatchObject({ code: 404, reason: "NotFound" });
    await add(widgetResource);
    const made = await api.ok("POST", path, { body: widget("a") });
    expect(made).toMatchObject({
      apiVersion: "example.com/v1",
      metadata: { namespace: "default", generation: 1 },
      spec: { colour: "blue", size: 1 },
    });
    const green = await api.call("POST", path, { body: widget("b", "green") });
    expect(green.object.message).toContain('spec.colour: Unsupported value: "green"');
    const unknown = await api.call("POST", path, {
      body: { ...widget("b"), spec: { colour: "red", weight: 1 } },
    });
    expect(unknown.warnings).toEqual(['unknown field "spec.weight"']);
    const strict = await api.call("PATCH", `${path}/a?fieldValidation=Strict`, {
      body: { spec: { weight: 1 } },
      contentType: merge,
    });
    expect(strict.status).toBe(422);
    const turned = { body: { status: { turns: 3 } }, contentType: merge };
    expect(await api.ok("PATCH", `${path}/a/status`, turned)).toMatchObject({ status: { turns: 3 } });
    const resized = await api.ok("PATCH", `${path}/a`, { body: { spec: { size: 2 } }, contentType: merge });
    expect(resized).toMatchObject({ metadata: { generation: 2 }, status: { turns: 3 } });
    expect(names(await api.ok("GET", `${path}?fieldSelector=spec.colour=red`))).toEqual(["b"]);
    const table = "application/json;as=Table;g=meta.k8s.io;v=v1";
    expect(await api.ok("GET", path, { accept: table })).toMatchObject({
      columnDefinitions: [{ name: "Name" }, { name: "Colour" }],
      rows: [{ cells: ["a", "blue"] }, { cells: ["b", "red"] }],
    });
    await api.ok("DELETE", `${path}/a`);
    expect(names(await api.ok("GET", path))).toEqual(["b"]);
  });

  it("is watched", async () => {
    await add(widgetResource);
    const watch = await api.watch(`${path}?watch=1`);
    await api.ok("POST", path, { body: widget("a") });
    await api.ok("DELETE", `${path}/a`);
    await settleMicrotasks();
    expect(watch.events.map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ["ADDED", "a"],
      ["DELETED", "a"],
    ]);
  });

  it("is found in discovery, in both forms, and in OpenAPI", async () => {
    const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const found = async (): Promise<unknown> => {
      const legacy = (await api.ok("GET", "/apis")).groups.map(({ name }: { name: string }) => name);
      const newer = (await api.ok("GET", "/apis", { accept: aggregated })).items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
      const documents = Object.keys((await api.ok("GET", "/openapi/v3")).paths);
      const isIn = (list: readonly string[], name: string): boolean => list.includes(name);
      return [
        isIn(legacy, "example.com"),
        isIn(newer, "example.com"),
        isIn(documents, "apis/example.com/v1"),
        (await api.call("GET", "/apis/example.com/v1")).status,
        (await api.call("GET", "/openapi/v3/apis/example.com/v1")).status,
      ];
    };
    const before = await api.ok("GET", "/apis", { accept: aggregated });
    expect(await found()).toEqual([false, false, false, 404, 404]);
    await add(widgetResource);
    expect(await found()).toEqual([true, true, true, 200, 200]);
    expect((await api.ok("GET", "/apis/example.com/v1")).resources).toMatchObject([
      { name: "widgets", shortNames: ["wd"], kind: "Widget", namespaced: true },
      { name: "widgets/turn", kind: "WidgetTurn", verbs: ["create"] },
      { name: "widgets/status", kind: "Widget" },
    ]);
    const document = await api.ok("GET", "/openapi/v3/apis/example.com/v1");
    expect(document.components.schemas["com.example.v1.Widget"]).toMatchObject({
      description: "A widget for tests.",
    });
    await remove();
    expect(await found()).toEqual([false, false, false, 404, 404]);
    expect(await api.ok("GET", "/apis", { accept: aggregated })).toEqual(before);
  });

  it("shows the objects that are in the store already, with their versions", async () => {
    await add(widgetResource);
    const made = await api.ok("POST", path, { body: widget("a") });
    await remove();
    await api.ok("POST", "/api/v1/namespaces/default/configmaps", { body: { metadata: { name: "x" } } });
    await add(widgetResource);
    expect(await api.ok("GET", `${path}/a`)).toEqual(made);
    const list = await api.ok("GET", path);
    expect(names(list)).toEqual(["a"]);
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
    // Who watched before goes on where it was.
    const watch = await api.watch(
      `${path}?watch=1&resourceVersion=${Number(made.metadata.resourceVersion) - 1}`,
    );
    await api.ok("DELETE", `${path}/a`);
    await settleMicrotasks();
    expect(watch.events.map(({ type }) => type)).toEqual(["ADDED", "DELETED"]);
  });

  it("may be served in several versions of one stored shape", async () => {
    await add(widgetBetaResource, widgetResource);
    const beta = path.replace("/v1/", "/v1beta1/");
    await api.ok("POST", beta, { body: { ...widget("a"), apiVersion: "example.com/v1beta1" } });
    expect(await api.ok("GET", `${path}/a`)).toMatchObject({ apiVersion: "example.com/v1" });
    expect(await api.ok("GET", `${beta}/a`)).toMatchObject({ apiVersion: "example.com/v1beta1" });
    const group = await api.ok("GET", "/apis/example.com");
    expect(group.preferredVersion.version).toBe("v1beta1");
    await api.server.resources.change({ remove: [widgetBetaResource.kind.resource] });
    expect((await api.call("GET", `${beta}/a`)).status).toBe(404);
    expect((await api.call("GET", `${path}/a`)).status).toBe(200);
  });

  it("waits for a server that does not run yet", async () => {
    const parts = { clock: api.clock, random: seededRandom(1), log: silentLog, metrics: silentMetrics };
    const server = createApiServer({}, { store: createMemoryStore(), ...parts });
    const added = server.resources.change({ add: [widgetResource] });
    await settleMicrotasks();
    const end = new AbortController();
    const run = server.run(end.signal);
    await added;
    expect(server.resources.of(widgets).kind).toBe(widgetResource.kind);
    end.abort();
    await run;
  });

  it("before the server runs is there when it is ready", async () => {
    const server = new TestApiServer();
    await server.server.resources.change({ add: [widgetResource] });
    await server.server.ready;
    await server.ok("POST", path, { body: widget("a") });
    const again = new TestApiServer({ store: server.store });
    // While the store is being read.
    const added = again.server.resources.change({ add: [widgetResource] });
    await again.server.ready;
    await added;
    expect(names(await again.ok("GET", path))).toEqual(["a"]);
    await again.stop();
    await server.stop();
    await expect(again.server.resources.change({ remove: [widgets], add: [widgetResource] })).rejects.toThrow(
      "stopping",
    );
  });
});

describe("a kind that is removed", () => {
  beforeEach(() => add(widgetResource));

  it("ends its watches without an error; nothing of it can be had any more", async () => {
    const made = await api.ok("POST", path, { body: widget("a") });
    const watch = await api.watch(`${path}?watch=1&resourceVersion=${made.metadata.resourceVersion}`);
    const others = await api.watch("/api/v1/configmaps?watch=1&resourceVersion=0");
    await remove();
    expect([watch.hasEnded, watch.events, others.hasEnded]).toEqual([true, [], false]);
    for (const [method, target] of [
      ["GET", path],
      ["GET", `${path}/a`],
      ["GET", `${path}?watch=1`],
      ["DELETE", `${path}/a`],
    ] as const) {
      const answer = await api.call(method, target);
      expect([answer.status, answer.object.message]).toEqual([
        404,
        "the server could not find the requested resource",
      ]);
    }
    expect((await api.call("POST", path, { body: widget("b") })).status).toBe(404);
    others.stop();
  });

  it("ends a watch that was accepted and has not begun", async () => {
    const { reply } = await api.call("GET", `${path}?watch=1`);
    await remove();
    let ends = 0;
    if (reply.body.as !== "watch") throw new Error("no watch");
    reply.body.start({ events: () => true, end: () => ends++ });
    expect(ends).toBe(1);
  });

  it("lets no write begin that was under way", async () => {
    const came = deferred<void>();
    const go = deferred<void>();
    const wait = async ({ user }: { readonly user: { readonly username: string } }): Promise<void> => {
      if (user.username !== "slow") return;
      came.resolve();
      await go.promise;
    };
    const slow: AdmissionPlugin = {
      name: "Slow",
      handles: { operations: ["CREATE", "UPDATE", "DELETE"], resources: [widgets] },
      validate: wait,
    };
    const server = await TestApiServer.start({ admissionPlugins: () => [slow] });
    const { resources } = server.server;
    await resources.change({ add: [widgetResource] });
    await server.ok("POST", path, { body: widget("a") });
    const username = "slow";
    const writes = [
      server.call("POST", path, { body: widget("b"), username }),
      server.call("PUT", `${path}/a`, { body: widget("a", "red"), username }),
      server.call("DELETE", `${path}/a`, { username }),
    ];
    await came.promise;
    await settleMicrotasks();
    await resources.change({ remove: [widgets] });
    const revision = await server.store.currentRevision();
    go.resolve();
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(await server.store.currentRevision()).toBe(revision);
    await server.stop();
  });

  it("meets the same plug-ins when it comes back", async () => {
    const seen: string[] = [];
    const deny: AdmissionPlugin = {
      name: "Deny",
      handles: { operations: ["CREATE"], resources: [widgets] },
      validate({ name }) {
        seen.push(name);
        throw forbidden(widgets, name, "no");
      },
    };
    const server = await TestApiServer.start({ admissionPlugins: () => [deny] });
    for (const name of ["a", "b"]) {
      await server.server.resources.change({ add: [widgetResource] });
      expect((await server.call("POST", path, { body: widget(name) })).status).toBe(403);
      await server.server.resources.change({ remove: [widgets] });
    }
    expect(seen).toEqual(["a", "b"]);
    await server.stop();
  });
});

describe("a kind that is replaced", () => {
  const strict: ResourceDefinition = {
    ...widgetResource,
    kind: { ...widgetResource.kind, shortNames: ["wdg"] },
  };

  beforeEach(async () => {
    await add(widgetResource);
    await api.ok("POST", path, { body: widget("a") });
  });

  it("keeps its place and its objects, ends its watches, and is never away", async () => {
    const order = (): unknown => api.server.resources.all.map(({ kind }) => kind.resource.kind);
    await add({
      ...widgetResource,
      kind: { ...widgetResource.kind, resource: { ...widgets, resource: "gadgets", kind: "Gadget" } },
    });
    const before = order();
    const watch = await api.watch(`${path}?watch=1`);
    const replaced = replace(strict);
    const statuses: number[] = [];
    let isOver = false;
    void replaced.then(() => (isOver = true));
    while (!isOver) statuses.push((await api.call("GET", `${path}/a`)).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(order()).toEqual(before);
    expect(watch.hasEnded).toBe(true);
    expect((await api.ok("GET", "/apis/example.com/v1")).resources[0].shortNames).toEqual(["wdg"]);
    expect(names(await api.ok("GET", path))).toEqual(["a"]);
  });

  it("takes in the writes that are under way", async () => {
    const came = deferred<void>();
    const go = deferred<void>();
    let isFirst = true;
    const slow: AdmissionPlugin = {
      name: "Slow",
      handles: { operations: ["UPDATE"], resources: [widgets] },
      async validate() {
        if (!isFirst) return;
        isFirst = false;
        came.resolve();
        await go.promise;
      },
    };
    const server = await TestApiServer.start({ admissionPlugins: () => [slow], store: api.store });
    await server.server.resources.change({ add: [widgetResource] });
    const patch = server.call("PATCH", `${path}/a`, { body: { spec: { size: 5 } }, contentType: merge });
    await came.promise;
    await server.server.resources.change({ remove: [widgets], add: [strict] });
    // The object changes after the replacement: the write under way must see that.
    const second = server.ok("PATCH", `${path}/a`, { body: { spec: { colour: "red" } }, contentType: merge });
    await server.clock.advance(turnMsMax);
    await second;
    go.resolve();
    expect((await patch).object.spec).toEqual({ colour: "red", size: 5 });
    await server.stop();
  });

  it("takes what is stored as it with it", async () => {
    await add(widgetBetaResource);
    const beta = path.replace("/v1/", "/v1beta1/");
    const watch = await api.watch(`${beta}?watch=1`);
    await replace(strict);
    expect(watch.hasEnded).toBe(true);
    await api.ok("PATCH", `${path}/a`, { body: { spec: { size: 7 } }, contentType: merge });
    expect(await api.ok("GET", `${beta}/a`)).toMatchObject({ spec: { size: 7 } });
  });
});

it("connectors of an added kind are connects to the admission chain", async () => {
  const seen: unknown[] = [];
  const plugin: AdmissionPlugin = {
    name: "Double",
    handles: { operations: ["CONNECT"], resources: [widgets], subresources: ["turn"] },
    admit({ operation, subresource, name, object, oldObject, user }) {
      const options = object as unknown as { times: number };
      seen.push([operation, subresource, name, { ...options }, oldObject, user.username]);
      options.times *= 2;
    },
    validate({ name, object }) {
      if ((object as unknown as { times: number }).times > 10) throw forbidden(widgets, name, "too often");
    },
  };
  const server = await TestApiServer.start({ admissionPlugins: () => [plugin] });
  await server.server.resources.change({ add: [widgetResource] });
  await server.ok("POST", path, { body: widget("a") });
  expect(await server.ok("POST", `${path}/a/turn?times=3`, { username: "ann" })).toBe("turned 6\n");
  expect(seen).toEqual([["CONNECT", "turn", "a", { times: 3 }, undefined, "ann"]]);
  expect((await server.call("POST", `${path}/a/turn?times=9`)).object.message).toContain("too often");
  await server.stop();
});

it("connectors and plug-ins take it that what they ask for is not served", async () => {
  await api.ok("POST", "/api/v1/namespaces/default/pods", {
    body: { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } },
  });
  await api.server.resources.change({ remove: [pods, nodes] });
  const body = { metadata: { name: "p" }, target: { kind: "Node", name: "n" } };
  expect((await api.call("POST", "/api/v1/namespaces/default/bindings", { body })).status).toBe(404);
});
