/**
 * What the controller does while its caches lag behind the server: behind its own writes, behind the end of a DaemonSet,
 * behind a new specification. Not here: answers that never came (lost-answers.test.ts).
 * Invariants and rules by number: docs/spec/invariants.md, docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import { controllerrevisions, type DaemonSet, daemonsets, pods } from "../../api/index.ts";
import { controllerOf, type KubeObject, notFound } from "../../machinery/index.ts";
import { withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { newRevision } from "./revisions.ts";

describe("late events", () => {
  test("a sync whose own creates the cache has not seen is skipped altogether (#4)", () =>
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

  test("a pod that comes and goes while the watch is broken holds up nothing, and the key is awake by then", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(2);
      await fixture.addDaemonSet();
      await fixture.missed("pods", async () => {
        expect(await fixture.sync()).toBe("2/0");
        const [first] = await fixture.pods();
        const address = { namespace: "default", name: first!.metadata.name! };
        await fixture.cluster.client.delete(pods, address, { gracePeriodSeconds: 0 });
        expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 30_000 });
      });
      expect(await fixture.sync()).toBe("1/0");
      expect(await fixture.pods()).toHaveLength(2);
    }));

  test("an expectation that is never met ends after five minutes, and the key is awake by then", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      const hash = await fixture.currentHash();
      for (let i = 0; i < 2; i++) await fixture.addPod("node-0", { hash });
      await fixture.addNodes(1);
      fixture.hold("pods");
      expect(await fixture.sync()).toBe("0/1");
      expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 30_000 });
      await fixture.cluster.advance(300_001);
      expect(await fixture.sync()).toBe("0/1");
    }));
});

test("a DaemonSet that is gone but still in the cache is left alone, not worked on in circles", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.sync();
    fixture.hold("daemonsets");
    await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "foo" });
    await fixture.setStatus((await fixture.pods())[0]!, { ready: true });
    await fixture.settle();
    await fixture.sync();
    const from = fixture.cluster.calls.length;
    await fixture.sync();
    expect(fixture.cluster.calls.slice(from)).toEqual([]);
    await fixture.release();
    await fixture.addDaemonSet();
    expect(await fixture.sync()).toBe("1/0");
  }));

test("a DaemonSet that is going does not get its revision back each time that the garbage collector takes it", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.sync();
    fixture.hold("daemonsets");
    const { client } = fixture.cluster;
    await client.delete(
      daemonsets,
      { namespace: "default", name: "foo" },
      { propagationPolicy: "Foreground" },
    );
    const [revision] = await fixture.revisions();
    await client.delete(controllerrevisions, { namespace: "default", name: revision!.metadata.name! });
    await fixture.settle();
    await expect(fixture.sync()).rejects.toThrow("has just been deleted");
    expect(await fixture.revisions()).toEqual([]);
  }));

test("two templates in a row get two numbers, also while the cache does not show the first revision (I9)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addDaemonSet();
    await fixture.sync();
    fixture.hold("controllerrevisions");
    for (const image of ["second", "third"]) {
      await fixture.setImage(image);
      await fixture.sync();
    }
    expect((await fixture.revisions()).map(({ revision }) => revision)).toEqual([1, 2, 3]);
    await fixture.release();
    await fixture.setImage("second");
    await fixture.sync();
    expect((await fixture.revisions()).map(({ revision }) => revision)).toEqual([1, 3, 4]);
  }));

test("nothing is decided by a specification that was replaced while the history was written (I4)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    fixture.hold("daemonsets");
    await fixture.edit((spec) => ({
      ...spec,
      template: { ...spec.template, spec: { ...spec.template.spec!, nodeSelector: { none: "such" } } },
    }));
    let released: Promise<void> | undefined;
    fixture.fault = (verb, resource) => {
      if (verb === "create" && resource === "controllerrevisions") released ??= fixture.release();
      return undefined;
    };
    await fixture.sync();
    expect(released).toBeDefined();
    await released;
    expect(await fixture.pods()).toEqual([]);
  }));

test("nothing is written for a DaemonSet whose end was seen while a sync waited for an answer (I8)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.sync();
    await fixture.addPod("node-0", { isOrphan: true });
    await fixture.markReady();
    fixture.hold("daemonsets");
    await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "foo" });
    let released: Promise<void> | undefined;
    fixture.fault = (verb, resource) => {
      if (verb === "get" && resource === "daemonsets") released ??= fixture.release();
      return undefined;
    };
    const writes = await fixture.writes(() =>
      expect(fixture.controller.reconcile("default/foo")).rejects.toThrow("not found"),
    );
    expect([released === undefined, writes]).toEqual([false, []]);
  }));

test("a collision count that the cache does not know yet is not raised", () =>
  withDaemonSets(async (fixture) => {
    const daemonSet = await fixture.addDaemonSet();
    const clash = newRevision(daemonSet, 1);
    const metadata = { name: clash.metadata.name!, namespace: "default", labels: { other: "labels" } };
    await fixture.cluster.client.create(controllerrevisions, { ...clash, metadata, data: { spec: {} } });
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

function isDaemonSet(object: KubeObject): object is DaemonSet {
  return object.kind === "DaemonSet";
}
