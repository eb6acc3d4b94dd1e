/** Bookmarks have the form of the watch that they belong to: a client decodes all its events by one type. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../api/index.ts";
import { apiVersionOf, resourcePath } from "../../machinery/index.ts";
import { TestApiServer, type WatchedEvent } from "../../testing/test-api-server.ts";

let api: TestApiServer;
beforeEach(async () => {
  api = await TestApiServer.start();
});
afterEach(() => api.stop());

const watched = kinds.filter((kind) => kind.verbs.includes("watch"));
const columnsOf = (event: WatchedEvent): unknown => event.object.columnDefinitions;

/** The one that ends the initial events. */
async function firstBookmark(path: string, options: { readonly accept: string; readonly query?: string }) {
  const { accept, query = "" } = options;
  const watch = await api.watch(
    `${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true${query}`,
    { accept },
  );
  watch.stop();
  return watch.events.at(-1)!;
}

const annotations = { "k8s.io/initial-events-end": "true" };

describe.each(watched)("a bookmark of $schema", ({ resource }) => {
  const path = resourcePath(resource);

  it("is an empty object of the kind in plain JSON", async () => {
    const { type, object } = await firstBookmark(path, { accept: "application/json" });
    const metadata = { resourceVersion: expect.stringMatching(/^\d+$/), annotations };
    const { kind } = resource;
    expect({ type, object }).toMatchObject({
      type: "BOOKMARK",
      object: { kind, apiVersion: apiVersionOf(resource) },
    });
    expect(object.metadata).toEqual(metadata);
  });

  it.each(["v1", "v1beta1"])("is metadata of the version %s", async (version) => {
    const accept = `application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=${version}`;
    const { object } = await firstBookmark(path, { accept });
    expect(object).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: `meta.k8s.io/${version}`,
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/), annotations },
    });
  });

  it("is a Table of one row", async () => {
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const { object } = await firstBookmark(path, { accept });
    const { resourceVersion } = object.metadata;
    expect(object).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1" });
    expect(object.rows).toHaveLength(1);
    const [row] = object.rows;
    expect(row.object).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion, annotations },
    });
    const full = await firstBookmark(path, { accept, query: "&includeObject=Object" });
    expect(full.object.rows[0].object).toMatchObject({ kind: resource.kind });
    const bare = await firstBookmark(path, { accept, query: "&includeObject=None" });
    expect(bare.object.rows[0].object).toBeNull();
    // A list of nothing says how many cells a row has.
    const list = await api.ok("GET", path, { accept });
    expect(row.cells).toHaveLength(list.columnDefinitions.length);
  });
});

it("carries the columns of a Table when nothing came before it, and only then", async () => {
  const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
  const path = "/api/v1/namespaces/default/configmaps";
  const watch = await api.watch(`${path}?watch=1&allowWatchBookmarks=true`, { accept });
  await api.clock.advance(60_000);
  await api.ok("POST", path, { body: { metadata: { name: "a" } } });
  await api.clock.advance(60_000);
  expect(watch.events.map(({ type }) => type)).toEqual(["BOOKMARK", "ADDED", "BOOKMARK"]);
  const [first, ...later] = watch.events.map(columnsOf);
  expect(first).toHaveLength(3);
  expect(later).toEqual([null, null]);
});
