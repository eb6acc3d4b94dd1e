/** Watches: what they show, where they begin, how they end, and what they share. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { settleMicrotasks } from "../../base/index.ts";
import { createMemoryStore, StorageError } from "../../storage/index.ts";
import { storeWith } from "../../testing/store-with.ts";
import { samplePod, type TestWatch, TestApiServer } from "../../testing/test-api-server.ts";

const pods = "/api/v1/namespaces/default/pods";
const merge = "application/merge-patch+json";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

const create = (name: string, options: Parameters<typeof samplePod>[1] = {}) =>
  api.ok("POST", pods, { body: samplePod(name, options) });
const label = (name: string, value: string | null) =>
  api.ok("PATCH", `${pods}/${name}`, { contentType: merge, body: { metadata: { labels: { app: value } } } });
const seen = (watch: TestWatch): string[] =>
  watch.events.map((event) => `${event.type} ${event.object.metadata.name}`);

describe("a watch begins", () => {
  it("with what is there, without a resourceVersion and with 0", async () => {
    await create("a");
    for (const query of ["watch=true", "watch=1&resourceVersion=0"]) {
      const watch = await api.watch(`${pods}?${query}`);
      expect(seen(watch)).toEqual(["ADDED a"]);
    }
  });

  it("after the given resourceVersion, without gap and without repetition", async () => {
    const first = await create("a");
    await create("b");
    const watch = await api.watch(`${pods}?watch=1&resourceVersion=${first.metadata.resourceVersion}`);
    await create("c");
    expect(seen(watch)).toEqual(["ADDED b", "ADDED c"]);
  });

  it("from the store's history when the cache's is too short", async () => {
    const first = await create("a");
    for (let i = 0; i < 4200; i++) await label("a", `v${i}`);
    await create("b");
    const watch = await api.watch(`/api/v1/pods?watch=1&resourceVersion=${first.metadata.resourceVersion}`);
    await create("c");
    expect(watch.events).toHaveLength(4202);
    expect(seen(watch).slice(-2)).toEqual(["ADDED b", "ADDED c"]);
    const versions = watch.events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(versions.length);
  });

  it("from a store that hands out its history little by little", async () => {
    const store = createMemoryStore();
    const piecewise = storeWith(store, {
      watch: (request, watcher) => {
        let isCancelled = false;
        const watch = store.watch(request, {
          events: (batch) => {
            for (const event of batch) if (!isCancelled) watcher.events([event]);
          },
          progress: (revision) => watcher.progress?.(revision),
          failed: (error) => watcher.failed(error),
        });
        return {
          requestProgress: () => watch.requestProgress(),
          cancel: () => {
            isCancelled = true;
            watch.cancel();
          },
        };
      },
    });
    const slow = await TestApiServer.start({ store: piecewise });
    const first = await slow.ok("POST", pods, { body: samplePod("a") });
    for (let i = 0; i < 4200; i++) {
      await slow.ok("PATCH", `${pods}/a`, {
        contentType: merge,
        body: { metadata: { labels: { app: `v${i}` } } },
      });
    }
    const watch = await slow.watch(`/api/v1/pods?watch=1&resourceVersion=${first.metadata.resourceVersion}`);
    await slow.ok("POST", pods, { body: samplePod("b") });
    await settleMicrotasks();
    const versions = watch.events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toHaveLength(4201);
    expect(versions.every((version, index) => index === 0 || version === versions[index - 1]! + 1)).toBe(
      true,
    );
    await slow.stop();
  });

  it("with an ERROR event when its revision is forgotten", async () => {
    await create("a");
    for (let i = 0; i < 4200; i++) await label("a", `v${i}`);
    const oldest = (await api.store.currentRevision()) - 1;
    await api.store.compact(oldest);
    const watch = await api.watch(`${pods}?watch=1&resourceVersion=7`);
    expect(watch.events).toHaveLength(1);
    expect(watch.events[0]).toMatchObject({
      type: "ERROR",
      object: { kind: "Status", code: 410, reason: "Expired" },
    });
    expect(watch.events[0]!.object.message).toBe(`too old resource version: 7 (${oldest})`);
    expect(watch.hasEnded).toBe(true);
  });

  it("with an ERROR event of another kind when the store cannot tell what happened", async () => {
    const store = createMemoryStore();
    const unavailable = new StorageError({ code: "unavailable", why: "the store is away" });
    const flaky = storeWith(store, {
      watch: (request, watcher) => {
        if (request.prefix === "/") return store.watch(request, watcher);
        queueMicrotask(() => watcher.failed(unavailable));
        return { requestProgress: () => {}, cancel: () => {} };
      },
    });
    await store.create("/core/others/b", new Uint8Array(1));
    await store.create("/core/pods/default/a", new TextEncoder().encode(JSON.stringify(samplePod("a"))));
    const server = await TestApiServer.start({ store: flaky });
    const watch = await server.watch(`${pods}?watch=1&resourceVersion=1`);
    expect(watch.events).toMatchObject([
      { type: "ERROR", object: { code: 503, reason: "ServiceUnavailable" } },
    ]);
    expect(watch.hasEnded).toBe(true);
    await server.stop();
  });

  it("from before a restart, and gets bookmarks although nothing happens to its resource", async () => {
    const first = await create("a");
    await api.ok("POST", "/api/v1/namespaces", { body: { metadata: { name: "other" } } });
    const again = await TestApiServer.start({ store: api.store });
    const watch = await again.watch(
      `${pods}?watch=1&allowWatchBookmarks=true&resourceVersion=${first.metadata.resourceVersion}`,
    );
    await again.clock.advance(60_000);
    expect(watch.events).toMatchObject([
      {
        type: "BOOKMARK",
        object: { metadata: { resourceVersion: String(await api.store.currentRevision()) } },
      },
    ]);
    await again.stop();
  });

  it("from before a restart, and shows nothing twice when the store's watch is ahead of the cache", async () => {
    const first = await create("a");
    await create("b");
    const { store } = api;
    const held: (() => void)[] = [];
    let isHeld = false;
    const tell = (prefix: string, what: () => void): void => {
      if (isHeld && prefix === "/") held.push(what);
      else what();
    };
    const holding = storeWith(store, {
      watch: (request, watcher) =>
        store.watch(request, {
          events: (batch) => tell(request.prefix, () => watcher.events(batch)),
          progress: (revision) => tell(request.prefix, () => watcher.progress?.(revision)),
          failed: (error) => watcher.failed(error),
        }),
    });
    const again = await TestApiServer.start({ store: holding });
    isHeld = true;
    await create("c");
    const watch = await again.watch(
      `${pods}?watch=1&allowWatchBookmarks=true&resourceVersion=${first.metadata.resourceVersion}`,
    );
    expect(seen(watch)).toEqual(["ADDED b", "ADDED c"]);
    await again.clock.advance(70_000);
    expect(watch.events.length).toBe(2);
    isHeld = false;
    for (const what of held) what();
    await create("d");
    await settleMicrotasks();
    expect(seen(watch)).toEqual(["ADDED b", "ADDED c", "ADDED d"]);
    await again.clock.advance(60_000);
    const { type, object } = watch.events.at(-1)!;
    expect([type, object.metadata.resourceVersion]).toEqual([
      "BOOKMARK",
      String(await store.currentRevision()),
    ]);
    await again.stop();
  });

  it("with the state and a marked bookmark when initial events are asked for", async () => {
    const created = await create("a");
    const watch = await api.watch(
      `${pods}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    expect(watch.events.map((event) => event.type)).toEqual(["ADDED", "BOOKMARK"]);
    expect(watch.events[1]!.object).toMatchObject({
      kind: "Pod",
      apiVersion: "v1",
      metadata: {
        resourceVersion: created.metadata.resourceVersion,
        annotations: { "k8s.io/initial-events-end": "true" },
      },
    });
  });
});

describe("a watch with selectors", () => {
  it("shows objects that begin and cease to match as ADDED and DELETED", async () => {
    const watch = await api.watch(`${pods}?watch=1&labelSelector=app%3Dx`);
    await create("a");
    await label("a", "x");
    await label("a", "x2");
    const back = await label("a", "x");
    await api.ok("PATCH", `${pods}/a`, {
      contentType: merge,
      body: { metadata: { annotations: { k: "v" } } },
    });
    const left = await label("a", null);
    expect(watch.events.map((event) => event.type)).toEqual([
      "ADDED",
      "DELETED",
      "ADDED",
      "MODIFIED",
      "DELETED",
    ]);
    // The last state that matched, under the revision of the change.
    const last = watch.events[4]!.object.metadata;
    expect(last.labels).toEqual({ app: "x" });
    expect(last.resourceVersion).toBe(left.metadata.resourceVersion);
    expect(watch.events[2]!.object).toEqual(back);
  });

  it("by node sees a pod come by binding and go by deletion", async () => {
    const one = await api.watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1");
    const two = await api.watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn2");
    const none = await api.watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3D");
    await create("a");
    await api.ok("POST", `${pods}/a/binding`, { body: { metadata: { name: "a" }, target: { name: "n1" } } });
    await api.ok("DELETE", `${pods}/a?gracePeriodSeconds=0`);
    expect(seen(one)).toEqual(["ADDED a", "DELETED a"]);
    expect(seen(two)).toEqual([]);
    expect(seen(none)).toEqual(["ADDED a", "DELETED a"]);
  });

  it("by name sees that object only, in one namespace or in all", async () => {
    const here = await api.watch(`${pods}?watch=1&fieldSelector=metadata.name%3Da`);
    const anywhere = await api.watch("/api/v1/pods?watch=1&fieldSelector=metadata.name%3Da");
    await create("a");
    await create("b");
    expect(seen(here)).toEqual(["ADDED a"]);
    expect(seen(anywhere)).toEqual(["ADDED a"]);
  });

  it("sees other namespaces only when it watches all", async () => {
    const here = await api.watch(`${pods}?watch=1`);
    const all = await api.watch("/api/v1/pods?watch=1");
    await api.ok("POST", "/api/v1/namespaces/kube-system/pods", { body: samplePod("k") });
    expect(seen(here)).toEqual([]);
    expect(seen(all)).toEqual(["ADDED k"]);
  });
});

describe("frames", () => {
  it("are made once for all plain watchers, with one line of bytes", async () => {
    const watches = [await api.watch(`${pods}?watch=1`), await api.watch("/api/v1/pods?watch=1")];
    await create("a");
    const [one, two] = watches.map((watch) => watch.frames[0]!);
    expect(one).toBe(two);
    expect(one!.bytes()).toBe(two!.bytes());
    expect(Buffer.from(one!.bytes()).toString().endsWith("}\n")).toBe(true);
  });

  it("of one turn come in one call", async () => {
    const watch = await api.watch(`${pods}?watch=1`);
    await Promise.all(["a", "b", "c"].map((name) => create(name)));
    expect(watch.batches).toEqual([3]);
  });

  it("of a Table carry the columns once", async () => {
    const watch = await api.watch(`${pods}?watch=1`, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    const other = await api.watch(`${pods}?watch=1`, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    await create("a");
    await create("b");
    for (const { events } of [watch, other]) {
      expect(events[0]!.object.columnDefinitions.length).toBeGreaterThan(0);
      expect(events[1]!.object.columnDefinitions).toBeNull();
      expect(events[1]!.object.rows).toHaveLength(1);
    }
  });
});

describe("a watch ends", () => {
  it("at its time-out, with a bookmark two seconds before", async () => {
    const created = await create("a");
    const watch = await api.watch(
      `${pods}?watch=1&resourceVersion=${created.metadata.resourceVersion}&timeoutSeconds=90&allowWatchBookmarks=true`,
    );
    await api.clock.advance(59_999);
    expect(watch.events).toEqual([]);
    await api.clock.advance(1);
    expect(watch.events.map((event) => event.type)).toEqual(["BOOKMARK"]);
    await api.ok("POST", "/api/v1/namespaces", { body: { metadata: { name: "other" } } });
    await api.clock.advance(28_000);
    const last = watch.events[1]!;
    expect(last.type).toBe("BOOKMARK");
    // Everything up to here was delivered, though nothing of it was a pod.
    expect(Number(last.object.metadata.resourceVersion)).toBe(await api.store.currentRevision());
    expect(watch.hasEnded).toBe(false);
    await api.clock.advance(2_000);
    expect(watch.hasEnded).toBe(true);
  });

  it("after 30 to 60 minutes when nothing was said", async () => {
    const watch = await api.watch(`${pods}?watch=1`);
    await api.clock.advance(30 * 60_000 - 1);
    expect(watch.hasEnded).toBe(false);
    await api.clock.advance(30 * 60_000 + 1);
    expect(watch.hasEnded).toBe(true);
    expect(watch.events).toEqual([]);
  });

  it("when the reader is too slow, and others go on", async () => {
    const slow = await api.watch(`${pods}?watch=1`);
    const quick = await api.watch(`${pods}?watch=1`);
    slow.accepts = false;
    await create("a");
    await create("b");
    await settleMicrotasks();
    expect(slow.hasEnded).toBe(true);
    expect(seen(slow)).toEqual(["ADDED a"]);
    expect(seen(quick)).toEqual(["ADDED a", "ADDED b"]);
  });

  it("when the caller goes, stops it, or the server stops", async () => {
    const controller = new AbortController();
    const left = await api.watch(`${pods}?watch=1`, { signal: controller.signal });
    controller.abort();
    expect(left.hasEnded).toBe(true);
    const stopped = await api.watch(`${pods}?watch=1`);
    stopped.stop();
    expect(stopped.hasEnded).toBe(true);
    const running = await api.watch(`${pods}?watch=1`);
    await api.stop();
    expect(running.hasEnded).toBe(true);
  });
});
