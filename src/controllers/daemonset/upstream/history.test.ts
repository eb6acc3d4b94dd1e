/** Upstream's update_test.go and util tests: the cases that the room's other tests do not have. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  controllerrevisions,
  type ControllerRevision,
  namespaces,
  targetNodeName,
} from "../../../api/index.ts";
import { controllerOf } from "../../../machinery/index.ts";
import { rollingUpdate, withDaemonSets } from "../../../testing/daemonset-fixture.ts";
import { compareRevisions } from "../history.ts";
import { newRevision } from "../revisions.ts";
import { rolloutLimits } from "../rolling-update.ts";
import { deletePod } from "../../../testing/upstream-cases.ts";

describe("TestGetUnavailableNumbers", () => {
  interface Case {
    readonly name: string;
    readonly nodes: number;
    /** Nodes with a ready pod; the others have no entry. */
    readonly ready: readonly string[];
    readonly terminating?: string;
    readonly strategy: Parameters<typeof rollingUpdate>;
    /** maxSurge, maxUnavailable, nodes that count as unavailable because they have nothing. */
    readonly wanted: readonly [number, number, number];
  }
  const two = ["node-0", "node-1"];
  const cases: readonly Case[] = [
    { name: "a: no nodes", nodes: 0, ready: [], strategy: [1], wanted: [0, 1, 0] },
    { name: "b: two nodes with ready pods", nodes: 2, ready: two, strategy: [1], wanted: [0, 1, 0] },
    {
      name: "c: two nodes, one without entry",
      nodes: 2,
      ready: ["node-0"],
      strategy: [1],
      wanted: [0, 1, 1],
    },
    { name: "e: two nodes, 50%", nodes: 2, ready: two, strategy: ["50%"], wanted: [0, 1, 0] },
    { name: "f: surge 50%", nodes: 2, ready: two, strategy: [0, "50%"], wanted: [1, 0, 0] },
    { name: "g: surge 100%", nodes: 2, ready: two, strategy: [0, "100%"], wanted: [2, 0, 0] },
    {
      name: "h: three nodes, 50%, one pod terminating, one node without entry",
      nodes: 3,
      ready: two,
      terminating: "node-1",
      strategy: ["50%"],
      wanted: [0, 2, 2],
    },
  ];
  for (const { name, nodes, ready, terminating, strategy, wanted } of cases) {
    test(`TestGetUnavailableNumbers ${name}`, () =>
      withDaemonSets(async (fixture) => {
        await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(...strategy) } });
        const hash = await fixture.currentHash();
        for (const node of ready) await fixture.addPod(node, { hash, ready: true, grace: 30 });
        await fixture.addNodes(nodes);
        const leaving = (await fixture.pods()).find((pod) => targetNodeName(pod) === terminating);
        if (leaving !== undefined) await deletePod(fixture, leaving);
        const counts = fixture.controller.tracked("default/foo")!.slots.counts();
        const limits = rolloutLimits(
          { type: "RollingUpdate", maxUnavailable: strategy[0], maxSurge: strategy[1] ?? 0 },
          counts.desired,
        );
        expect([limits?.maxSurge, limits?.maxUnavailable, counts.unavailable]).toEqual(wanted);
      }));
  }
});

test("TestControlledHistories: own ones and matching orphans of the namespace, never those of another", () =>
  withDaemonSets(async (fixture) => {
    const { client } = fixture.cluster;
    await client.create(namespaces, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "other" },
      spec: {},
    });
    const daemonSet = await fixture.addDaemonSet();
    await fixture.currentHash();
    const made = newRevision(daemonSet, 1);
    for (const [namespace, name] of [
      ["default", "orphan"],
      ["other", "stranger"],
    ] as const) {
      await client.create(controllerrevisions, {
        ...made,
        metadata: { name, namespace, labels: made.metadata.labels! },
        data: { spec: { template: { old: true } } },
      });
    }
    await fixture.settle();
    await fixture.sync();
    const ownerOf = async (namespace: string, name: string): Promise<string | undefined> =>
      controllerOf(await client.get(controllerrevisions, { namespace, name }))?.uid;
    expect(await ownerOf("default", made.metadata.name!)).toBe(daemonSet.metadata.uid);
    expect(await ownerOf("default", "orphan")).toBe(daemonSet.metadata.uid);
    expect(await ownerOf("other", "stranger")).toBeUndefined();
  }));

test("histories by revision: sorted by number, in every permutation", () => {
  const revision = (number: number): ControllerRevision => ({
    metadata: { name: `r${number}` },
    data: {},
    revision: number,
  });
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 10, 11], { minLength: 6 }), (numbers) => {
      const sorted = numbers.map(revision).sort(compareRevisions);
      expect(sorted.map((item) => item.revision)).toEqual([0, 1, 2, 3, 10, 11]);
    }),
  );
});

test("TestDaemonSetUpdatesSomeOldPodsNotReady: the ready pods keep their names through both changes", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(5);
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(2) } });
    await fixture.sync();
    await fixture.markReady();
    const before = await fixture.ownedNames();
    const kept: string[][] = [];
    for (const image of ["foo/bar:2", "foo/bar:3"]) {
      await fixture.setImage(image);
      expect([await fixture.sync(), await fixture.sync(), await fixture.sync()]).toEqual([
        "0/2",
        "2/0",
        "0/0",
      ]);
      kept.push((await fixture.ownedNames()).filter((name) => before.includes(name)));
    }
    expect(kept[0]).toHaveLength(3);
    expect(kept[1]).toEqual(kept[0]);
  }));
