/**
 * The controller against the real API server: upstream's daemon_controller_test.go, each case by its upstream name.
 * Invariants and rules by number: docs/spec/invariants.md, docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import {
  type DaemonSet,
  daemonsets,
  nodes,
  type Pod,
  pods,
  type PodSpec,
  targetNodeName,
  type Taint,
} from "../../api/index.ts";
import { controllerOf, type KubeObject } from "../../machinery/index.ts";
import {
  blue,
  type DaemonSetFixture,
  mismatchedLabels,
  onDelete,
  podLabels,
  rollingUpdate,
  withDaemonSets,
} from "../../testing/daemonset-fixture.ts";

const strategies = { OnDelete: onDelete, RollingUpdate: rollingUpdate(1) };

/** Runs a case with both strategies, as upstream does. */
function both(
  name: string,
  body: (fixture: DaemonSetFixture, strategy: DaemonSet["spec"]["updateStrategy"]) => Promise<void>,
): void {
  for (const [label, strategy] of Object.entries(strategies)) {
    test(`${name} (${label})`, () => withDaemonSets((fixture) => body(fixture, strategy)));
  }
}

interface PlacementCase {
  readonly name: string;
  readonly plain?: number;
  readonly labelled?: number;
  readonly taints?: readonly Taint[];
  readonly podSpec?: Partial<PodSpec>;
  readonly expected: string;
}

const noSchedule: Taint = { key: "dedicated", value: "user1", effect: "NoSchedule" };
const tolerates = [{ key: "dedicated", operator: "Equal", value: "user1", effect: "NoSchedule" }];
const blueOnly: Partial<PodSpec> = {
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "color", operator: "In", values: ["blue"] }] }],
      },
    },
  },
};

const placementCases: readonly PlacementCase[] = [
  { name: "TestSimpleDaemonSetLaunchesPods", plain: 5, expected: "5/0" },
  { name: "TestNoNodesDoesNothing", expected: "0/0" },
  { name: "TestOneNodeDaemonLaunchesPod", plain: 1, expected: "1/0" },
  { name: "TestNameDaemonSetLaunchesPods", plain: 5, podSpec: { nodeName: "node-0" }, expected: "1/0" },
  { name: "TestBadNameDaemonSetDoesNothing", plain: 5, podSpec: { nodeName: "node-10" }, expected: "0/0" },
  {
    name: "TestNameAndSelectorDaemonSetLaunchesPods",
    plain: 4,
    labelled: 3,
    podSpec: { nodeName: "node-6", nodeSelector: blue },
    expected: "1/0",
  },
  {
    name: "TestInconsistentNameSelectorDaemonSetDoesNothing",
    plain: 4,
    labelled: 3,
    podSpec: { nodeName: "node-0", nodeSelector: blue },
    expected: "0/0",
  },
  {
    name: "TestSelectorDaemonLaunchesPods",
    plain: 4,
    labelled: 3,
    podSpec: { nodeSelector: blue },
    expected: "3/0",
  },
  {
    name: "TestBadSelectorDaemonDoesNothing",
    plain: 4,
    labelled: 3,
    podSpec: { nodeSelector: { nobody: "has" } },
    expected: "0/0",
  },
  { name: "TestNodeAffinityDaemonLaunchesPods", plain: 4, labelled: 3, podSpec: blueOnly, expected: "3/0" },
  {
    name: "TestTaintedNodeDaemonDoesNotLaunchIntolerantPod",
    plain: 1,
    taints: [noSchedule],
    expected: "0/0",
  },
  {
    name: "TestTaintedNodeDaemonLaunchesToleratePod",
    plain: 1,
    taints: [noSchedule],
    podSpec: { tolerations: tolerates },
    expected: "1/0",
  },
  {
    name: "TestNodeDaemonLaunchesToleratePod",
    plain: 1,
    podSpec: { tolerations: tolerates },
    expected: "1/0",
  },
  {
    name: "TestNotReadyNodeDaemonLaunchesPod",
    plain: 1,
    taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoExecute" }],
    expected: "1/0",
  },
  {
    name: "TestUnreachableNodeDaemonLaunchesPod",
    plain: 1,
    taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }],
    expected: "1/0",
  },
  {
    name: "TestTaintPressureNodeDaemonLaunchesPod",
    plain: 1,
    taints: ["disk", "memory", "pid"].map((what) => ({
      key: `node.kubernetes.io/${what}-pressure`,
      effect: "NoSchedule",
    })),
    expected: "1/0",
  },
];

describe("placement", () => {
  for (const { name, plain = 0, labelled = 0, taints, podSpec, expected } of placementCases) {
    both(name, async (fixture, updateStrategy) => {
      await fixture.addNodes(plain, taints === undefined ? {} : { taints });
      await fixture.addNodes(labelled, { first: plain, labels: blue });
      await fixture.addDaemonSet({
        spec: { updateStrategy: updateStrategy! },
        ...(podSpec === undefined ? {} : { podSpec }),
      });
      expect(await fixture.sync()).toBe(expected);
      expect(await fixture.sync()).toBe("0/0");
    });
  }

  both("TestSimpleDaemonSetScheduleDaemonSetPodsLaunchesPods", async (fixture, updateStrategy) => {
    await fixture.addNodes(5);
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    await fixture.sync();
    const made = await fixture.pods();
    expect(made.map(targetNodeName).sort()).toEqual([0, 1, 2, 3, 4].map((i) => `node-${i}`));
    for (const pod of made) {
      const { nodeSelectorTerms } =
        pod.spec.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!;
      expect(pod.spec.nodeName).toBeUndefined();
      expect(nodeSelectorTerms).toHaveLength(1);
      expect(nodeSelectorTerms[0]!.matchFields).toHaveLength(1);
      expect(pod.metadata.generateName).toBe("foo-");
    }
  });

  test("placement `controller` binds by nodeName and leaves the affinity alone (#19.3)", () =>
    withDaemonSets(
      async (fixture) => {
        await fixture.addNodes(2);
        await fixture.addDaemonSet();
        expect(await fixture.sync()).toBe("2/0");
        expect((await fixture.pods()).map((pod) => pod.spec.nodeName).sort()).toEqual(["node-0", "node-1"]);
        expect((await fixture.pods()).every((pod) => pod.spec.affinity === undefined)).toBe(true);
      },
      { placement: "controller" },
    ));
});

describe("existing, surplus and unwanted pods", () => {
  both("TestDealsWithExistingPods", async (fixture, updateStrategy) => {
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    const hash = await fixture.currentHash();
    await put(fixture, hash, { "node-1": 1, "node-2": 2, "node-3": 5 });
    await put(fixture, hash, { "node-4": 2 }, mismatchedLabels);
    await fixture.addNodes(5);
    expect(await fixture.sync()).toBe("2/5");
    const released = (await fixture.pods()).filter((pod) => pod.metadata.labels?.type === "test");
    expect(released.map((pod) => controllerOf(pod))).toEqual([undefined, undefined]);
  });

  both("TestSelectorDaemonDeletesUnselectedPods", async (fixture, updateStrategy) => {
    await fixture.addDaemonSet({
      spec: { updateStrategy: updateStrategy! },
      podSpec: { nodeSelector: blue },
    });
    const hash = await fixture.currentHash();
    await fixture.addNodes(5);
    await put(fixture, hash, { "node-0": 2, "node-1": 1 }, mismatchedLabels);
    await put(fixture, hash, { "node-1": 3, "node-4": 1 });
    await fixture.addNodes(5, { first: 5, labels: blue });
    expect(await fixture.sync()).toBe("5/4");
  });

  both("TestSelectorDaemonDealsWithExistingPods", async (fixture, updateStrategy) => {
    await fixture.addDaemonSet({
      spec: { updateStrategy: updateStrategy! },
      podSpec: { nodeSelector: blue },
    });
    const hash = await fixture.currentHash();
    await fixture.addNodes(5);
    await put(fixture, hash, { "node-0": 1, "node-1": 3, "node-2": 4, "node-6": 13, "node-9": 1 });
    await put(fixture, hash, { "node-1": 2, "node-7": 4, "node-9": 1 }, mismatchedLabels);
    await fixture.addNodes(5, { first: 5, labels: blue });
    expect(await fixture.sync()).toBe("3/20");
  });

  both("TestDeleteUnscheduledPodForNotExistingNode", async (fixture, updateStrategy) => {
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    const hash = await fixture.currentHash();
    await fixture.addNodes(1);
    await put(fixture, hash, { "node-0": 1, "node-1": 1 });
    const stray = await fixture.addPod("node-2", { hash, isUnbound: true });
    expect(await fixture.sync()).toBe("0/1");
    expect(await fixture.cluster.find(pods, stray.metadata.name!, "default")).toBeUndefined();
  });

  both(
    "TestNoScheduleTaintedDoesntEvicitRunningIntolerantPod, TestNoExecuteTaintedDoesEvicitRunningIntolerantPod",
    async (fixture, updateStrategy) => {
      await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
      await fixture.addPod("node-0", { hash: await fixture.currentHash() });
      await fixture.addNodes(1);
      expect(await fixture.sync()).toBe("0/0");
      const taint = (effect: string): Promise<void> =>
        fixture.editNode("node-0", (node) => ({
          ...node,
          spec: { ...node.spec, taints: [{ ...noSchedule, effect }] },
        }));
      await taint("NoSchedule");
      expect(await fixture.sync()).toBe("0/0");
      expect((await fixture.get()).status).toMatchObject({
        desiredNumberScheduled: 0,
        numberMisscheduled: 1,
      });
      await taint("NoExecute");
      expect(await fixture.sync()).toBe("0/1");
    },
  );

  both("TestDaemonSetRespectsTermination", async (fixture, updateStrategy) => {
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    const pod = await fixture.addPod("node-0", { hash: await fixture.currentHash(), grace: 30 });
    await fixture.addNodes(1);
    await fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! });
    await fixture.settle();
    expect((await fixture.pods())[0]!.metadata.deletionTimestamp).toBeDefined();
    expect(await fixture.sync()).toBe("0/0");
  });

  test("a matching orphan is adopted and kept, with one live look at the DaemonSet for all", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(2);
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      for (const pod of await fixture.pods()) await remove(fixture, pod);
      for (const node of ["node-0", "node-1"]) await fixture.addPod(node, { hash, isOrphan: true });
      const from = fixture.cluster.calls.length;
      expect(await fixture.sync()).toBe("0/0");
      const calls = fixture.cluster.calls.slice(from);
      expect(
        calls.filter((call) => call === "GET /apis/apps/v1/namespaces/default/daemonsets/foo"),
      ).toHaveLength(1);
      expect((await fixture.pods()).map((pod) => controllerOf(pod)?.name)).toEqual(["foo", "foo"]);
      expect((await fixture.get()).status).toMatchObject({
        currentNumberScheduled: 2,
        updatedNumberScheduled: 2,
      });
    }));
});

describe("failed and finished pods", () => {
  const cases = [
    { failed: 0, normal: 1, expected: "0/0", events: 0 },
    { failed: 0, normal: 0, expected: "1/0", events: 0 },
    { failed: 1, normal: 0, expected: "0/1", events: 1 },
    { failed: 1, normal: 3, expected: "0/3", events: 1 },
  ];
  for (const { failed, normal, expected, events } of cases) {
    both(`TestDaemonKillFailedPods: ${failed} failed, ${normal} normal`, async (fixture, updateStrategy) => {
      await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
      const hash = await fixture.currentHash();
      for (let i = 0; i < failed; i++) await fixture.addPod("node-0", { hash, phase: "Failed" });
      for (let i = 0; i < normal; i++) await fixture.addPod("node-0", { hash });
      await fixture.addNodes(1);
      expect(await fixture.sync()).toBe(expected);
      const found = (await fixture.cluster.eventsOf("foo")).filter((event) =>
        event.includes("FailedDaemonPod"),
      );
      expect(found).toHaveLength(events);
      if (events > 0) {
        expect(found[0]).toBe(
          "Warning FailedDaemonPod daemonset-controller: Found failed daemon pod default/pod-0 on node node-0, will try to kill it",
        );
      }
    });
  }

  both("TestDaemonKillFailedPodsBackoff", async (fixture, updateStrategy) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    const hash = await fixture.currentHash();
    for (const pod of await fixture.pods()) await remove(fixture, pod);
    const fail = (): Promise<Pod> => fixture.addPod("node-0", { hash, phase: "Failed" });
    const { holds } = fixture.controller.tracked("default/foo")!;
    const delayMs = (): number => holds.backoffUntilMs("node-0")! - fixture.cluster.clock.nowMs();
    await fixture.sync();
    for (const pod of await fixture.pods()) await remove(fixture, pod);
    await fail();
    expect(await fixture.sync()).toBe("0/1");
    expect(delayMs()).toBe(1_000);
    await fail();
    expect(await fixture.sync()).toBe("0/0");
    expect(delayMs()).toBe(1_000);
    await fixture.cluster.advance(999);
    expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 1 });
    await fixture.cluster.advance(1);
    expect(await fixture.sync()).toBe("0/1");
    expect(delayMs()).toBe(2_000);
  });

  test("a succeeded pod is deleted without back-off, with its event, and replaced when it is gone", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      await fixture.sync();
      const [pod] = await fixture.pods();
      await fixture.setStatus(pod!, { phase: "Succeeded" });
      expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
      expect(await fixture.cluster.eventsOf("foo")).toContain(
        `Normal SucceededDaemonPod daemonset-controller: Found succeeded daemon pod default/${pod!.metadata.name!} on node node-0, will try to delete it`,
      );
    }));
});

describe("surge in manage (daemon_controller_test.go)", () => {
  test("TestSurgeDealsWithExistingPods", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(0, 1) } });
      const hash = await fixture.currentHash();
      await put(fixture, hash, { "node-1": 1, "node-2": 2, "node-3": 5 });
      await put(fixture, hash, { "node-4": 2 }, mismatchedLabels);
      await fixture.addNodes(5);
      expect(await fixture.sync()).toBe("2/5");
    }));

  test("TestSurgeCreatesNewPodWhenAtMaxSurgeAndOldPodDeleted", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(0, 1) } });
      const hash = await fixture.currentHash();
      await fixture.addPod("node-0", { hash, ready: false });
      for (const node of ["node-0", "node-1", "node-2", "node-3"])
        await fixture.addPod(node, { hash: "old", ready: true });
      const leaving = await fixture.addPod("node-4", { hash: "old", ready: true, grace: 30 });
      await fixture.addNodes(5);
      await fixture.cluster.client.delete(pods, { namespace: "default", name: leaving.metadata.name! });
      await fixture.settle();
      expect(await fixture.sync()).toBe("1/0");
      expect((await fixture.pods()).filter((pod) => targetNodeName(pod) === "node-4")).toHaveLength(2);
    }));
});

describe("doing nothing", () => {
  both("TestDontDoAnythingIfBeingDeleted", async (fixture, updateStrategy) => {
    await fixture.addNodes(5);
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    await fixture.cluster.client.delete(
      daemonsets,
      { namespace: "default", name: "foo" },
      { propagationPolicy: "Foreground" },
    );
    await fixture.settle();
    expect((await fixture.get()).metadata.deletionTimestamp).toBeDefined();
    expect(await fixture.writes(() => fixture.sync())).toEqual([]);
  });

  test("a settled DaemonSet is synced without any write (I6)", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(3);
      await fixture.addDaemonSet();
      await fixture.sync();
      await fixture.markReady();
      await fixture.sync();
      expect(await fixture.writes(() => fixture.sync())).toEqual([]);
    }));
});

describe("errors, expectations, status", () => {
  both(
    "TestSimpleDaemonSetUpdatesStatusAfterLaunchingPods, TestObservedGeneration",
    async (fixture, updateStrategy) => {
      await fixture.addNodes(5);
      await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
      await fixture.sync();
      expect((await fixture.get()).status).toMatchObject({
        currentNumberScheduled: 5,
        observedGeneration: 1,
      });
    },
  );

  both("TestNumberReadyStatus", async (fixture, updateStrategy) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet({ spec: { updateStrategy: updateStrategy! } });
    await fixture.sync();
    expect((await fixture.get()).status?.numberReady).toBe(0);
    await fixture.markReady();
    await fixture.sync();
    expect((await fixture.get()).status).toMatchObject({ numberReady: 2, numberAvailable: 2 });
  });

  test("TestExpectationsOnRecreate: the pods of a recreated DaemonSet are its own", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      expect(await fixture.sync()).toBe("1/0");
      await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "foo" });
      await fixture.settle();
      expect(await fixture.sync()).toBe("0/0");
      const again = await fixture.addDaemonSet();
      expect(await fixture.sync()).toBe("1/0");
      const owners = (await fixture.pods()).map((pod) => controllerOf(pod)?.uid);
      expect(new Set(owners).size).toBe(2);
      expect(owners).toContain(again.metadata.uid);
    }));

  test("desired follows a node that is deleted, and the pod bound there is left to the pod garbage collector (#23.12)", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(2);
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      for (const pod of await fixture.pods()) await remove(fixture, pod);
      await put(fixture, hash, { "node-0": 1, "node-1": 1 });
      await fixture.sync();
      fixture.enqueued();
      await fixture.cluster.client.delete(nodes, { name: "node-1" });
      await fixture.settle();
      expect(fixture.enqueued()).toEqual(["default/foo"]);
      expect(await fixture.sync()).toBe("0/0");
      expect((await fixture.get()).status).toMatchObject({
        desiredNumberScheduled: 1,
        currentNumberScheduled: 1,
      });
    }));
});

/** Puts numbers of pods on nodes. */
async function put(
  fixture: DaemonSetFixture,
  hash: string,
  counts: Readonly<Record<string, number>>,
  labels: Readonly<Record<string, string>> = podLabels,
): Promise<void> {
  for (const [node, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) await fixture.addPod(node, { hash, labels });
  }
}

async function remove(fixture: DaemonSetFixture, pod: Pod): Promise<void> {
  await fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! });
  await fixture.settle();
}

test("TestPodIsNotDeletedByDaemonsetWithEmptyLabelSelector: one event and nothing else, no status either", () =>
  withDaemonSets(async (fixture) => {
    // The API server lets no such DaemonSet in, so the controller is shown one.
    fixture.see = (_via, object) =>
      isDaemonSet(object) ? { ...object, spec: { ...object.spec, selector: {} } } : object;
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.addPod("node-0", { isOrphan: true });
    expect(await fixture.writes(() => fixture.sync())).toEqual([]);
    expect(await fixture.cluster.eventsOf("foo")).toEqual([
      "Warning SelectingAll daemonset-controller: This daemon set is selecting all pods. A non-empty selector is required.",
    ]);
  }));

function isDaemonSet(object: KubeObject): object is DaemonSet {
  return object.kind === "DaemonSet";
}
