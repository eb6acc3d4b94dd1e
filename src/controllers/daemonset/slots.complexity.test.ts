/**
 * Work per event, counted in slots judged, does not grow with the number of nodes: the same at 100 and 10,000.
 * Prints the memory of a slot (SPEC.md quotes it); asserts no time.
 */
import v8 from "node:v8";
import vm from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import { type DaemonSet, maxUnreachableAnnotation, type Node, type Pod } from "../../api/index.ts";
import { settleMicrotasks, SimulatedClock } from "../../base/index.ts";
import type { Lister } from "../../client/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { FailedPodBackoff } from "./backoff.ts";
import { podFacts } from "./facts.ts";
import { observe, strategyOf } from "./observe.ts";
import { ownerIndexValues } from "./owner-index.ts";
import { plan } from "./plan.ts";
import { hasSurge, planRollout } from "./rolling-update.ts";
import { DaemonSetSlots } from "./slots.ts";
import { buildSlice, type TrackedDaemonSet } from "./tracked-daemonset.ts";
import { Tracker } from "./tracker.ts";

/** A lister over a map, with the owner index. */
class Objects<T extends Node | Pod> implements Lister<T> {
  readonly items = new Map<string, T>();
  get(key: string): T | undefined {
    return this.items.get(key);
  }
  list(): readonly T[] {
    return [...this.items.values()];
  }
  byIndex(_index: string, value: string): readonly T[] {
    return this.list().filter((item) => ownerIndexValues(item).includes(value));
  }
  get size(): number {
    return this.items.size;
  }
}

const daemonSet: DaemonSet = {
  metadata: { name: "foo", namespace: "default", uid: "ds", generation: 1 },
  spec: {
    selector: { matchLabels: { app: "foo" } },
    template: {
      metadata: { labels: { app: "foo" } },
      spec: { containers: [], nodeSelector: { role: "worker" } },
    },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%", maxSurge: 0 } },
  },
};

function pod(node: string, change: { readonly hash?: string; readonly version?: number } = {}): Pod {
  return {
    metadata: {
      name: `foo-${node}`,
      namespace: "default",
      uid: `pod-${node}`,
      resourceVersion: String(change.version ?? 1),
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app: "foo", "controller-revision-hash": change.hash ?? "one" },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "DaemonSet", name: "foo", uid: "ds", controller: true },
      ],
    },
    spec: { containers: [], nodeName: node },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
    },
  };
}

interface World {
  readonly clock: SimulatedClock;
  readonly nodes: Objects<Node>;
  readonly pods: Objects<Pod>;
  readonly tracker: Tracker;
  readonly tracked: TrackedDaemonSet;
  refresh(hash: string, of?: DaemonSet): Promise<void>;
}

async function world(count: number): Promise<World> {
  const nodes = new Objects<Node>();
  const pods = new Objects<Pod>();
  for (let i = 0; i < count; i++) {
    const name = `node-${i}`;
    nodes.items.set(name, makeNode(name, { labels: { role: "worker" } }));
    pods.items.set(`default/foo-${name}`, pod(name));
  }
  const clock = new SimulatedClock();
  const tracker = new Tracker({ clock, pods, nodes }, () => new FailedPodBackoff());
  const tracked = tracker.put(daemonSet);
  const refresh = (hash: string, of = daemonSet): Promise<void> =>
    tracked.refresh(of, {
      hash,
      generation: undefined,
      knownHashes: new Set([hash]),
      minReadyMs: 0,
      hasSurge: hasSurge(strategyOf(of)),
    });
  await slices(clock, refresh("one"));
  return { clock, nodes, pods, tracker, tracked, refresh };
}

/** Lets a build go on, slice by slice, until it is done; `between` happens after each slice. @returns how many there were. */
async function slices(
  clock: SimulatedClock,
  build: Promise<void>,
  between: () => void = () => {},
): Promise<number> {
  let isDone = false;
  let count = 0;
  const done = build.then(() => void (isDone = true));
  await clock.advance(0, async () => {
    await settleMicrotasks();
    if (isDone) return;
    count++;
    between();
  });
  await done;
  return count;
}

/** Slots judged because of `event`. */
function judged({ tracked }: World, event: () => unknown): number {
  const before = tracked.slots.judgements;
  event();
  return tracked.slots.judgements - before;
}

describe.each([100, 10_000])("with %i nodes", (count) => {
  let at: World;
  beforeAll(async () => {
    at = await world(count);
  });
  const node = (
    change: {
      readonly labels?: Record<string, string>;
      readonly spec?: Node["spec"];
      readonly status?: object;
    } = {},
  ): Node =>
    makeNode("node-7", {
      labels: { role: "worker", ...change.labels },
      ...(change.spec === undefined ? {} : { spec: change.spec }),
      ...(change.status === undefined ? {} : { status: change.status }),
    });

  test("a pod event looks at its own slot", () => {
    expect(judged(at, () => at.tracker.putPod(pod("node-7"), pod("node-7", { version: 2 })))).toBe(1);
    expect(judged(at, () => at.tracker.dropPod(pod("node-7")))).toBe(1);
    expect(judged(at, () => at.tracker.putPod(undefined, pod("node-7", { version: 3 })))).toBe(1);
  });

  test("a heartbeat, an annotation, a tolerated taint or a label that is not selected looks at none", () => {
    const heartbeat = node({
      status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-02T00:00:00Z" }] },
    });
    expect(judged(at, () => at.tracker.putNode(node(), heartbeat))).toBe(0);
    expect(judged(at, () => at.tracker.putNode(node(), node({ labels: { zone: "b" } })))).toBe(0);
    const cordoned = node({
      spec: {
        unschedulable: true,
        taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }],
      },
    });
    expect(judged(at, () => at.tracker.putNode(node(), cordoned))).toBe(0);
  });

  test("a label or taint that matters looks at one, and so do a new and a deleted node", () => {
    const tainted = node({ spec: { taints: [{ key: "dedicated", effect: "NoSchedule" }] } });
    expect(judged(at, () => at.tracker.putNode(node(), tainted))).toBe(1);
    expect(judged(at, () => at.tracker.putNode(tainted, node()))).toBe(1);
    expect(judged(at, () => at.tracker.putNode(node(), node({ labels: { role: "other" } })))).toBe(1);
    expect(judged(at, () => at.tracker.putNode(node({ labels: { role: "other" } }), node()))).toBe(1);
    expect(
      judged(at, () => at.tracker.putNode(undefined, makeNode("fresh", { labels: { role: "worker" } }))),
    ).toBe(1);
    expect(judged(at, () => at.tracker.dropNode(makeNode("fresh")))).toBe(1);
  });

  test("a node that is lost sight of looks at none, and at one where unreachable nodes are passed over", async () => {
    const ready = (status: string, lastHeartbeatTime = ""): Node =>
      node({ status: { conditions: [{ type: "Ready", status, lastHeartbeatTime }] } });
    expect(judged(at, () => at.tracker.putNode(ready("True"), ready("Unknown")))).toBe(0);
    const asking = { ...daemonSet.metadata, annotations: { [maxUnreachableAnnotation]: "10%" } };
    await slices(at.clock, at.refresh("one", { ...daemonSet, metadata: asking }));
    expect(judged(at, () => at.tracker.putNode(ready("True"), ready("Unknown")))).toBe(1);
    expect(judged(at, () => at.tracker.putNode(ready("Unknown"), ready("Unknown", "later")))).toBe(0);
    expect(judged(at, () => at.tracker.putNode(ready("Unknown"), ready("True")))).toBe(1);
    expect(judged(at, () => at.tracker.putNode(ready("True"), ready("True", "later")))).toBe(0);
    expect(judged(at, () => at.tracker.putNode(ready("True"), ready("False")))).toBe(0);
    await slices(at.clock, at.refresh("one"));
  });

  test("a sync without a change of the DaemonSet looks at none, however much there is to do", async () => {
    await at.refresh("two");
    expect(judged(at, () => void at.refresh("two"))).toBe(0);
    const counted = judged(at, () => {
      const snapshot = observe(daemonSet, at.tracked, { nowMs: 0, burst: 250 });
      expect(plan(snapshot)).toEqual([]);
      expect(planRollout(snapshot)).toHaveLength(Math.min(250, count / 10));
    });
    expect(counted).toBe(0);
    await at.refresh("one");
  });
});

describe("a rebuild for 15,000 nodes with their pods", () => {
  const count = 15_000;
  const elsewhere: DaemonSet = {
    ...daemonSet,
    spec: { ...daemonSet.spec, template: { ...daemonSet.spec.template, spec: { containers: [] } } },
  };

  test("gives way to other work every 1,000 objects, and takes the events that come meanwhile", async () => {
    const at = await world(count);
    // From the end: their turn has not come yet when they go.
    const gone = [...at.pods.items.values()].filter((_, index) => index % 1_000 === 0).reverse();
    const tainted = [...at.nodes.items.values()].filter((_, index) => index % 1_000 === 500);
    let turn = 0;
    const taint = { key: "dedicated", effect: "NoSchedule" };
    const made = await slices(at.clock, at.refresh("one", elsewhere), () => {
      const pod = gone[turn];
      const node = tainted[turn];
      turn++;
      expect(at.tracked.isBuilt).toBe(false);
      if (pod === undefined || node === undefined) return;
      at.pods.items.delete(`default/${pod.metadata.name!}`);
      at.tracker.dropPod(pod);
      const after = { ...node, spec: { ...node.spec, taints: [taint] } };
      at.nodes.items.set(node.metadata.name!, after);
      at.tracker.putNode(node, after);
    });
    expect(made).toBeGreaterThanOrEqual(count / buildSlice - 1);
    expect(at.tracked.isBuilt).toBe(true);
    const changed = Math.min(turn, gone.length);
    expect(at.tracked.slots.counts()).toMatchObject({
      desired: count - changed,
      current: count - 2 * changed,
      missing: changed,
      misscheduled: changed,
    });
  });

  test("its longest slice is printed", async () => {
    const at = await world(count);
    let longestMs = 0;
    let allMs = 0;
    for (const owner of [elsewhere, daemonSet]) {
      let from = performance.now();
      await slices(at.clock, at.refresh("one", owner), () => {
        const ms = performance.now() - from;
        longestMs = Math.max(longestMs, ms);
        allMs += ms;
        from = performance.now();
      });
    }
    console.log(`rebuild: ${Math.round(allMs / 2)} ms in all, longest slice ${Math.round(longestMs)} ms`);
    expect(at.tracked.slots.counts().desired).toBe(count);
  });
});

test("memory of a slot with its pod's facts is printed", () => {
  const count = 20_000;
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const slots = filled(count);
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  console.log(`heap per slot with the facts of its pod: ${Math.round(bytes)} bytes`);
  expect(slots.size).toBe(count);
});

/** Slots alone, with their names but without API objects. */
function filled(count: number): DaemonSetSlots {
  const slots = new DaemonSetSlots({
    placementOf: () => ({ shouldRun: true, shouldContinue: true }),
    nowMs: () => 0,
    backoffUntilMs: () => undefined,
    holdOn: () => undefined,
  });
  const sample = pod("node-0");
  for (let i = 0; i < count; i++)
    slots.putPod({ ...podFacts(sample, `node-${i}`), uid: `pod-node-${i}`, name: `foo-node-${i}` });
  return slots;
}
