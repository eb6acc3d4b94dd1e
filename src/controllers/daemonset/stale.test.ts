/** What the controller does when it sees late, old or odd things: held watch events, a tampered view, lost races. */
import { describe, expect, test } from "vitest";
import {
  controllerrevisions as revisionsResource,
  type DaemonSet,
  pods,
  targetNodeName,
} from "../../api/index.ts";
import { controllerOf, type KubeObject, notFound } from "../../machinery/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { newRevision } from "./revisions.ts";

describe("late events", () => {
  test("a sync whose own creates the cache has not seen is skipped altogether (section 4)", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(3);
      await fixture.addDaemonSet();
      fixture.hold("pods");
      expect(await fixture.sync()).toBe("3/0");
      const from = fixture.cluster.calls.length;
      expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 30_000 });
      expect(fixture.cluster.calls.slice(from)).toEqual([]);
      await fixture.release();
      expect(fixture.enqueued()).toEqual(["default/foo"]);
      expect(await fixture.sync()).toBe("0/0");
      expect((await fixture.get()).status?.currentNumberScheduled).toBe(3);
    }));

  test("deletions that have not been seen are not repeated, and only the status is written, without observedGeneration", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      for (let i = 0; i < 2; i++) await fixture.addPod("node-0", { hash });
      await fixture.addNodes(1);
      fixture.hold("pods");
      expect(await fixture.sync()).toBe("0/1");
      await fixture.edit((spec) => ({ ...spec, minReadySeconds: 1 }));
      expect(await fixture.sync()).toBe("0/0");
      expect((await fixture.get()).status?.observedGeneration).toBe(1);
      await fixture.release();
      expect(await fixture.sync()).toBe("0/0");
      expect((await fixture.get()).status?.observedGeneration).toBe(2);
    }));

  test("an adopted pod counts from the server's answer on", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      await fixture.addNodes(1);
      await fixture.addPod("node-0", { hash, isOrphan: true });
      fixture.hold("pods");
      expect(await fixture.sync()).toBe("0/0");
      expect(fixture.controller.tracked("default/foo")?.slots.counts().current).toBe(1);
      expect(controllerOf((await fixture.pods())[0]!)?.name).toBe("foo");
    }));

  test("an expectation that is never met ends after five minutes, and the key is awake by then", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      for (let i = 0; i < 2; i++) await fixture.addPod("node-0", { hash });
      await fixture.addNodes(1);
      fixture.hold("pods");
      expect(await fixture.sync()).toBe("0/1");
      expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 300_001 });
      await fixture.cluster.advance(300_001);
      expect(await fixture.sync()).toBe("0/1");
    }));
});

describe("lost answers", () => {
  test("a pod that was made although the answer was lost is found, not made again, while the cache is late (I1)", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(3);
      await fixture.addDaemonSet();
      fixture.hold("pods");
      fixture.losesAnswer = (verb, resource) => verb === "create" && resource === "pods";
      await expect(fixture.sync()).rejects.toThrow("socket hang up");
      fixture.losesAnswer = () => false;
      expect(await fixture.pods()).toHaveLength(1);
      await fixture.sync();
      expect((await fixture.pods()).map((pod) => targetNodeName(pod)).sort()).toEqual([
        "node-0",
        "node-1",
        "node-2",
      ]);
      await fixture.release();
      expect(await fixture.sync()).toBe("0/0");
      expect(fixture.controller.tracked("default/foo")?.unanswered.size).toBe(0);
    }));

  test("a pod that was made and is on its way out already is not taken for the new one", () =>
    withDaemonSets(
      async (fixture) => {
        await fixture.addNodes(1);
        const spec = { updateStrategy: rollingUpdate(0, 1) };
        await fixture.addDaemonSet({ spec, podSpec: { terminationGracePeriodSeconds: 30 } });
        fixture.losesAnswer = (verb, resource) => verb === "create" && resource === "pods";
        await expect(fixture.sync()).rejects.toThrow("socket hang up");
        fixture.losesAnswer = () => false;
        const [made] = await fixture.pods();
        await fixture.cluster.client.delete(pods, { namespace: "default", name: made!.metadata.name! });
        await fixture.settle();
        await fixture.sync();
        const living = (await fixture.pods()).filter((pod) => pod.metadata.deletionTimestamp === undefined);
        expect(living).toHaveLength(1);
      },
      { placement: "controller" },
    ));

  test("a create that never reached the server is done under the same name", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      const names: unknown[] = [];
      fixture.fault = (verb, resource, body) => {
        if (verb !== "create" || resource !== "pods") return undefined;
        return names.push((body as KubeObject).metadata.name) === 1
          ? new Error("connection refused")
          : undefined;
      };
      await expect(fixture.sync()).rejects.toThrow("connection refused");
      expect(await fixture.sync()).toBe("1/0");
      expect(names[0]).toMatch(/^foo-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      expect(names).toEqual([names[0], names[0]]);
    }));
});

describe("adoption races: the live look decides", () => {
  const cases = [
    {
      name: "the DaemonSet was recreated",
      change: { uid: "another" },
      message: /^original DaemonSet default\/foo is gone: got uid another, wanted /,
    },
    {
      name: "TestDontDoAnythingIfBeingDeletedRace",
      change: { deletionTimestamp: "2026-01-01T00:00:00Z" },
      message: /^default\/foo has just been deleted at 2026-01-01T00:00:00Z/,
    },
  ];
  for (const { name, change, message } of cases) {
    test(name, () =>
      withDaemonSets(async (fixture) => {
        await fixture.addDaemonSet();
        await fixture.currentHash();
        await fixture.addPod("node-0", { isOrphan: true });
        fixture.see = (via, object) =>
          via === "get" ? { ...object, metadata: { ...object.metadata, ...change } } : object;
        await expect(fixture.sync()).rejects.toThrow(message);
        expect(controllerOf((await fixture.pods())[0]!)).toBeUndefined();
      }),
    );
  }
});

test("claim patches carry the pod's UID, so that a recreated pod of the same name is left alone (6.3, 6.4)", () =>
  withDaemonSets(async (fixture) => {
    const { metadata } = await fixture.addDaemonSet();
    await fixture.currentHash();
    const orphan = await fixture.addPod("node-0", { isOrphan: true });
    const misfit = await fixture.addPod("node-1", { labels: { other: "labels" } });
    const bodies: unknown[] = [];
    fixture.fault = (verb, resource, body) =>
      void (verb === "patch" && resource === "pods" && bodies.push(body));
    await fixture.sync();
    expect(bodies).toEqual([
      { metadata: { uid: misfit.metadata.uid, ownerReferences: [{ $patch: "delete", uid: metadata.uid }] } },
      {
        metadata: {
          uid: orphan.metadata.uid,
          ownerReferences: [expect.objectContaining({ uid: metadata.uid, controller: true })],
        },
      },
    ]);
  }));

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

test("a pod that is gone already is no failed delete", () =>
  withDaemonSets(async (fixture) => {
    await twoPodsOnOneNode(fixture);
    fixture.fault = (verb) => (verb === "delete" ? notFound(pods, "p") : undefined);
    await fixture.sync();
    expect((await fixture.cluster.eventsOf("foo")).filter((event) => event.includes("Delete"))).toEqual([]);
  }));

test("pods whose affinity somebody edits are remembered by the node they were made for (23.20)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    fixture.admit = (resource, object) => {
      if (resource !== "pods") return object;
      const { affinity: _affinity, ...spec } = (
        object as KubeObject & { readonly spec: { readonly affinity?: object } }
      ).spec;
      return { ...object, spec } as KubeObject;
    };
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["2/0", "0/0"]);
    expect((await fixture.get()).status?.currentNumberScheduled).toBe(2);
    expect(fixture.cluster.complaints).toHaveLength(2);
  }));

test("a collision count that the cache does not know yet is not raised", () =>
  withDaemonSets(async (fixture) => {
    const daemonSet = await fixture.addDaemonSet();
    const clash = newRevision(daemonSet, 1);
    const metadata = { name: clash.metadata.name!, namespace: "default", labels: { other: "labels" } };
    await fixture.cluster.client.create(revisionsResource, { ...clash, metadata, data: { spec: {} } });
    await fixture.settle();
    fixture.see = (via, object) =>
      via === "get" && isDaemonSet(object)
        ? { ...object, status: { ...object.status!, collisionCount: 5 } }
        : object;
    await expect(fixture.sync()).rejects.toThrow("stale collision count");
    expect((await fixture.get()).status?.collisionCount).toBeUndefined();
  }));

test("a status is never written to a DaemonSet of another UID", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.currentHash();
    await fixture.markReady();
    fixture.see = (via, object) =>
      via === "get" ? { ...object, metadata: { ...object.metadata, uid: "another" } } : object;
    let updates = 0;
    fixture.fault = (verb) =>
      verb === "update" && ++updates === 1 ? notFound(pods, "first try") : undefined;
    await fixture.sync();
    expect(updates).toBe(1);
  }));

test("host ports with surge are warned of once per generation (23.19)", () =>
  withDaemonSets(async (fixture) => {
    const containers = [{ name: "main", image: "foo/bar", ports: [{ containerPort: 80, hostPort: 80 }] }];
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(0, 1) }, podSpec: { containers } });
    await fixture.sync();
    await fixture.sync();
    const warnings = (await fixture.cluster.eventsOf("foo")).filter((event) =>
      event.includes("SurgeWithHostPorts"),
    );
    expect(warnings).toHaveLength(1);
    await fixture.edit((spec) => ({ ...spec, updateStrategy: rollingUpdate(1) }));
    await fixture.sync();
    expect(
      (await fixture.cluster.eventsOf("foo")).filter((event) => event.includes("SurgeWithHostPorts")),
    ).toHaveLength(1);
  }));

async function twoPodsOnOneNode(fixture: DaemonSetFixture): Promise<void> {
  await fixture.addDaemonSet();
  const hash = await fixture.currentHash();
  for (let i = 0; i < 2; i++) await fixture.addPod("node-0", { hash });
  await fixture.addNodes(1);
}

function isDaemonSet(object: KubeObject): object is DaemonSet {
  return object.kind === "DaemonSet";
}
