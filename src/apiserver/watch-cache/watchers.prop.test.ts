/**
 * Properties of lists and watches, checked against the store's own log and a naive reading of it:
 * each watch shows exactly the transitions of its selector, in order, once (I18); folding a watch gives the list (I20);
 * a bookmark promises what was delivered (I19); a page set is one moment.
 * Invariants by number: docs/spec/invariants.md.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { settleMicrotasks } from "../../base/index.ts";
import type { KubeObject } from "../../machinery/index.ts";
import type { StoreEvent } from "../../storage/index.ts";
import { replay } from "../../testing/replay.ts";
import { samplePod, type TestWatch, TestApiServer } from "../../testing/test-api-server.ts";

const namespaces = ["default", "kube-system"];
const names = ["a", "b", "c"];
const values = ["x", "y"];
const nodes = ["n1", "n2"];

type Step =
  | { readonly do: "create" | "delete" | "finish"; readonly at: string }
  | { readonly do: "label"; readonly at: string; readonly value: string }
  | { readonly do: "bind"; readonly at: string; readonly node: string }
  | { readonly do: "watch"; readonly query: Query; readonly from: "state" | "list" };

interface Query {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly value: string;
}

const at = fc
  .tuple(fc.constantFrom(...namespaces), fc.constantFrom(...names))
  .map((parts) => parts.join("/"));
const maybe = (of: readonly string[]): fc.Arbitrary<string> => fc.constantFrom("*", ...of);
const query: fc.Arbitrary<Query> = fc.record({
  namespace: maybe(namespaces),
  name: maybe(names),
  node: maybe([...nodes, ""]),
  value: maybe(values),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("create" as const, "delete" as const, "finish" as const),
      at,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("label" as const), at, value: fc.constantFrom(...values) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("bind" as const), at, node: fc.constantFrom(...nodes) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      query,
      from: fc.constantFrom("state" as const, "list" as const),
    }),
  },
);

/** The pod's facts that queries look at. */
interface Facts {
  readonly key: string;
  readonly node: string;
  readonly value: string;
}

function matches(wanted: Query, facts: Facts): boolean {
  const [namespace, name] = facts.key.split("/");
  const fits = (want: string, is: string | undefined): boolean => want === "*" || want === is;
  return (
    fits(wanted.namespace, namespace) &&
    fits(wanted.name, name) &&
    fits(wanted.node, facts.node) &&
    fits(wanted.value, facts.value)
  );
}

function factsOf(pod: KubeObject): Facts {
  const { namespace, name, labels } = pod.metadata;
  const { spec } = pod as KubeObject & { readonly spec: { readonly nodeName?: string } };
  return { key: `${namespace}/${name}`, node: spec.nodeName ?? "", value: labels?.["app"] ?? "" };
}

function pathOf(wanted: Query): string {
  const root = wanted.namespace === "*" ? "/api/v1/pods" : `/api/v1/namespaces/${wanted.namespace}/pods`;
  const fields: string[] = [];
  if (wanted.name !== "*") fields.push(`metadata.name=${wanted.name}`);
  if (wanted.node !== "*") fields.push(`spec.nodeName=${wanted.node}`);
  const parameters = new URLSearchParams();
  if (fields.length > 0) parameters.set("fieldSelector", fields.join(","));
  if (wanted.value !== "*") parameters.set("labelSelector", `app=${wanted.value}`);
  return `${root}?${parameters.toString()}`;
}

interface Started {
  readonly watch: TestWatch;
  readonly query: Query;
  /** What the client had before the watch, and the revision it belongs to. */
  readonly known: readonly KubeObject[];
  readonly after: number;
  readonly showsState: boolean;
}

async function act(api: TestApiServer, one: Exclude<Step, { readonly do: "watch" }>): Promise<void> {
  const [namespace, name] = one.at.split("/");
  const path = `/api/v1/namespaces/${namespace}/pods`;
  switch (one.do) {
    case "create":
      await api.call("POST", path, { body: samplePod(name!, { labels: { app: "x" } }) });
      return;
    case "delete":
      await api.call("DELETE", `${path}/${name}`);
      return;
    case "finish":
      await api.call("DELETE", `${path}/${name}?gracePeriodSeconds=0`);
      return;
    case "label": {
      const body = { metadata: { labels: { app: one.value } } };
      await api.call("PATCH", `${path}/${name}`, { contentType: "application/merge-patch+json", body });
      return;
    }
    case "bind":
      await api.call("POST", `${path}/${name}/binding`, {
        body: { metadata: { name }, target: { name: one.node } },
      });
  }
}

async function begin(api: TestApiServer, one: Extract<Step, { readonly do: "watch" }>): Promise<Started> {
  const path = pathOf(one.query);
  if (one.from === "state") {
    const after = await api.store.currentRevision();
    return {
      watch: await api.watch(`${path}&watch=1`),
      query: one.query,
      known: [],
      after,
      showsState: true,
    };
  }
  const list = await api.ok("GET", path);
  const version: string = list.metadata.resourceVersion;
  const watch = await api.watch(`${path}&watch=1&allowWatchBookmarks=true&resourceVersion=${version}`);
  return {
    watch,
    query: one.query,
    known: podsOf(list),
    after: Number(version),
    showsState: false,
  };
}

/** What a watch must show, read from the store's log alone. */
function expectedChanges(log: readonly StoreEvent[], started: Started): string[] {
  const lines: string[] = [];
  for (const event of log) {
    if (event.revision <= started.after || !event.key.startsWith("/core/pods/")) continue;
    const parse = (bytes: Uint8Array): Facts =>
      factsOf(JSON.parse(Buffer.from(bytes).toString()) as KubeObject);
    const now = event.type === "put" ? parse(event.current.value) : undefined;
    const before =
      event.type === "delete" ? parse(event.current.value) : event.previous && parse(event.previous.value);
    const did = before !== undefined && matches(started.query, before);
    const does = now !== undefined && matches(started.query, now);
    if (does) lines.push(line(did ? "MODIFIED" : "ADDED", now, event.revision));
    else if (did) lines.push(line("DELETED", before, event.revision));
  }
  return lines;
}

function line(type: string, facts: Facts, revision: number | string): string {
  return `${type} ${facts.key} on ${facts.node} with ${facts.value} at ${revision}`;
}

/** The client's picture after its watch. */
function fold(started: Started): Map<string, string> {
  const picture = new Map(started.known.map((pod) => [factsOf(pod).key, JSON.stringify(pod)]));
  for (const { type, object } of started.watch.events) {
    if (type === "BOOKMARK") continue;
    const { key } = factsOf(object as KubeObject);
    if (type === "DELETED") picture.delete(key);
    else picture.set(key, JSON.stringify(object));
  }
  return picture;
}

/** With what the list leaves to itself, as events of a watch show them. */
function podsOf(list: { readonly items: readonly KubeObject[] }): KubeObject[] {
  return list.items.map((item) => ({ apiVersion: "v1", kind: "Pod", ...item }));
}

async function check(api: TestApiServer, log: readonly StoreEvent[], started: Started): Promise<void> {
  const { watch, known, showsState } = started;
  const list = await api.ok("GET", pathOf(started.query));
  const items = podsOf(list).map((pod): [string, string] => [factsOf(pod).key, JSON.stringify(pod)]);
  expect([...fold(started)].sort()).toEqual([...items].sort());
  const changes = watch.events.filter((event) => event.type !== "BOOKMARK");
  const shown = changes.map(({ type, object }) =>
    line(type, factsOf(object as KubeObject), object.metadata.resourceVersion),
  );
  const expected = expectedChanges(log, started);
  expect(showsState ? shown.slice(shown.length - expected.length) : shown).toEqual(expected);
  expect(known.every((pod) => matches(started.query, factsOf(pod)))).toBe(true);
}

test("watches show what happened, and folding them gives the list", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, together) => {
        const api = await TestApiServer.start();
        const log: StoreEvent[] = [];
        const tail = api.store.watch(
          { prefix: "/", after: 0 },
          { events: (batch) => log.push(...batch), failed: () => {} },
        );
        const started: Started[] = [];
        for (let i = 0; i < steps.length; i += together) {
          const group = steps.slice(i, i + together);
          await Promise.all(
            group.map(async (one) => {
              if (one.do !== "watch") await act(api, one);
              else if (one.from === "list") started.push(await begin(api, one));
            }),
          );
          // Alone, so that the revision of the state is known.
          for (const one of group)
            if (one.do === "watch" && one.from === "state") started.push(await begin(api, one));
          expect(api.server.recount()).toEqual([]);
        }
        await settleMicrotasks();
        expect(api.server.recount()).toEqual([]);
        await api.clock.advance(60_000);
        for (const one of started) await check(api, log, one);
        for (const { watch } of started.filter((one) => !one.showsState)) {
          const bookmark = watch.events.at(-1);
          expect([bookmark?.type, bookmark?.object.metadata.resourceVersion]).toEqual([
            "BOOKMARK",
            String(await api.store.currentRevision()),
          ]);
        }
        for (const { watch } of started) watch.stop();
        expect(api.server.recount()).toEqual([]);
        tail.cancel();
        await api.stop();
      },
    ),
    { numRuns: 60, ...replay() },
  );
});

test("pages put together are the list at one moment, whatever happens between them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(at, fc.constantFrom(...values)), { maxLength: 12 }),
      fc.array(
        step.filter((one) => one.do !== "watch"),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 4 }),
      query,
      async (initial, between, limit, wanted) => {
        const api = await TestApiServer.start();
        for (const [key, value] of initial) {
          await act(api, { do: "create", at: key });
          await act(api, { do: "label", at: key, value });
        }
        const path = pathOf(wanted);
        const whole = await api.ok("GET", path);
        const items: unknown[] = [];
        let page = await api.ok("GET", `${path}&limit=${limit}`);
        items.push(...page.items);
        for (const one of between) {
          await act(api, one);
          if (page.metadata.continue === undefined) continue;
          page = await api.ok("GET", `${path}&limit=${limit}&continue=${page.metadata.continue}`);
          expect(page.items.length).toBeLessThanOrEqual(limit);
          expect(page.metadata.resourceVersion).toBe(whole.metadata.resourceVersion);
          items.push(...page.items);
        }
        while (page.metadata.continue !== undefined) {
          page = await api.ok("GET", `${path}&limit=${limit}&continue=${page.metadata.continue}`);
          items.push(...page.items);
        }
        expect(items).toEqual(whole.items);
        await api.stop();
      },
    ),
    { numRuns: 60, ...replay() },
  );
});
