/** What Prometheus reads of a DaemonSet, through its life. */
import { expect, test } from "vitest";
import { daemonsets } from "../../api/index.ts";
import { type Labels, type Metrics, silentMetrics, SimulatedClock } from "../../base/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";
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
