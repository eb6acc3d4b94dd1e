/** The frame of a controller, over the real server: what happens in which order from start to end. */
import { expect, test } from "vitest";
import { configmaps, namespaces } from "../../api/index.ts";
import { type TestCluster, withCluster } from "../../testing/cluster.ts";
import {
  type ControllerContext,
  createController,
  type QueueController,
  runWhenSynced,
} from "./controller.ts";

interface Watched {
  readonly story: string[];
  readonly controller: QueueController<string>;
}

/** A controller of namespaces that notes what happens to it. */
function watched(cluster: TestCluster, change: { readonly isSlow?: boolean } = {}): Watched {
  const story: string[] = [];
  const context: ControllerContext = cluster.dependencies("noting-controller");
  const informer = context.informers.for(namespaces);
  const controller = createController<string>(
    {
      name: "noting",
      workers: 2,
      reconcile: async (name) => {
        story.push(`begin ${name}`);
        if (change.isSlow === true) await new Promise<void>((resolve) => context.clock.after(500, resolve));
        story.push(`end ${name}`);
      },
      begin: () => {
        story.push(`synced ${informer.hasSynced}`);
        return () => story.push("ended");
      },
      periodic: { everyMs: 1_000, work: () => story.push("periodic") },
    },
    context,
  );
  informer.addHandler({ added: ({ metadata }) => controller.queue.add(metadata.name!) });
  return { story, controller };
}

test("keys that handlers added before the first lists were in are worked on afterwards", () =>
  withCluster(async (cluster) => {
    await cluster.client.create(namespaces, { metadata: { name: "a" }, spec: {} });
    const { story, controller } = watched(cluster);
    expect(story).toEqual([]);
    await cluster.start(controller);
    await cluster.advance(0);
    expect(story[0]).toBe("synced true");
    expect(story).toContain("end a");
  }));

test("the informers are started, whoever else has done so", () =>
  withCluster(async (cluster) => {
    const { story, controller } = watched(cluster);
    const stop = new AbortController();
    const run = controller.run(stop.signal);
    await cluster.advance(0);
    expect(story[0]).toBe("synced true");
    stop.abort(new Error("test ends"));
    await run;
  }));

test("periodic work is done when its time has passed, and again, until the end", () =>
  withCluster(async (cluster) => {
    const { story, controller } = watched(cluster);
    const stop = new AbortController();
    const run = controller.run(stop.signal);
    const rounds = (): number => story.filter((line) => line === "periodic").length;
    await cluster.advance(999);
    expect(rounds()).toBe(0);
    await cluster.advance(1);
    expect(rounds()).toBe(1);
    await cluster.advance(2_000);
    expect(rounds()).toBe(3);
    stop.abort(new Error("test ends"));
    await run;
    await cluster.advance(5_000);
    expect(rounds()).toBe(3);
  }));

test("the run ends when the work under way has ended, and no key is begun after the abort", () =>
  withCluster(async (cluster) => {
    const { story, controller } = watched(cluster, { isSlow: true });
    const stop = new AbortController();
    const run = controller.run(stop.signal).then(() => story.push("resolved"));
    await cluster.advance(0);
    for (const name of ["a", "b", "c"]) controller.queue.add(name);
    await cluster.advance(499);
    const begun = story.filter((line) => line.startsWith("begin"));
    stop.abort(new Error("test ends"));
    await cluster.advance(10_000);
    await run;
    expect(story.filter((line) => line.startsWith("begin"))).toEqual(begun);
    expect(story.filter((line) => line.startsWith("end "))).toHaveLength(begun.length);
    expect(story.slice(-2)).toEqual(["ended", "resolved"]);
  }));

test("an abort before the first lists ends it quietly, without a beginning", () =>
  withCluster(async (cluster) => {
    const { story, controller } = watched(cluster);
    await controller.run(AbortSignal.abort(new Error("test ends")));
    expect(story).toEqual([]);
  }));

test("what fails for another reason than the abort is thrown", () =>
  withCluster(async (cluster) => {
    const { informers } = cluster.dependencies("noting-controller");
    informers.for(configmaps);
    const failing = runWhenSynced(informers, new AbortController().signal, () =>
      Promise.reject(new Error("broken")),
    );
    await expect(failing).rejects.toThrow("broken");
  }));
