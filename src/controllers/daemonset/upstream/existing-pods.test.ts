/** Upstream's daemon_controller_test.go, events and existing pods: the cases that the room's other tests do not have. */
import { describe, expect, test } from "vitest";
import { daemonsets, type DaemonSet, type Pod, pods } from "../../../api/index.ts";
import { conflict, forbidden, type OwnerReference } from "../../../machinery/index.ts";
import {
  type DaemonSetFixture,
  mismatchedLabels,
  podLabels,
  withDaemonSets,
} from "../../../testing/daemonset-fixture.ts";
import { both, deletePod, foreignPod, hungry } from "../../../testing/upstream-cases.ts";

function controllerReference(daemonSet: DaemonSet): OwnerReference {
  const { name, uid } = daemonSet.metadata;
  return { apiVersion: "apps/v1", kind: "DaemonSet", name: name!, uid: uid!, controller: true };
}

both("TestDeleteFinalStateUnknown", async (fixture, updateStrategy) => {
  await fixture.addDaemonSet({ spec: { updateStrategy } });
  await fixture.sync();
  fixture.enqueued();
  await fixture.missed("daemonsets", () =>
    fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "foo" }),
  );
  expect(fixture.enqueued()).toEqual(["default/foo"]);
  expect(fixture.controller.tracked("default/foo")).toBeUndefined();
});

describe("TestDeleteNoDaemonPod", () => {
  const replicaSet: OwnerReference = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "other",
    uid: "other",
    controller: true,
  };
  const small: Partial<Pod["spec"]> = {
    containers: [{ name: "main", image: "i", resources: { requests: { memory: "50M", cpu: "50m" } } }],
  };
  const victims: readonly (readonly [string, object, Partial<Pod["spec"]>])[] = [
    ["an orphan", {}, { nodeName: "node-0" }],
    ["one with a foreign controller", { ownerReferences: [replicaSet] }, { nodeName: "node-0" }],
    ["one that was never bound", { ownerReferences: [replicaSet] }, {}],
  ];
  for (const [name, metadata, spec] of victims) {
    both(`TestDeleteNoDaemonPod: ${name}`, async (fixture, updateStrategy) => {
      await fixture.addNodes(1, { status: { allocatable: { memory: "200M", cpu: "200m", pods: "100" } } });
      const foreign = [await foreignPod(fixture, { ...small, ...spec }, metadata)];
      for (let i = 0; i < 3; i++) foreign.push(await foreignPod(fixture, { ...small, nodeName: "node-0" }));
      await fixture.addDaemonSet({ spec: { updateStrategy }, podSpec: hungry });
      expect(await fixture.sync()).toBe("1/0");
      fixture.enqueued();
      await deletePod(fixture, foreign[0]!);
      expect(fixture.enqueued()).toEqual([]);
    });
  }
});

/** One pod of each kind on each of two nodes. @returns the names that must be found, by node. */
async function everyKindOfPod(fixture: DaemonSetFixture, foo2: DaemonSet): Promise<Map<string, string[]>> {
  const wanted = new Map<string, string[]>();
  for (const node of ["node-0", "node-1"]) {
    const found = [
      await fixture.addPod(node),
      await fixture.addPod(node, { isOrphan: true }),
      await fixture.addPod(node, { phase: "Succeeded" }),
      await fixture.addPod(node, { phase: "Failed" }),
    ];
    wanted.set(node, found.map(({ metadata }) => metadata.name!).sort());
    await fixture.addPod(node, { labels: mismatchedLabels });
    await fixture.addPod(node, { labels: mismatchedLabels, isOrphan: true });
    await foreignPod(
      fixture,
      { nodeName: node },
      { labels: podLabels, ownerReferences: [controllerReference(foo2)] },
    );
    for (const phase of ["Succeeded", "Failed"])
      await departing(fixture, await fixture.addPod(node, { phase }));
  }
  return wanted;
}

/** Held by a finalizer while it is being deleted. */
async function departing(fixture: DaemonSetFixture, pod: Pod): Promise<void> {
  const address = { namespace: "default", name: pod.metadata.name! };
  const body = { metadata: { finalizers: ["example.com/hold"] } };
  await fixture.cluster.client.patch(pods, address, { type: "merge", body });
  await deletePod(fixture, pod);
}

test("TestGetNodesToDaemonPods", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    const foo2 = await fixture.addDaemonSet({}, "foo2");
    fixture.fault = (verb, resource) =>
      resource === "pods" && (verb === "create" || verb === "delete") ? forbidden(pods, "", "x") : undefined;
    await fixture.sync().catch(() => "refused");
    const wanted = await everyKindOfPod(fixture, foo2);
    await fixture.sync().catch(() => "refused");
    const { slots } = fixture.controller.tracked("default/foo")!;
    const found = [...slots.all()].map((slot): [string, string[]] => [
      slot.node,
      slot.pods.map(({ name }) => name).sort(),
    ]);
    expect(new Map(found)).toEqual(wanted);
    // Upstream's second grouping, for the clean-up of the history, has those that are on their way out as well.
    expect([...slots.pods()]).toHaveLength(12);
  }));

describe("TestSimpleDaemonSetUpdatesStatusError", () => {
  const refusal = forbidden(pods, "", "quota");
  const cases = [
    { name: "pod control error", podFails: true, statusFails: false, error: "quota" },
    { name: "status write error", podFails: false, statusFails: true, error: "the object has been modified" },
    { name: "both: the pod error", podFails: true, statusFails: true, error: "quota" },
  ];
  for (const { name, podFails, statusFails, error } of cases) {
    both(`TestSimpleDaemonSetUpdatesStatusError: ${name}`, async (fixture, updateStrategy) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet({ spec: { updateStrategy } });
      let creates = 0;
      fixture.fault = (verb, resource) => {
        if (verb === "create" && resource === "pods") {
          creates++;
          return podFails ? refusal : undefined;
        }
        const isStatus = verb === "update" && resource === "daemonsets";
        return isStatus && statusFails ? conflict(daemonsets, "foo") : undefined;
      };
      await expect(fixture.sync()).rejects.toThrow(error);
      expect(creates).toBe(1);
    });
  }
});
