/** The frame of a controller, over the real server: the order of its steps from start to end. */
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
  readonly steps: string[];
  readonly controller: QueueController<string>;
}

/** A controller of namespaces that notes the calls of its hooks. */
function watched(cluster: TestCluster, change: { readonly isSlow?: boolean } = {}): Watched {
  const steps: string[] = [];
  const context: ControllerContext = cluster.dependencies("noting-controller");
  const informer = context.informers.for(namespaces);
  const controller = createController<string>(
    {
      name: "noting",
      workers: 2,
      reconcile: async (name) => {
        steps.push(`begin ${name}`);
        if (change.isSlow === true) await new Promise<void>((resolve) => context.clock.after(500, resolve));
        steps.push(`end ${name}`);
      },
      begin: () => {
        steps.push(`synced ${informer.hasSynced}`);
        return () => steps.push("ended");
      },
      periodic: { everyMs: 1_000, work: () => steps.push("periodic") },
    },
    context,
  );
  informer.addHandler({ added: ({ metadata }) => controller.queue.add(metadata.name!) });
  return { steps, controller };
}

test("keys that handlers add before the caches are synced are reconciled afterwards", () =>
  withCluster(async (cluster) => {
    await cluster.client.create(namespaces, { metadata: { name: "a" }, spec: {} });
    const { steps, controller } = watched(cluster);
    expect(steps).toEqual([]);
    await cluster.start(controller);
    await cluster.advance(0);
    expect(steps[0]).toBe("synced true");
    expect(steps).toContain("end a");
  }));

test("the informers are started, also when another has started them", () =>
  withCluster(async (cluster) => {
    const { steps, controller } = watched(cluster);
    const stop = new AbortController();
    const run = controller.run(stop.signal);
    await cluster.advance(0);
    expect(steps[0]).toBe("synced true");
    stop.abort(new Error("test ends"));
    await run;
  }));

test("periodic work is done when its time has passed, and again, until the end", () =>
  withCluster(async (cluster) => {
    const { steps, controller } = watched(cluster);
    const stop = new AbortController();
    const run = controller.run(stop.signal);
    const rounds = (): number => steps.filter((line) => line === "periodic").length;
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

test("run resolves when the reconciles under way have ended, and no key is begun after the abort", () =>
  withCluster(async (cluster) => {
    const { steps, controller } = watched(cluster, { isSlow: true });
    const stop = new AbortController();
    const run = controller.run(stop.signal).then(() => steps.push("resolved"));
    await cluster.advance(0);
    for (const name of ["a", "b", "c"]) controller.queue.add(name);
    await cluster.advance(499);
    const begun = steps.filter((line) => line.startsWith("begin"));
    stop.abort(new Error("test ends"));
    await cluster.advance(10_000);
    await run;
    expect(steps.filter((line) => line.startsWith("begin"))).toEqual(begun);
    expect(steps.filter((line) => line.startsWith("end "))).toHaveLength(begun.length);
    expect(steps.slice(-2)).toEqual(["ended", "resolved"]);
  }));

test("after an abort before the caches are synced, run resolves without begin", () =>
  withCluster(async (cluster) => {
    const { steps, controller } = watched(cluster);
    await controller.run(AbortSignal.abort(new Error("test ends")));
    expect(steps).toEqual([]);
  }));

test("run rejects with an error that is not the abort", () =>
  withCluster(async (cluster) => {
    const { informers } = cluster.dependencies("noting-controller");
    informers.for(configmaps);
    const failing = runWhenSynced(informers, new AbortController().signal, () =>
      Promise.reject(new Error("broken")),
    );
    await expect(failing).rejects.toThrow("broken");
  }));
