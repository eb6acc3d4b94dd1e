/** What Prometheus reads of a DaemonSet, through its life. */
import { expect, test } from "vitest";
import { daemonsets } from "../../api/index.ts";
import { type Labels, type Metrics, silentMetrics, SimulatedClock } from "../../base/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { createInformerFactory } from "../../client/index.ts";
import { createDaemonSetController } from "./controller.ts";
import { FailedPodBackoff } from "./backoff.ts";
import { DaemonSetMetrics } from "./metrics.ts";

/** Series by name and labels, as a reader would see them. */
class Readings {
  readonly series = new Map<string, number>();
  readonly #readers = new Set<() => void>();
  readonly metrics: Metrics = {
    ...silentMetrics,
    gauge: (name) => ({
      set: (value, labels = {}) => void this.series.set(seriesName(name, labels), value),
      remove: (labels) => void this.series.delete(seriesName(name, labels)),
    }),
    onRead: (callback) => {
      this.#readers.add(callback);
      return () => this.#readers.delete(callback);
    },
  };

  /** The figures of one DaemonSet, without the part of the name that they share. */
  read(name = "foo"): Record<string, number> {
    for (const reader of this.#readers) reader();
    const found: Record<string, number> = {};
    for (const [series, value] of this.series) {
      const match = new RegExp(`^lares_daemonset_(.*) default/${name}$`).exec(series);
      if (match !== null) found[match[1]!] = value;
    }
    return found;
  }
}

function seriesName(name: string, labels: Labels): string {
  return `${name} ${labels["namespace"]}/${labels["daemonset"]}`;
}

/** The metrics of a fixture's controller; `step` syncs as the controller does. */
async function withReadings(
  body: (rig: {
    readonly fixture: DaemonSetFixture;
    readonly readings: Readings;
    readonly step: () => Promise<void>;
    readonly stop: () => void;
  }) => Promise<void>,
): Promise<void> {
  await withDaemonSets(async (fixture) => {
    const readings = new Readings();
    const get = (key: string): ReturnType<typeof fixture.controller.tracked> =>
      fixture.controller.tracked(key);
    const all = (): ReturnType<typeof get>[] => ["default/foo", "default/bar"].map(get);
    const tracker = { get, all: () => all().filter((tracked) => tracked !== undefined) };
    const metrics = new DaemonSetMetrics(readings.metrics, { tracker, clock: fixture.cluster.clock });
    const stop = metrics.start();
    const step = async (): Promise<void> => {
      await fixture.sync();
      metrics.synced("default/foo");
    };
    await body({ fixture, readings, step, stop });
  });
}

test("nodes by state, and the roll-out from its first pod to its end", async () => {
  await withReadings(async ({ fixture, readings, step }) => {
    await fixture.addNodes(4);
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(2) } });
    expect(readings.read()).toEqual({});
    await step();
    await fixture.cluster.clock.advance(7_000);
    expect(readings.read()).toEqual({
      desired_nodes: 4,
      current_nodes: 4,
      ready_nodes: 0,
      updated_nodes: 4,
      available_nodes: 0,
      misscheduled_nodes: 0,
      backoff_nodes: 0,
      rollout_progress_ratio: 1,
      rollout_age_seconds: 7,
    });
    await fixture.markReady();
    await step();
    expect(readings.read()).toMatchObject({ ready_nodes: 4, available_nodes: 4, rollout_age_seconds: 0 });

    await fixture.setImage("foo/bar:2");
    await step();
    await step();
    await fixture.cluster.clock.advance(30_000);
    expect(readings.read()).toMatchObject({
      updated_nodes: 2,
      rollout_progress_ratio: 0.5,
      rollout_age_seconds: 30,
    });
  });
});

test("a node that joins, or whose pod is not ready for a while, is no roll-out", async () => {
  await withReadings(async ({ fixture, readings, step }) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    await step();
    await fixture.markReady();
    await step();
    await fixture.addNodes(1, { first: 2 });
    await step();
    await fixture.cluster.clock.advance(60_000);
    expect(readings.read()).toMatchObject({ desired_nodes: 3, available_nodes: 2, rollout_age_seconds: 0 });
  });
});

/** A controller that runs, as after each start of a process, and what is read of it. */
async function started({ cluster }: DaemonSetFixture): Promise<{
  readonly read: () => Record<string, number>;
  readonly stop: () => Promise<void>;
}> {
  const readings = new Readings();
  const { metrics } = readings;
  const dependencies = cluster.dependencies("daemonset-controller");
  const { clock, random, log } = dependencies;
  const informers = createInformerFactory(cluster.client, { clock, random, log });
  const controller = createDaemonSetController(
    { placement: "controller" },
    { ...dependencies, informers, metrics },
  );
  const end = new AbortController();
  const running = controller.run(end.signal);
  await cluster.advance(0);
  const stop = async (): Promise<void> => {
    end.abort(new Error("process ends"));
    await running;
  };
  return { read: () => readings.read(), stop };
}

test("a roll-out's age goes on when the controller starts anew, a roll-back's from its own beginning", () =>
  withDaemonSets(async (fixture) => {
    const { cluster } = fixture;
    await fixture.addNodes(3);
    let process = await started(fixture);
    await fixture.addDaemonSet();
    await cluster.advance(4_000);
    expect(process.read()).toMatchObject({ desired_nodes: 3, rollout_age_seconds: 4 });
    await fixture.markReady();
    await cluster.advance(1_000_000);
    expect(process.read()).toMatchObject({ available_nodes: 3, rollout_age_seconds: 0 });
    for (const image of ["foo/bar:2", "foo/bar"]) {
      await fixture.setImage(image);
      await cluster.advance(20_000);
      expect(process.read()).toMatchObject({ rollout_age_seconds: 20 });
      await process.stop();
      await cluster.advance(3_000);
      process = await started(fixture);
      expect(process.read()).toMatchObject({ rollout_age_seconds: 23 });
      for (let node = 0; node < 3; node++) {
        await fixture.markReady();
        await cluster.advance(1_000);
      }
      expect(process.read()).toMatchObject({ available_nodes: 3, rollout_age_seconds: 0 });
    }
    await process.stop();
  }));

test("a controller that starts takes no node that has been ill for a while for a roll-out", () =>
  withDaemonSets(async (fixture) => {
    const { cluster } = fixture;
    await fixture.addNodes(3);
    let process = await started(fixture);
    await fixture.addDaemonSet();
    await cluster.advance(0);
    await fixture.markReady();
    await cluster.advance(100_000);
    await fixture.setStatus((await fixture.pods())[0]!, { ready: false });
    expect(process.read()).toMatchObject({ available_nodes: 2, rollout_age_seconds: 0 });
    await process.stop();
    process = await started(fixture);
    expect(process.read()).toMatchObject({ available_nodes: 2, rollout_age_seconds: 0 });
    // What it sees begin is one, even if no old pod is left by the end of the first sync.
    await fixture.edit((spec) => ({ ...spec, updateStrategy: rollingUpdate("100%") }));
    await fixture.setImage("foo/bar:2");
    await cluster.advance(5_000);
    expect(process.read()).toMatchObject({ updated_nodes: 3, rollout_age_seconds: 5 });
    await process.stop();
  }));

test("what is deleted leaves no series, and neither does a controller that stops", async () => {
  await withReadings(async ({ fixture, readings, step, stop }) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.addDaemonSet({}, "bar");
    await step();
    await fixture.sync("bar");
    expect([Object.keys(readings.read()).length, Object.keys(readings.read("bar")).length]).toEqual([9, 9]);
    await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "bar" });
    await fixture.settle();
    expect([Object.keys(readings.read()).length, Object.keys(readings.read("bar")).length]).toEqual([9, 0]);
    stop();
    expect(readings.series.size).toBe(0);
    expect(readings.read()).toEqual({});
  });
});

test("nodes in back-off are counted until it is over", () => {
  const clock = new SimulatedClock();
  const backoff = new FailedPodBackoff({ firstMs: 1000, maxMs: 60_000 });
  backoff.next("a", clock.monotonicMs());
  backoff.next("b", clock.monotonicMs());
  backoff.next("b", clock.monotonicMs());
  expect([0, 999, 1000, 1999, 2000].map((ms) => backoff.running(ms))).toEqual([2, 2, 1, 1, 0]);
});
