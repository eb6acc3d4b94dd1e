/** Changes of what is served: their order, what refuses them, and what happens while a kind loads. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configmaps, events, eventsV1 } from "../../api/index.ts";
import { settleMicrotasks, SimulatedClock } from "../../base/index.ts";
import { createMemoryStore, StorageError, type Store } from "../../storage/index.ts";
import { deferred } from "../../testing/http.ts";
import { laggingStore } from "../../testing/lagging-store.ts";
import { storeWith } from "../../testing/store-with.ts";
import { TestApiServer } from "../../testing/test-api-server.ts";
import { widget, widgetBetaResource, widgetResource, widgets } from "../../testing/widget.ts";
import type { ResourceDefinition } from "./definition.ts";

const path = "/apis/example.com/v1/namespaces/default/widgets";
const merge = "application/merge-patch+json";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

const names = (list: {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}): unknown => list.items.map(({ metadata }) => metadata.name);

describe("changes", () => {
  it("are made in the order in which they are asked for, one at a time", async () => {
    let lists = 0;
    let listsMax = 0;
    const inner = createMemoryStore();
    const store: Store = storeWith(inner, {
      list: async (request) => {
        if (request.prefix !== "/") listsMax = Math.max(listsMax, ++lists);
        const answer = await inner.list(request);
        await settleMicrotasks();
        if (request.prefix !== "/") lists--;
        return answer;
      },
    });
    const server = await TestApiServer.start({ store });
    const { resources } = server.server;
    const told: boolean[] = [];
    const isServed = (): boolean => resources.find("example.com", "v1", "widgets") !== undefined;
    const end = resources.subscribe(() => told.push(isServed()));
    const rounds = 20;
    const changes = Array.from({ length: rounds }, () => [
      resources.change({ add: [widgetResource] }),
      resources.change({ remove: [widgets] }),
    ]).flat();
    await Promise.all(changes);
    expect(told).toEqual(Array.from({ length: 2 * rounds }, (_, at) => at % 2 === 0));
    expect(listsMax).toBe(1);
    end();
    await resources.change({ add: [widgetResource] });
    expect(told).toHaveLength(2 * rounds);
    await server.ok("POST", path, { body: widget("a") });
    await server.stop();
  });

  it("that cannot be made change nothing", async () => {
    const { resources } = api.server;
    const before = resources.all;
    const lying = { ...widgetResource, subresources: {} };
    const idle: ResourceDefinition = {
      ...widgetResource,
      subresources: { turn: { as: "connector", verbs: {} } },
    };
    const { kind } = widgetResource;
    const secondVersion = { ...widgetResource, kind: { ...kind, resource: { ...widgets, version: "v2" } } };
    const refused: readonly [string, Parameters<typeof resources.change>[0]][] = [
      ["served twice", { add: [widgetResource, widgetResource] }],
      ["served twice", { add: [{ kind: api.server.resources.of(configmaps).kind }] }],
      ["not served", { remove: [widgets] }],
      ["stored as one that is not", { add: [widgetBetaResource] }],
      ["stored as one that is not", { remove: [events] }],
      ["one place in the store", { add: [widgetResource, secondVersion] }],
      ["tells of other subresources", { add: [lying] }],
      ["not those that are done", { add: [idle] }],
      ["either stored or answers", { add: [{ ...widgetResource, answers: { as: "connector", verbs: {} } }] }],
    ];
    for (const [why, change] of refused) await expect(resources.change(change)).rejects.toThrow(why);
    expect(resources.all).toBe(before);
    // Both go in one change.
    await resources.change({ remove: [events, eventsV1] });
    expect((await api.call("GET", "/api/v1/events")).status).toBe(404);
    expect((await api.call("GET", "/apis/events.k8s.io/v1/events")).status).toBe(404);
  });

  it("are refused while everything is listed anew, and what is removed then is left alone", async () => {
    const inner = createMemoryStore();
    let breakWatch: () => void = () => {};
    let listing = Promise.resolve();
    const store = storeWith(inner, {
      watch(request, watcher) {
        breakWatch = () => watcher.failed(new StorageError({ code: "compacted", asked: 0, oldest: 1 }));
        return inner.watch(request, watcher);
      },
      list: async (request) => {
        const answer = await inner.list(request);
        if (request.prefix === "/") await listing;
        return answer;
      },
    });
    const server = await TestApiServer.start({ store });
    const { resources } = server.server;
    await resources.change({ add: [widgetResource] });
    await server.ok("POST", path, { body: widget("a") });
    const { cache } = resources.of(widgets);
    const held = cache.candidates({});
    const go = deferred<void>();
    listing = go.promise;
    breakWatch();
    await settleMicrotasks();
    await resources.change({ remove: [widgets] });
    await expect(resources.change({ add: [widgetResource] })).rejects.toMatchObject({
      status: { code: 429 },
    });
    go.resolve();
    await settleMicrotasks();
    expect(cache.candidates({})).toEqual(held);
    await resources.change({ add: [widgetResource] });
    expect(names(await server.ok("GET", path))).toEqual(["a"]);
    await server.stop();
  });

  it("that the store cannot serve change nothing, and may be tried again", async () => {
    let isAway = false;
    let awayPrefix = "/example.com/";
    const inner = createMemoryStore();
    const store = storeWith(inner, {
      list: (request) =>
        isAway && request.prefix.startsWith(awayPrefix)
          ? Promise.reject(new Error("away"))
          : inner.list(request),
    });
    const server = await TestApiServer.start({ store });
    const { resources } = server.server;
    const gadgets = { ...widgets, resource: "gadgets", kind: "Gadget" };
    const both = [widgetResource, { ...widgetResource, kind: { ...widgetResource.kind, resource: gadgets } }];
    isAway = true;
    await expect(resources.change({ add: both })).rejects.toThrow("away");
    // The second of two.
    awayPrefix = "/example.com/gadgets/";
    await expect(resources.change({ add: both })).rejects.toThrow("away");
    expect((await server.call("GET", path)).status).toBe(404);
    isAway = false;
    await resources.change({ add: both });
    await server.ok("POST", path, { body: widget("a") });
    await server.stop();
  });

  it("miss nothing that happens while they load", async () => {
    const inner = createMemoryStore();
    const first = await TestApiServer.start({ store: inner });
    await first.server.resources.change({ add: [widgetResource] });
    for (const name of ["a", "gone"]) await first.ok("POST", path, { body: widget(name) });
    const listed = deferred<void>();
    const go = deferred<void>();
    const store = storeWith(inner, {
      list: async (request) => {
        const answer = await inner.list(request);
        if (request.prefix === "/example.com/widgets/") {
          listed.resolve();
          await go.promise;
        }
        return answer;
      },
    });
    const server = await TestApiServer.start({ store });
    const change = server.server.resources.change({ add: [widgetResource] });
    await listed.promise;
    await first.ok("POST", path, { body: widget("b") });
    await first.ok("PATCH", `${path}/a`, { body: { spec: { size: 9 } }, contentType: merge });
    await first.ok("DELETE", `${path}/gone`);
    await settleMicrotasks();
    go.resolve();
    await change;
    expect((await server.ok("GET", path)).items).toEqual((await first.ok("GET", path)).items);
    // The history of the new cache begins with the list.
    const { resourceVersion } = await server
      .ok("GET", "/api/v1/namespaces/default")
      .then(({ metadata }) => metadata);
    const watch = await server.watch(`${path}?watch=1&resourceVersion=${resourceVersion}`);
    expect(watch.events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      "ADDED a",
      "ADDED gone",
      "ADDED b",
      "MODIFIED a",
      "DELETED gone",
    ]);
    watch.stop();
    await server.stop();
    await first.stop();
  });

  it("are seen by reads that have waited", async () => {
    const clock = new SimulatedClock();
    const inner = createMemoryStore({ clock });
    const first = await TestApiServer.start({ store: inner, clock });
    await first.server.resources.change({ add: [widgetResource] });
    const lagging = laggingStore(inner, clock, 0);
    const server = await TestApiServer.start({ store: lagging, clock });
    const { resources } = server.server;
    await resources.change({ add: [widgetResource] });
    lagging.lagMs = 1_000;
    const write = (name: string): Promise<unknown> => first.ok("POST", path, { body: widget(name) });
    const read = (name: string) => [server.call("GET", `${path}/${name}`), server.call("GET", path)];
    const wait = (ms: number): Promise<void> => clock.advance(ms, settleMicrotasks);
    await first.ok("POST", "/api/v1/namespaces/default/configmaps", { body: { metadata: { name: "x" } } });
    const replaced = resources.change({ remove: [widgets], add: [{ ...widgetResource }] });
    await wait(500);
    await write("a");
    const found = read("a");
    await wait(500);
    await replaced;
    await wait(500);
    const [one, list] = await Promise.all(found);
    expect([one!.status, names(list!.object)]).toEqual([200, ["a"]]);
    await write("b");
    const lost = read("b");
    await wait(500);
    await resources.change({ remove: [widgets] });
    await wait(500);
    for (const { status, object } of await Promise.all(lost))
      expect([status, object.message]).toEqual([404, "the server could not find the requested resource"]);
    await server.stop();
    await first.stop();
  });

  it("wait until no list of the added kind would be newer than its resourceVersion", async () => {
    const clock = new SimulatedClock();
    const inner = createMemoryStore({ clock });
    const first = await TestApiServer.start({ store: inner, clock });
    await first.server.resources.change({ add: [widgetResource] });
    const lagging = laggingStore(inner, clock, 0);
    const server = await TestApiServer.start({ store: lagging, clock });
    lagging.lagMs = 1_000;
    const made = await first.ok("POST", path, { body: widget("a") });
    const change = server.server.resources.change({ add: [widgetResource] });
    let isOver = false;
    void change.then(() => (isOver = true));
    await settleMicrotasks();
    expect(isOver).toBe(false);
    // Between the list and the end of the wait.
    await first.ok("POST", path, { body: widget("b") });
    await clock.advance(999, settleMicrotasks);
    expect([isOver, (await server.call("GET", path)).status]).toEqual([false, 404]);
    await clock.advance(1, settleMicrotasks);
    await change;
    const list = await server.ok("GET", `${path}?resourceVersion=0`);
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThanOrEqual(
      Number(made.metadata.resourceVersion),
    );
    const newest = Math.max(
      ...list.items.map((item: { metadata: { resourceVersion: string } }) =>
        Number(item.metadata.resourceVersion),
      ),
    );
    expect(newest).toBeLessThanOrEqual(Number(list.metadata.resourceVersion));
    const watch = await server.watch(`${path}?watch=1&resourceVersion=${list.metadata.resourceVersion}`);
    await clock.advance(2_000, settleMicrotasks);
    const seen = [
      ...list.items.map((item: { metadata: { name: string } }) => item.metadata.name),
      ...watch.events.map(({ object }) => object.metadata.name),
    ];
    expect(seen.toSorted()).toEqual(["a", "b"]);
    watch.stop();
    await server.stop();
    await first.stop();
  });
});
