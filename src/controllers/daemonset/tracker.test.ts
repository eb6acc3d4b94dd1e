/** One DaemonSet's tracked state alone: a jumping wall clock, states that come too late, strangers, pods without a node. */
import { expect, test } from "vitest";
import type { DaemonSet, Node, Pod } from "../../api/index.ts";
import type { Clock } from "../../base/index.ts";
import type { Lister } from "../../client/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { FailedPodBackoff } from "./backoff.ts";
import type { SlotParams } from "./facts.ts";
import { ownerIndexValues } from "./owner-index.ts";
import type { TrackedDaemonSet } from "./tracked-daemonset.ts";
import { Tracker } from "./tracker.ts";

/** Wall and monotonic time apart. */
class TwoClocks implements Clock {
  wall = 1_000_000;
  mono = 0;
  nowMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.mono;
  }
  after(): { cancel(): void } {
    return { cancel() {} };
  }
  soon(): void {}
  pass(ms: number): void {
    this.wall += ms;
    this.mono += ms;
  }
}

function listerOf<T extends Node | Pod>(items: readonly T[]): Lister<T> {
  return {
    get: (key) =>
      items.find(({ metadata }) => [metadata.name, `${metadata.namespace}/${metadata.name}`].includes(key)),
    list: () => items,
    byIndex: (_index, value) => items.filter((item) => ownerIndexValues(item).includes(value)),
    size: items.length,
  };
}

const daemonSet: DaemonSet = {
  metadata: { name: "foo", namespace: "default", uid: "ds" },
  spec: {
    selector: { matchLabels: { app: "foo" } },
    template: { metadata: { labels: { app: "foo" } }, spec: { containers: [] } },
  },
};
const params: SlotParams = {
  hash: "h",
  generation: undefined,
  knownHashes: new Set(["h"]),
  minReadyMs: 10_000,
  hasSurge: false,
};

function pod(
  change: {
    readonly version?: number;
    readonly phase?: string;
    readonly readyMs?: number;
    readonly owner?: string;
    readonly labels?: Record<string, string>;
  } = {},
): Pod {
  const since = change.readyMs === undefined ? undefined : new Date(change.readyMs).toISOString();
  return {
    metadata: {
      name: "p",
      namespace: "default",
      uid: "p",
      resourceVersion: String(change.version ?? 1),
      labels: change.labels ?? { app: "foo", "controller-revision-hash": "h" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "DaemonSet",
          name: "foo",
          uid: change.owner ?? "ds",
          controller: true,
        },
      ],
    },
    spec: { containers: [], nodeName: "n" },
    status: {
      phase: change.phase ?? "Running",
      ...(since === undefined
        ? {}
        : { conditions: [{ type: "Ready", status: "True", lastTransitionTime: since }] }),
    },
  };
}

async function start(pods: readonly Pod[] = []): Promise<{
  tracker: Tracker;
  tracked: TrackedDaemonSet;
  clock: TwoClocks;
  refresh: () => Promise<void>;
}> {
  const clock = new TwoClocks();
  const nodes = listerOf([makeNode("n")]);
  const tracker = new Tracker({ clock, pods: listerOf(pods), nodes }, () => new FailedPodBackoff());
  const tracked = tracker.put(daemonSet);
  const refresh = (): Promise<void> => tracked.refresh(daemonSet, params);
  await refresh();
  return { tracker, tracked, clock, refresh };
}

test("a back-off is over by the monotonic clock, even when the wall clock was set back meanwhile", async () => {
  const { tracked, clock, refresh } = await start([pod({ phase: "Failed" })]);
  tracked.podFailed("n");
  expect(tracked.slots.counts().surplus).toBe(0);
  clock.wall -= 3_600_000;
  clock.pass(1_000);
  await refresh();
  expect(tracked.slots.counts().surplus).toBe(1);
});

test("availability follows the wall clock, also when it jumps", async () => {
  const { tracked, clock, refresh } = await start([pod({ readyMs: 1_000_000 })]);
  clock.pass(9_999);
  await refresh();
  expect([tracked.slots.counts().available, tracked.untilWakeMs()]).toEqual([0, 1]);
  clock.pass(1);
  await refresh();
  expect(tracked.slots.counts().available).toBe(1);
  clock.wall -= 5_000;
  await refresh();
  expect(tracked.slots.counts().available).toBe(0);
});

test("an older state of a pod does not replace a newer one", async () => {
  const { tracker, tracked } = await start();
  tracker.putPod(undefined, pod({ version: 10, readyMs: 0 }));
  tracker.putPod(pod(), pod({ version: 9 }));
  expect(tracked.slots.counts().ready).toBe(1);
  tracker.putPod(pod(), pod({ version: 11 }));
  expect(tracked.slots.counts().ready).toBe(0);
});

test("an older state of a pod that does not match any more does not bring it back", async () => {
  const { tracker, tracked } = await start();
  tracker.putPod(undefined, pod({ version: 10, labels: { app: "bar" } }));
  tracker.putPod(pod(), pod({ version: 9 }));
  expect([tracked.claims.notMatching.size, tracked.slots.counts().current]).toEqual([1, 0]);
});

test("a pod of another UID's DaemonSet of this name is a stranger", async () => {
  const { tracker, tracked } = await start();
  tracker.putPod(undefined, pod({ owner: "before" }));
  expect(tracked.slots.counts().current).toBe(0);
});

test("an owned pod whose labels match no more leaves its slot for the release list, and comes back when they do", async () => {
  const { tracker, tracked } = await start([pod()]);
  tracker.putPod(pod(), pod({ version: 2, labels: { app: "bar" } }));
  expect([tracked.slots.counts().missing, tracked.claims.notMatching.size]).toEqual([1, 1]);
  tracker.putPod(pod(), pod({ version: 3 }));
  expect([tracked.slots.counts().missing, tracked.claims.notMatching.size]).toEqual([0, 0]);
  tracker.dropPod(pod({ version: 4 }));
  expect(tracked.slots.counts().missing).toBe(1);
});

test("an unchanged DaemonSet keeps its slots; another placement builds them anew", async () => {
  const { tracked, refresh } = await start([pod()]);
  const { slots } = tracked;
  await refresh();
  expect(tracked.slots).toBe(slots);
  const template = { ...daemonSet.spec.template, spec: { containers: [], nodeSelector: { a: "b" } } };
  await tracked.refresh({ ...daemonSet, spec: { ...daemonSet.spec, template } }, params);
  expect(tracked.slots.counts()).toMatchObject({ desired: 0, misscheduled: 1, surplus: 1 });
});
