/** Discovery that is followed, and the informers of resources that go, over the real server. */
import { expect, test } from "vitest";
import { configmaps } from "../../api/index.ts";
import type { ResourceDefinition } from "../../apiserver/registry/definition.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import { widget, widgetBetaResource, widgetResource, widgets } from "../../testing/widget.ts";
import type { Client } from "../transport/client.ts";
import type { DiscoveredVersion } from "../transport/discovery.ts";
import type { InformerFactory } from "./informer.ts";
import { createInformerFactory } from "./shared-informer.ts";

interface Followed {
  readonly informers: InformerFactory;
  /** `+v1/widgets`, `-v1/widgets`: what handlers were told of the added kinds. */
  readonly told: string[];
  /** Discovery that was asked for since the last look. */
  readings(): number;
  stop(): void;
}

/** An informer factory of its own, with a handler; `change` may change what discovery answers. */
async function follow(
  cluster: TestCluster,
  change: (versions: readonly DiscoveredVersion[]) => readonly DiscoveredVersion[] = (versions) => versions,
): Promise<Followed> {
  let readings = 0;
  const client: Client = {
    ...bound(cluster.client),
    discover: async (options) => {
      readings++;
      return change(await cluster.client.discover(options));
    },
  };
  const { clock, random, log } = cluster;
  const informers = createInformerFactory(client, { clock, random, log });
  const told: string[] = [];
  informers.resources.addHandler({
    added: ({ version, resource, group }) => group === "example.com" && told.push(`+${version}/${resource}`),
    removed: ({ version, resource }) => told.push(`-${version}/${resource}`),
  });
  const stop = new AbortController();
  informers.start(stop.signal);
  await informers.waitForSync(stop.signal);
  return {
    informers,
    told,
    readings: () => {
      const since = readings;
      readings = 0;
      return since;
    },
    stop: () => stop.abort(new Error("test ends")),
  };
}

function bound(client: Client): Client {
  const names = ["get", "list", "create", "createSubresource", "update", "patch", "delete", "watch"] as const;
  const methods = names.map((name) => [name, client[name].bind(client)] as const);
  return Object.fromEntries(methods) as unknown as Client;
}

const withFollowed = (
  body: (cluster: TestCluster, followed: Followed) => Promise<void>,
  change?: Parameters<typeof follow>[1],
): Promise<void> =>
  withCluster(async (cluster) => {
    const followed = await follow(cluster, change);
    try {
      await body(cluster, followed);
    } finally {
      followed.stop();
    }
  });

const add = (cluster: TestCluster): Promise<void> => cluster.resources.change({ add: [widgetResource] });
const remove = (cluster: TestCluster): Promise<void> => cluster.resources.change({ remove: [widgets] });

test("nobody asks while nobody follows", () =>
  withCluster(async (cluster) => {
    const { clock, random, log } = cluster;
    const informers = createInformerFactory(cluster.client, { clock, random, log });
    const stop = new AbortController();
    informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    await cluster.advance(120_000);
    expect(cluster.calls).toEqual([]);
    const seen: string[] = [];
    informers.resources.addHandler({ added: ({ resource }) => seen.push(resource), removed: () => {} });
    await informers.waitForSync(stop.signal);
    expect([cluster.calls, seen.includes("pods")]).toEqual([["GET /api", "GET /apis"], true]);
    informers.resources.addHandler({
      added: ({ resource }) => seen.push(`late ${resource}`),
      removed: () => {},
    });
    expect(seen).toContain("late pods");
    stop.abort(new Error("test ends"));
  }));

test("a change is seen within 30 s, and soon when it is told", () =>
  withFollowed(async (cluster, { informers, told, readings }) => {
    expect(readings()).toBe(1);
    await add(cluster);
    await cluster.advance(29_000);
    expect(told).toEqual([]);
    await cluster.advance(1_100);
    expect(told).toEqual(["+v1/widgets"]);
    readings();
    await remove(cluster);
    informers.resources.refresh();
    await cluster.advance(100);
    expect([told, readings()]).toEqual([["+v1/widgets", "-v1/widgets"], 1]);
  }));

test("however often changes are told, ten readings a second are the most", () =>
  withFollowed(async (cluster, { informers, readings }) => {
    readings();
    for (let ms = 0; ms < 1_000; ms++) {
      informers.resources.refresh();
      await cluster.clock.advance(1);
    }
    expect(readings()).toBeLessThanOrEqual(10);
    await cluster.advance(100);
    readings();
    await cluster.advance(29_000);
    expect(readings()).toBe(0);
  }));

test("an informer of a resource that goes ends; who asks again gets a new one", () =>
  withFollowed(async (cluster, { informers }) => {
    await add(cluster);
    await cluster.client.create(widgets, { ...widget("a"), metadata: { name: "a", namespace: "default" } });
    const before = informers.for(widgets);
    const others = informers.for(configmaps);
    await cluster.advance(0);
    expect(before.lister.size).toBe(1);
    informers.resources.refresh();
    await cluster.advance(200);
    await remove(cluster);
    informers.resources.refresh();
    await cluster.advance(200);
    cluster.calls.length = 0;
    cluster.complaints.length = 0;
    await cluster.advance(29_000);
    expect([cluster.calls, cluster.complaints]).toEqual([[], []]);
    await add(cluster);
    const after = informers.for(widgets);
    await cluster.advance(0);
    expect([after === before, after.lister.size, informers.for(configmaps) === others]).toEqual([
      false,
      1,
      true,
    ]);
  }));

test("waiting for the first lists ends when a resource goes instead", () =>
  withFollowed(async (cluster, { informers }) => {
    await add(cluster);
    informers.resources.refresh();
    await cluster.advance(200);
    await remove(cluster);
    // Its list is refused for as long as discovery is not read.
    const informer = informers.for(widgets);
    let isOver = false;
    void informers.waitForSync(new AbortController().signal).then(() => (isOver = true));
    await cluster.advance(1_000);
    expect([informer.hasSynced, isOver]).toEqual([false, false]);
    informers.resources.refresh();
    await cluster.advance(200);
    expect([informer.hasSynced, isOver]).toEqual([false, true]);
  }));

test("each resource is followed in the version that its group prefers, and found under all", () =>
  withFollowed(async (cluster, { informers, told }) => {
    const { resources } = informers;
    const refresh = async (): Promise<void> => {
      resources.refresh();
      await cluster.advance(200);
    };
    await cluster.resources.change({ add: [widgetBetaResource, widgetResource] });
    await refresh();
    expect(told).toEqual(["+v1beta1/widgets"]);
    for (const version of ["v1", "v1beta1"])
      expect(resources.ofKind(`example.com/${version}`, "Widget")?.version).toBe("v1beta1");
    expect(resources.ofKind("example.com/v2", "Widget")).toBeUndefined();
    await cluster.resources.change({ remove: [widgetBetaResource.kind.resource] });
    await refresh();
    expect(told.splice(0)).toEqual(["+v1beta1/widgets", "-v1beta1/widgets", "+v1/widgets"]);
    // Verbs are part of what is known.
    const { kind } = widgetResource;
    const without = (...missing: readonly string[]): ResourceDefinition => {
      const verbs = kind.verbs.filter((verb) => !missing.includes(verb));
      return { ...widgetResource, kind: { ...kind, verbs } };
    };
    for (const [definition, expected] of [
      [without("watch"), ["-v1/widgets", "+v1/widgets"]],
      [without("watch"), []],
      [without("patch"), ["-v1/widgets", "+v1/widgets"]],
      [without(), ["-v1/widgets", "+v1/widgets"]],
    ] as const) {
      await cluster.resources.change({ remove: [widgets], add: [definition] });
      await refresh();
      expect(told.splice(0)).toEqual(expected);
    }
  }));

test("what the server cannot tell of stays, and is named", () => {
  let isAway = false;
  const change = (versions: readonly DiscoveredVersion[]): readonly DiscoveredVersion[] =>
    versions.map((version) =>
      isAway && version.group === "example.com" ? { ...version, resources: [], isKnown: false } : version,
    );
  return withFollowed(async (cluster, { informers, told }) => {
    await add(cluster);
    await cluster.advance(31_000);
    expect([told, informers.resources.unknown]).toEqual([["+v1/widgets"], []]);
    isAway = true;
    await cluster.advance(31_000);
    expect([told, informers.resources.unknown]).toEqual([["+v1/widgets"], ["example.com/v1"]]);
    expect(informers.resources.ofKind("example.com/v1", "Widget")).toBeDefined();
    isAway = false;
    await remove(cluster);
    await cluster.advance(31_000);
    expect([told, informers.resources.unknown]).toEqual([["+v1/widgets", "-v1/widgets"], []]);
  }, change);
});

test("who needs to be sure waits for a reading that began later", () => {
  let isAway = false;
  const change = (versions: readonly DiscoveredVersion[]): readonly DiscoveredVersion[] => {
    if (isAway) throw new Error("away");
    return versions;
  };
  return withFollowed(async (cluster, { informers, told }) => {
    const { resources } = informers;
    await cluster.advance(10_000);
    await add(cluster);
    await resources.readAnew();
    expect(told).toEqual(["+v1/widgets"]);
    isAway = true;
    await cluster.advance(100);
    await expect(resources.readAnew()).rejects.toThrow("away");
    expect(cluster.complaints).toEqual([expect.stringContaining("discovery failed")]);
    isAway = false;
    await cluster.advance(2_000);
    await remove(cluster);
    await cluster.advance(0);
    const late = resources.readAnew();
    await cluster.advance(100);
    await late;
    expect(told).toEqual(["+v1/widgets", "-v1/widgets"]);
  }, change);
});

test("who waits when the process ends is told", () =>
  withCluster(async (cluster) => {
    const followed = await follow(cluster);
    const waiting = followed.informers.resources.readAnew();
    followed.stop();
    await expect(waiting).rejects.toThrow("test ends");
  }));
