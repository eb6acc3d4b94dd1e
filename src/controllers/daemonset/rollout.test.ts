/**
 * Roll-outs against the real API server, sync by sync: upstream's update_test.go and
 * docs/spec/daemonset-controller.md#22.
 */
import { describe, expect, test } from "vitest";
import { pods as podsResource, targetNodeName as nodeOf } from "../../api/index.ts";
import {
  type DaemonSetFixture,
  onDelete,
  rollingUpdate,
  withDaemonSets,
} from "../../testing/daemonset-fixture.ts";
import type { PodFacts } from "./facts.ts";
import { DaemonSetSlots, type Placement } from "./slots.ts";

/** Runs the steps in order and collects what each sync did. */
async function sequence(fixture: DaemonSetFixture, steps: readonly string[]): Promise<string[]> {
  const results: string[] = [];
  let image = 1;
  for (const step of steps) {
    if (step === "ready") await fixture.markReady();
    else if (step === "change") await fixture.setImage(`foo/bar:${++image}`);
    else results.push(await fixture.sync());
  }
  return results;
}

const interleavings: readonly {
  readonly name: string;
  readonly nodes: number;
  readonly strategy: Parameters<typeof rollingUpdate>;
  /** Words are steps; figures are the creates and deletes that a sync there must do. */
  readonly script: string;
}[] = [
  {
    name: "TestDaemonSetUpdatesPods",
    nodes: 5,
    strategy: [2],
    script: "5/0 ready change 0/2 2/0 ready 0/2 2/0 ready 0/1 1/0 ready 0/0",
  },
  {
    name: "TestDaemonSetUpdatesPodsWithMaxSurge",
    nodes: 5,
    strategy: [0, 2],
    script: "5/0 ready change 2/0 0/0 ready 2/2 0/0 ready 1/2 0/0 ready 0/1 0/0",
  },
  {
    name: "TestDaemonSetUpdatesWhenNewPodIsNotReady",
    nodes: 5,
    strategy: [3],
    script: "5/0 ready change 0/3 3/0 0/0 0/0",
  },
  {
    name: "TestDaemonSetUpdatesSomeOldPodsNotReady",
    nodes: 5,
    strategy: [2],
    script: "5/0 ready change 0/2 2/0 0/0 change 0/2 2/0 0/0 change 0/2 2/0 0/0",
  },
  {
    name: "TestDaemonSetUpdatesAllOldPodsNotReady",
    nodes: 5,
    strategy: [3],
    script: "5/0 change 0/5 5/0 0/0",
  },
  {
    name: "no old pod ready, maxSurge 3: all get a neighbour at once, then manage removes every old one (#22.5)",
    nodes: 5,
    strategy: [0, 3],
    script: "5/0 change 5/0 0/5 0/0",
  },
  {
    name: "a percentage of maxUnavailable rounds up",
    nodes: 3,
    strategy: ["50%"],
    script: "3/0 ready change 0/2 2/0 ready 0/1 1/0 ready 0/0",
  },
];

describe("interleavings", () => {
  for (const { name, nodes, strategy, script } of interleavings) {
    test(name, async () => {
      await withDaemonSets(async (fixture) => {
        await fixture.addNodes(nodes);
        await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(...strategy) } });
        const steps = script.split(" ");
        expect(await sequence(fixture, steps)).toEqual(steps.filter((step) => step.includes("/")));
        expect(fixture.cluster.complaints).toEqual([]);
      });
    });
  }

  test("TestDaemonSetUpdatesNoTemplateChanged", async () => {
    await withDaemonSets(async (fixture) => {
      await fixture.addNodes(5);
      await fixture.addDaemonSet();
      expect(await fixture.sync()).toBe("5/0");
      await fixture.edit((spec) => ({ ...spec, updateStrategy: rollingUpdate(3) }));
      expect(await fixture.sync()).toBe("0/0");
      expect(await fixture.revisions()).toHaveLength(1);
    });
  });

  test("TestDaemonSetUpdatesPodsNotMatchTainstWithMaxSurge", async () => {
    const taint = { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" };
    await withDaemonSets(async (fixture) => {
      await fixture.addNodes(1, { taints: [taint] });
      await fixture.addNodes(4, { first: 1 });
      const tolerations = [{ ...taint, operator: "Exists" }];
      await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(0, 1) }, podSpec: { tolerations } });
      expect(await fixture.sync()).toBe("5/0");
      await fixture.markReady();
      await fixture.setImage("foo/bar:2", { tolerations: [] });
      const results: string[] = [await fixture.sync()];
      expect((await fixture.pods()).some((pod) => nodeOf(pod) === "node-0")).toBe(false);
      for (let round = 0; round < 4; round++) {
        results.push(await fixture.sync());
        await fixture.markReady();
        results.push(await fixture.sync());
      }
      results.push(await fixture.sync());
      expect(results).toEqual(["1/1", "0/0", "1/1", "0/0", "1/1", "0/0", "1/1", "0/0", "0/1", "0/0"]);
    });
  });

  test("TestDaemonSetUpdatesSaveOldHealthyPods", async () => {
    await withDaemonSets(async (fixture) => {
      await fixture.addNodes(20);
      await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(10) } });
      await fixture.sync();
      await fixture.markReady();
      await fixture.setImage("foo/bar:a");
      expect([await fixture.sync(), await fixture.sync(), await fixture.sync()]).toEqual([
        "0/10",
        "10/0",
        "0/0",
      ]);
      const healthy = await readyNames(fixture);
      for (const [index, maxUnavailable] of [9, 0, 3, 7, 1].entries()) {
        await fixture.edit((spec) => ({
          ...spec,
          updateStrategy: rollingUpdate(Math.max(1, maxUnavailable)),
        }));
        await fixture.setImage(`foo/bar:b${index}`);
        expect([await fixture.sync(), await fixture.sync(), await fixture.sync()]).toEqual([
          "0/10",
          "10/0",
          "0/0",
        ]);
        expect(await readyNames(fixture)).toEqual(healthy);
      }
      await fixture.edit((spec) => ({ ...spec, updateStrategy: rollingUpdate(11) }));
      await fixture.setImage("foo/bar:c");
      expect([await fixture.sync(), await fixture.sync(), await fixture.sync()]).toEqual([
        "0/11",
        "11/0",
        "0/0",
      ]);
      expect(await readyNames(fixture)).toHaveLength(9);
    });
  });

  test("TestDaemonSetUpdatesAllOldPodsNotReadyMaxSurge", async () => {
    await withDaemonSets(async (fixture) => {
      const start = fixture.cluster.clock.nowMs();
      const at = (seconds: number): Promise<void> =>
        fixture.cluster.advance(start + seconds * 1_000 - fixture.cluster.clock.nowMs());
      await fixture.addNodes(5);
      await fixture.addDaemonSet({ spec: { minReadySeconds: 15, updateStrategy: rollingUpdate(0, 3) } });
      const results = [await fixture.sync()];
      await at(100);
      await fixture.setImage("foo/bar:2");
      results.push(await fixture.sync());
      await at(200);
      results.push(await fixture.sync());
      await fixture.markReady();
      await at(300);
      await fixture.setImage("foo/bar:3");
      results.push(await fixture.sync());
      const fresh = (await fixture.pods()).filter((pod) => pod.spec.containers[0]!.image === "foo/bar:3");
      for (const pod of fresh.slice(0, 2)) await fixture.setStatus(pod, { ready: true });
      const covered = new Set(fresh.map((pod) => nodeOf(pod)));
      const alone = (await fixture.pods()).find((pod) => !covered.has(nodeOf(pod)))!;
      await fixture.setStatus(alone, { ready: false });
      await at(310);
      results.push(await fixture.sync());
      await at(320);
      // Manage removes two old pods whose new ones are available and the unready one; the freed budget is used at once.
      results.push(await fixture.sync());
      await fixture.markReady((pod) => pod.spec.containers[0]!.image === "foo/bar:3");
      await at(340);
      results.push(await fixture.sync());
      await at(350);
      results.push(await fixture.sync());
      expect(results).toEqual(["5/0", "5/0", "0/5", "3/0", "1/0", "1/3", "0/2", "0/0"]);
      expect(await fixture.pods()).toHaveLength(5);
    });
  });

  test("TestDaemonSetUpdatesAllOldNotReadyPodsAndNewNotReadyPods", async () => {
    await withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(10) } });
      const hash = await fixture.currentHash();
      for (let i = 0; i < 88; i++) await fixture.addPod(`node-${i}`, { hash });
      for (let i = 88; i < 90; i++) await fixture.addPod(`node-${i}`, { hash: "old" });
      for (let i = 90; i < 100; i++) await fixture.addPod(`node-${i}`, { hash: "old", ready: true });
      await fixture.addNodes(100);
      expect([await fixture.sync(), await fixture.sync(), await fixture.sync()]).toEqual([
        "0/2",
        "2/0",
        "0/0",
      ]);
    });
  });

  test("minReadySeconds delays the next step, by the clock alone", async () => {
    await withDaemonSets(async (fixture) => {
      await fixture.addNodes(2);
      await fixture.addDaemonSet({ spec: { minReadySeconds: 15, updateStrategy: rollingUpdate(1) } });
      await fixture.sync();
      await fixture.markReady();
      await fixture.cluster.advance(15_000);
      await fixture.setImage("foo/bar:2");
      expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
      await fixture.markReady();
      expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 15_000 });
      await fixture.cluster.advance(14_999);
      expect(await fixture.sync()).toBe("0/0");
      await fixture.cluster.advance(1);
      expect(await fixture.sync()).toBe("0/1");
    });
  });

  test("OnDelete never replaces a pod; one deleted by hand comes back from the new template", async () => {
    await withDaemonSets(async (fixture) => {
      await fixture.addNodes(2);
      await fixture.addDaemonSet({ spec: { updateStrategy: onDelete } });
      await fixture.sync();
      await fixture.markReady();
      await fixture.setImage("foo/bar:2");
      expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/0", "0/0"]);
      expect((await fixture.revisions()).map(({ revision }) => revision)).toEqual([1, 2]);
      const [victim] = await fixture.pods();
      await fixture.cluster.client.delete(podsResource, {
        namespace: "default",
        name: victim!.metadata.name!,
      });
      await fixture.settle();
      expect(await fixture.sync()).toBe("1/0");
      expect((await fixture.pods()).map((pod) => pod.spec.containers[0]!.image).sort()).toEqual([
        "foo/bar",
        "foo/bar:2",
      ]);
      expect((await fixture.get()).status?.updatedNumberScheduled).toBe(1);
    });
  });

  test("600 new nodes: 250, 250, 100, the creates of a batch together and batches doubling (#22.7)", async () => {
    await withDaemonSets(async (fixture) => {
      await fixture.addNodes(600);
      await fixture.addDaemonSet();
      expect([
        await fixture.sync(),
        await fixture.sync(),
        await fixture.sync(),
        await fixture.sync(),
      ]).toEqual(["250/0", "250/0", "100/0", "0/0"]);
      expect((await fixture.get()).status).toMatchObject({
        desiredNumberScheduled: 600,
        currentNumberScheduled: 600,
      });
    });
  });
});

async function readyNames(fixture: DaemonSetFixture): Promise<string[]> {
  const ready = (await fixture.pods()).filter((pod) =>
    pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
  );
  return ready.map((pod) => pod.metadata.name!).sort();
}

test("with surge, a pod left on a deleted node does not let a pod elsewhere go, as if somebody were still served there", () => {
  const pod: PodFacts = {
    uid: "a",
    name: "a",
    node: "n",
    isBound: true,
    hasStarted: true,
    isTerminating: false,
    life: "failed",
    isReady: true,
    readySinceMs: 0,
    createdMs: 0,
    hash: "old",
    generation: "",
    resourceVersion: "1",
  };
  const servingOn = (placement: Placement | undefined): number => {
    const slots = new DaemonSetSlots({
      placementOf: () => placement,
      nowMs: () => 1,
      backoffUntilMs: () => undefined,
      holdOn: () => undefined,
      params: { hash: "new", generation: undefined, knownHashes: new Set(), minReadyMs: 0, hasSurge: true },
    });
    slots.putPod(pod);
    return slots.counts().serving;
  };
  expect(servingOn(undefined)).toBe(0);
  expect(servingOn({ shouldRun: false, shouldContinue: true })).toBe(1);
});
