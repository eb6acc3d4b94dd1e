/**
 * Work per event, counted in slots looked at, does not grow with the number of nodes: the same at 100 and 10,000.
 * Prints the memory of a slot (SPEC.md quotes it); asserts no time.
 */
import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import type { DaemonSet, Node, Pod } from "../../api/index.ts";
import { SimulatedClock } from "../../base/index.ts";
import type { Lister } from "../../client/index.ts";
import { makeNode } from "../../testing/cluster-objects.ts";
import { FailedPodBackoff } from "./backoff.ts";
import { podFacts } from "./facts.ts";
import { observe, strategyOf } from "./observe.ts";
import { plan } from "./plan.ts";
import { hasSurge, planRollout } from "./rolling-update.ts";
import { DaemonSetSlots } from "./slots.ts";
import { ownerIndexValues, Tracker } from "./tracker.ts";

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

function world(count: number) {
  const nodes = new Objects<Node>();
  const pods = new Objects<Pod>();
  for (let i = 0; i < count; i++) {
    const name = `node-${i}`;
    nodes.items.set(name, makeNode(name, { labels: { role: "worker" } }));
    pods.items.set(`default/foo-${name}`, pod(name));
  }
  const tracker = new Tracker({ clock: new SimulatedClock(), pods, nodes }, () => new FailedPodBackoff());
  const tracked = tracker.put(daemonSet);
  const refresh = (hash: string): void =>
    tracked.refresh(daemonSet, {
      hash,
      generation: undefined,
      knownHashes: new Set([hash]),
      minReadyMs: 0,
      hasSurge: hasSurge(strategyOf(daemonSet)),
    });
  refresh("one");
  return { nodes, tracker, tracked, refresh };
}

/** Slots looked at by `event`. */
function looks({ tracked }: ReturnType<typeof world>, event: () => unknown): number {
  const before = tracked.slots.looks;
  event();
  return tracked.slots.looks - before;
}

describe.each([100, 10_000])("with %i nodes", (count) => {
  const at = world(count);
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
    expect(looks(at, () => at.tracker.putPod(pod("node-7"), pod("node-7", { version: 2 })))).toBe(1);
    expect(looks(at, () => at.tracker.dropPod(pod("node-7")))).toBe(1);
    expect(looks(at, () => at.tracker.putPod(undefined, pod("node-7", { version: 3 })))).toBe(1);
  });

  test("a heartbeat, an annotation, a tolerated taint or a label that is not selected looks at none", () => {
    const heartbeat = node({
      status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-02T00:00:00Z" }] },
    });
    expect(looks(at, () => at.tracker.putNode(node(), heartbeat))).toBe(0);
    expect(looks(at, () => at.tracker.putNode(node(), node({ labels: { zone: "b" } })))).toBe(0);
    const cordoned = node({
      spec: {
        unschedulable: true,
        taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }],
      },
    });
    expect(looks(at, () => at.tracker.putNode(node(), cordoned))).toBe(0);
  });

  test("a label or taint that matters looks at one, and so do a new and a deleted node", () => {
    const tainted = node({ spec: { taints: [{ key: "dedicated", effect: "NoSchedule" }] } });
    expect(looks(at, () => at.tracker.putNode(node(), tainted))).toBe(1);
    expect(looks(at, () => at.tracker.putNode(tainted, node()))).toBe(1);
    expect(looks(at, () => at.tracker.putNode(node(), node({ labels: { role: "other" } })))).toBe(1);
    expect(looks(at, () => at.tracker.putNode(node({ labels: { role: "other" } }), node()))).toBe(1);
    expect(
      looks(at, () => at.tracker.putNode(undefined, makeNode("fresh", { labels: { role: "worker" } }))),
    ).toBe(1);
    expect(looks(at, () => at.tracker.dropNode(makeNode("fresh")))).toBe(1);
  });

  test("a sync without a change of the DaemonSet looks at none, however much there is to do", () => {
    at.refresh("two");
    expect(looks(at, () => at.refresh("two"))).toBe(0);
    const counted = looks(at, () => {
      const snapshot = observe(daemonSet, at.tracked, { nowMs: 0, burst: 250 });
      expect(plan(snapshot)).toEqual([]);
      expect(planRollout(snapshot)).toHaveLength(Math.min(250, count / 10));
    });
    expect(counted).toBe(0);
    at.refresh("one");
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
  });
  const sample = pod("node-0");
  for (let i = 0; i < count; i++)
    slots.putPod({ ...podFacts(sample, `node-${i}`), uid: `pod-node-${i}`, name: `foo-node-${i}` });
  return slots;
}
