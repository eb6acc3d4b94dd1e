/**
 * Verdicts of the controller over the real server: what a user would be told of a node, and that what would change it
 * does. Not here: every combination (explain.prop.test.ts).
 */
import { describe, expect, test } from "vitest";
import { daemonsets, nodes, pods } from "../../api/index.ts";
import {
  type DaemonSetFixture,
  onDelete,
  rollingUpdate,
  withDaemonSets,
} from "../../testing/daemonset-fixture.ts";
import { smallNode } from "../../testing/upstream-cases.ts";
import { verdictTroubles } from "../../testing/verdict-rules.ts";
import type { Verdict, VerdictReason } from "./explain.ts";

function verdictOf(fixture: DaemonSetFixture, node: string, name = "foo"): Verdict {
  const verdict = fixture.controller.explain(`default/${name}`)!(node);
  expect(verdictTroubles(verdict)).toEqual([]);
  return verdict;
}

function reasonOf(fixture: DaemonSetFixture, node: string): VerdictReason | undefined {
  return verdictOf(fixture, node).reasons[0];
}

const whys = ({ reasons }: Verdict): readonly string[] => reasons.map(({ why }) => why);

test("a DaemonSet that is not there has no verdicts", () =>
  withDaemonSets(async (fixture) => {
    expect(fixture.controller.explain("default/foo")).toBeUndefined();
    await fixture.settle();
  }));

describe("a node that is not wanted", () => {
  test("is told of every obstacle, and is wanted when what would change each has been done", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1, { labels: { zone: "b" }, taints: [{ key: "busy", effect: "NoSchedule" }] });
      await fixture.addDaemonSet({ podSpec: { nodeSelector: { disk: "ssd", zone: "a" } } });
      await fixture.sync();
      const { isWanted, has, actions, reasons } = verdictOf(fixture, "node-0");
      expect({ isWanted, has, actions }).toEqual({ isWanted: false, has: [], actions: [] });
      expect(reasons).toEqual([
        {
          why: "SelectorMismatch",
          key: "disk",
          wanted: "ssd",
          found: undefined,
          stops: ["run", "stay"],
          change: { by: "edit", of: "Node", how: "label it disk=ssd" },
        },
        {
          why: "SelectorMismatch",
          key: "zone",
          wanted: "a",
          found: "b",
          stops: ["run", "stay"],
          change: { by: "edit", of: "Node", how: "label it zone=a" },
        },
        {
          why: "UntoleratedTaint",
          taint: { key: "busy", effect: "NoSchedule" },
          stops: ["run"],
          change: {
            by: "edit",
            of: "DaemonSet",
            how: "tolerate busy:NoSchedule, or take the taint off the node",
          },
        },
      ]);
      await fixture.editNode("node-0", (node) => ({
        ...node,
        metadata: { ...node.metadata, labels: { disk: "ssd", zone: "a" } },
        spec: {},
      }));
      expect(verdictOf(fixture, "node-0")).toMatchObject({ isWanted: true, reasons: [] });
      expect(verdictOf(fixture, "node-0").actions).toEqual([
        { do: "create", node: "node-0", because: "missing" },
      ]);
      expect(await fixture.sync()).toBe("1/0");
    }));

  test("may not be there at all", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      await fixture.sync();
      expect(verdictOf(fixture, "node-7")).toMatchObject({ isWanted: false, has: [], actions: [] });
      expect(reasonOf(fixture, "node-7")).toMatchObject({ why: "NoSuchNode", stops: ["run"] });
    }));

  test("leaves the pod that is bound to a deleted node to the pod garbage collector", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      await fixture.addNodes(1);
      await fixture.addPod("node-0", { hash });
      await fixture.cluster.client.delete(nodes, { name: "node-0" });
      await fixture.settle();
      expect(await fixture.sync()).toBe("0/0");
      expect(whys(verdictOf(fixture, "node-0"))).toEqual(["NoSuchNode", "LeftToPodGarbageCollector"]);
    }));
});

describe("a node that waits for its pod", () => {
  test("because others take its pods away: it is told until when", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      for (let i = 0; i < 3; i++) {
        await fixture.sync();
        for (const { metadata } of await fixture.pods())
          await fixture.cluster.client.delete(pods, { namespace: "default", name: metadata.name! });
        await fixture.settle();
      }
      expect(await fixture.sync()).toBe("0/0");
      const atMs = fixture.cluster.clock.nowMs() + 1_000;
      expect(reasonOf(fixture, "node-0")).toEqual({
        why: "PodsRejected",
        rejects: 3,
        untilMs: atMs,
        stops: ["create"],
        change: { by: "time", atMs },
      });
      await fixture.cluster.advance(1_000);
      expect(verdictOf(fixture, "node-0")).toMatchObject({ reasons: [], actions: [{ do: "create" }] });
    }));

  test("because it has no room: it is told what is short by how much", () =>
    withDaemonSets(
      async (fixture) => {
        await fixture.addNodes(1, { status: smallNode });
        await fixture.addDaemonSet({
          podSpec: {
            containers: [{ name: "main", image: "foo", resources: { requests: { memory: "500M" } } }],
          },
        });
        await fixture.sync();
        expect(reasonOf(fixture, "node-0")).toMatchObject({
          why: "NoRoom",
          obstacles: [{ why: "InsufficientResource", resource: "memory", used: 0, capacity: 100_000_000 }],
          stops: ["create"],
        });
      },
      { placement: "controller-legacy" },
    ));

  test("because the pod before it is still terminating, or has failed too often", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(2);
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      const dying = await fixture.addPod("node-0", { hash, grace: 100 });
      await fixture.cluster.client.delete(pods, { namespace: "default", name: dying.metadata.name! });
      for (let i = 0; i < 2; i++) {
        await fixture.addPod("node-1", { hash, phase: "Failed" });
        await fixture.sync();
      }
      expect(reasonOf(fixture, "node-0")).toMatchObject({ why: "OldPodTerminating", stops: ["create"] });
      expect(reasonOf(fixture, "node-1")).toMatchObject({
        why: "BackOff",
        stops: ["delete", "create"],
        change: { by: "time", atMs: fixture.cluster.clock.nowMs() + 1_000 },
      });
    }));
});

describe("a node with an old pod", () => {
  async function rolledOut(fixture: DaemonSetFixture, strategy = rollingUpdate(1)): Promise<void> {
    await fixture.addNodes(3);
    await fixture.addDaemonSet({ spec: { updateStrategy: strategy } });
    await fixture.sync();
    await fixture.markReady();
    await fixture.setImage("foo/bar:2");
  }

  test("waits for its place in the queue of maxUnavailable", () =>
    withDaemonSets(async (fixture) => {
      await rolledOut(fixture);
      expect(whys(verdictOf(fixture, "node-0"))).toEqual(["NotSynced"]);
      await fixture.sync();
      const waiting = [1, 2].map((i) => verdictOf(fixture, `node-${i}`).reasons.at(-1));
      const budget = { limit: "maxUnavailable", allowed: 1, used: 1 };
      expect(waiting).toMatchObject([
        { why: "BudgetExhausted", budget, place: 1, stops: ["replace"] },
        { why: "BudgetExhausted", budget, place: 2, stops: ["replace"] },
      ]);
      expect(verdictOf(fixture, "node-1").has).toMatchObject([{ isUpToDate: false, pod: { isReady: true } }]);
    }));

  test("waits for its new neighbour with surge, and for the user with OnDelete", () =>
    withDaemonSets(async (fixture) => {
      await rolledOut(fixture, rollingUpdate(0, 1));
      await fixture.sync();
      expect(reasonOf(fixture, "node-0")).toMatchObject({ why: "NewPodUnavailable", stops: ["replace"] });
      await fixture.edit((spec) => ({ ...spec, updateStrategy: onDelete }));
      await fixture.sync();
      expect(whys(verdictOf(fixture, "node-2"))).toEqual(["OnDelete"]);
    }));
});

describe("a DaemonSet that stands still", () => {
  test("says so for every node, first of all", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      expect(whys(verdictOf(fixture, "node-0"))).toEqual(["NotSynced"]);
      fixture.hold("pods");
      await fixture.sync();
      expect(whys(verdictOf(fixture, "node-0")).slice(0, 2)).toEqual(["CacheBehind", "WritesUnseen"]);
      await fixture.release();
      expect(verdictOf(fixture, "node-0").reasons).toEqual([]);
      const address = { namespace: "default", name: "foo" };
      await fixture.cluster.client.delete(daemonsets, address, { propagationPolicy: "Foreground" });
      await fixture.settle();
      expect(reasonOf(fixture, "node-0")).toMatchObject({
        why: "BeingDeleted",
        stops: ["create", "delete", "replace"],
      });
    }));
});
