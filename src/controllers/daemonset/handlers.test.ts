/** What events enqueue: upstream's handler cases, with the real informers over the real server. */
import { describe, expect, test } from "vitest";
import { controllerrevisions, type DaemonSet, daemonsets, nodes, type Pod, pods } from "../../api/index.ts";
import type { OwnerReference } from "../../machinery/index.ts";
import {
  blue,
  type DaemonSetFixture,
  mismatchedLabels,
  podLabels,
  withDaemonSets,
} from "../../testing/daemonset-fixture.ts";
import { newRevision } from "./revisions.ts";

function ownerOf(daemonSet: DaemonSet): OwnerReference {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    name: daemonSet.metadata.name!,
    uid: daemonSet.metadata.uid!,
    controller: true,
  };
}

async function edit(fixture: DaemonSetFixture, pod: Pod, metadata: object): Promise<void> {
  const live = await fixture.cluster.client.get(pods, { namespace: "default", name: pod.metadata.name! });
  await fixture.cluster.client.update(pods, { ...live, metadata: { ...live.metadata, ...metadata } });
  await fixture.settle();
}

interface Sets {
  readonly foo1: DaemonSet;
  readonly foo2: DaemonSet;
}

/** foo1 and foo2 match the usual labels, foo3 does not; all synced once. */
async function threeSets(fixture: DaemonSetFixture): Promise<Sets> {
  const other = { selector: { matchLabels: mismatchedLabels } };
  const template = {
    metadata: { labels: mismatchedLabels },
    spec: { containers: [{ name: "main", image: "foo/bar" }] },
  };
  const foo1 = await fixture.addDaemonSet({}, "foo1");
  const foo2 = await fixture.addDaemonSet({}, "foo2");
  await fixture.addDaemonSet({ spec: { ...other, template } }, "foo3");
  for (const name of ["foo1", "foo2", "foo3"]) await fixture.sync(name);
  fixture.enqueued();
  return { foo1, foo2 };
}

const cases: Readonly<Record<string, (fixture: DaemonSetFixture, sets: Sets) => Promise<string[]>>> = {
  "TestAddPod: the owner": async (fixture, { foo2 }) => {
    await addPod(fixture, { ownerReferences: [ownerOf(foo2)] });
    return ["default/foo2"];
  },
  "TestAddPodOrphan: every DaemonSet that matches": async (fixture) => {
    await addPod(fixture, {});
    return ["default/foo1", "default/foo2"];
  },
  "TestUpdatePod: the owner, on any change": async (fixture, { foo1 }) => {
    const pod = await addPod(fixture, { ownerReferences: [ownerOf(foo1)] });
    fixture.enqueued();
    await edit(fixture, pod, { annotations: { any: "change" } });
    return ["default/foo1"];
  },
  "TestUpdatePodOrphanSameLabels: nothing": async (fixture) => {
    const pod = await addPod(fixture, {});
    fixture.enqueued();
    await edit(fixture, pod, { annotations: { any: "change" } });
    return [];
  },
  "TestUpdatePodOrphanWithNewLabels: every DaemonSet that matches now": async (fixture) => {
    const pod = await addPod(fixture, { labels: { foo2: "bar2" } });
    fixture.enqueued();
    await edit(fixture, pod, { labels: podLabels });
    return ["default/foo1", "default/foo2"];
  },
  "TestUpdatePodChangeControllerRef: the old and the new owner": async (fixture, { foo1, foo2 }) => {
    const pod = await addPod(fixture, { ownerReferences: [ownerOf(foo2)] });
    fixture.enqueued();
    await edit(fixture, pod, { ownerReferences: [ownerOf(foo1)] });
    return ["default/foo1", "default/foo2"];
  },
  "TestUpdatePodControllerRefRemoved: both that match": async (fixture, { foo1 }) => {
    const pod = await addPod(fixture, { ownerReferences: [ownerOf(foo1)] });
    fixture.enqueued();
    await edit(fixture, pod, { ownerReferences: [] });
    return ["default/foo1", "default/foo2"];
  },
  "TestDeletePod: the owner": async (fixture, { foo1 }) => {
    const pod = await addPod(fixture, { ownerReferences: [ownerOf(foo1)] });
    fixture.enqueued();
    await fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! });
    await fixture.settle();
    return ["default/foo1"];
  },
  "TestDeletePodOrphan: nothing": async (fixture) => {
    const pod = await addPod(fixture, {});
    fixture.enqueued();
    await fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! });
    await fixture.settle();
    return [];
  },
  "an owner of another UID is no owner": async (fixture, { foo1 }) => {
    await addPod(fixture, { ownerReferences: [{ ...ownerOf(foo1), uid: "another" }] });
    return [];
  },
  "a new owned revision wakes nobody: the conformance test makes a duplicate": async (fixture, { foo1 }) => {
    const made = newRevision(foo1, 9);
    await fixture.cluster.client.create(controllerrevisions, {
      ...made,
      metadata: { ...made.metadata, name: "copy" },
    });
    await fixture.settle();
    return [];
  },
  "a deleted owned revision wakes its owner": async (fixture, { foo1 }) => {
    const [own] = (await fixture.revisions()).filter(
      ({ metadata }) => metadata.ownerReferences?.[0]?.uid === foo1.metadata.uid,
    );
    await fixture.cluster.client.delete(controllerrevisions, {
      namespace: "default",
      name: own!.metadata.name!,
    });
    await fixture.settle();
    return ["default/foo1"];
  },
  "a deleted DaemonSet is looked at once more": async (fixture) => {
    await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "foo3" });
    await fixture.settle();
    return ["default/foo3"];
  },
};

async function addPod(fixture: DaemonSetFixture, metadata: object): Promise<Pod> {
  const pod = await fixture.cluster.client.create<Pod>(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "p-", namespace: "default", labels: podLabels, ...metadata },
    spec: {
      containers: [{ name: "main", image: "foo/bar" }],
      nodeName: "nowhere",
      terminationGracePeriodSeconds: 0,
    },
  });
  await fixture.settle();
  return pod;
}

describe("pods and revisions", () => {
  for (const [name, act] of Object.entries(cases)) {
    test(name, () =>
      withDaemonSets(async (fixture) => {
        const wanted = await act(fixture, await threeSets(fixture));
        expect(fixture.enqueued()).toEqual(wanted);
      }),
    );
  }
});

describe("TestUpdateNode, TestAddNode, TestShouldIgnoreNodeUpdate", () => {
  const changes = [
    { name: "a: nothing changed", labels: {}, edit: { annotations: { a: "b" } }, wanted: [] },
    { name: "b: labels match now", labels: {}, edit: { labels: blue }, wanted: ["default/foo"] },
    {
      name: "a label that nobody selects",
      labels: blue,
      edit: { labels: { ...blue, zone: "a" } },
      wanted: [],
    },
    { name: "labels match no more", labels: blue, edit: { labels: {} }, wanted: ["default/foo"] },
  ];
  for (const { name, labels, edit: change, wanted } of changes) {
    test(name, () =>
      withDaemonSets(async (fixture) => {
        await fixture.addNodes(1, { labels });
        await fixture.addDaemonSet({ podSpec: { nodeSelector: blue } });
        await fixture.sync();
        fixture.enqueued();
        await fixture.editNode("node-0", (node) => ({ ...node, metadata: { ...node.metadata, ...change } }));
        expect(fixture.enqueued()).toEqual(wanted);
      }),
    );
  }

  test("c: a NoSchedule taint is lost; d: allocatable changes; a node that does not match is added", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1, { taints: [{ key: "dedicated", effect: "NoSchedule" }] });
      await fixture.addDaemonSet();
      expect(await fixture.sync()).toBe("0/0");
      fixture.enqueued();
      await fixture.editNode("node-0", (node) => ({ ...node, spec: { ...node.spec, taints: [] } }));
      expect(fixture.enqueued()).toEqual(["default/foo"]);
      expect(await fixture.sync()).toBe("1/0");
      fixture.enqueued();
      const node = await fixture.cluster.client.get(nodes, { name: "node-0" });
      const status = { ...node.status, allocatable: { cpu: "1" } };
      await fixture.cluster.client.update(nodes, { ...node, status }, { subresource: "status" });
      await fixture.addNodes(1, { first: 1, taints: [{ key: "dedicated", effect: "NoSchedule" }] });
      expect(fixture.enqueued()).toEqual([]);
    }));

  test("e: a misscheduled pod's node matches now", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet({ podSpec: { nodeSelector: { ...blue } } });
      const hash = await fixture.currentHash();
      await fixture.addPod("node-0", { hash, grace: 30 });
      fixture.enqueued();
      await fixture.editNode("node-0", (node) => ({ ...node, metadata: { ...node.metadata, labels: blue } }));
      expect(fixture.enqueued()).toEqual(["default/foo"]);
    }));
});

test("the controller runs by itself: create, roll out, status, and then silence", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(5);
    await fixture.cluster.start(fixture.controller);
    await fixture.addDaemonSet({
      spec: {
        minReadySeconds: 5,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } },
      },
    });
    const settled = async (image: string): Promise<boolean> => {
      await fixture.markReady();
      const { status, metadata } = await fixture.get();
      const made = await fixture.pods();
      return (
        made.length === 5 &&
        made.every((pod) => pod.spec.containers[0]!.image === image) &&
        status?.numberAvailable === 5 &&
        status.observedGeneration === metadata.generation
      );
    };
    await fixture.cluster.until("created", () => settled("foo/bar"));
    await fixture.setImage("foo/bar:2");
    await fixture.cluster.until("rolled out", () => settled("foo/bar:2"));
    expect((await fixture.get()).status).toMatchObject({
      updatedNumberScheduled: 5,
      numberReady: 5,
      observedGeneration: 2,
    });
    await fixture.cluster.advance(10_000);
    expect(await fixture.writes(() => fixture.cluster.advance(600_000))).toEqual([]);
    expect(fixture.cluster.complaints).toEqual([]);
  }));
