/** Bugs that the simulation found: what the controller does while its caches are behind its own writes, or behind a deletion. */
import { expect, test } from "vitest";
import { controllerrevisions, daemonsets, pods } from "../../api/index.ts";
import { controllerOf, tooManyRequests } from "../../machinery/index.ts";
import { onDelete, withDaemonSets } from "../../testing/daemonset-fixture.ts";
import type { PodFacts } from "./facts.ts";
import { DaemonSetSlots, type Placement } from "./slots.ts";

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

for (const lost of ["create", "patch"] as const)
  test(`two templates in a row get two numbers, also when the answer to the first revision's ${lost} was lost (I9)`, () =>
    withDaemonSets(async (fixture) => {
      await fixture.addDaemonSet();
      await fixture.sync();
      await fixture.setImage("second");
      await fixture.sync();
      fixture.hold("controllerrevisions");
      // Back to a template that has a revision, or on to one that has none yet.
      await fixture.setImage(lost === "patch" ? "foo/bar" : "third");
      fixture.losesAnswer = (verb, resource) => verb === lost && resource === "controllerrevisions";
      await expect(fixture.sync()).rejects.toThrow("socket hang up");
      fixture.losesAnswer = () => false;
      await fixture.setImage("fourth");
      await fixture.sync();
      const numbers = (await fixture.revisions()).map(({ revision }) => revision);
      expect(numbers).toEqual(lost === "patch" ? [2, 3, 4] : [1, 2, 3, 4]);
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

test("a revision is adopted once, also while the cache does not show it as ours (I11)", () =>
  withDaemonSets(async (fixture) => {
    const { client } = fixture.cluster;
    await fixture.addDaemonSet();
    await fixture.sync();
    fixture.hold("controllerrevisions");
    // As the garbage collector does for propagation policy Orphan.
    const [revision] = await fixture.revisions();
    const address = { namespace: "default", name: revision!.metadata.name! };
    const body = { metadata: { ownerReferences: null } };
    await client.patch(controllerrevisions, address, { type: "merge", body });
    await client.delete(daemonsets, { namespace: "default", name: "foo" });
    await fixture.settle();
    await fixture.addDaemonSet();
    const patches = async (): Promise<number> =>
      (await fixture.writes(() => fixture.sync())).filter((call) => call.includes("controllerrevisions"))
        .length;
    expect([await patches(), await patches(), await patches()]).toEqual([1, 1, 0]);
    expect((await fixture.revisions()).map(({ revision }) => revision)).toEqual([1]);
  }));

test("a pod that was deleted without an answer is awaited, and none goes in another place meanwhile (I2)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    await fixture.sync();
    await fixture.markReady();
    await fixture.setImage("second");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
    await fixture.markReady();
    fixture.hold("pods");
    fixture.losesAnswer = (verb) => verb === "delete";
    await expect(fixture.sync()).rejects.toThrow("socket hang up");
    fixture.losesAnswer = () => false;
    // By the next template the first node's pod is outdated too, and the cache shows both as serving.
    await fixture.setImage("third");
    expect(await fixture.sync()).toBe("0/0");
    await fixture.release();
    expect(await fixture.sync()).toBe("1/0");
  }));

test("a delete that never reached the server is tried again at once", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    await fixture.sync();
    await fixture.markReady();
    await fixture.setImage("second");
    fixture.fault = (verb) => (verb === "delete" ? new Error("connection reset") : undefined);
    await expect(fixture.sync()).rejects.toThrow("connection reset");
    fixture.fault = () => undefined;
    expect(await fixture.sync()).toBe("0/1");
  }));

for (const fate of ["deleted", "let go by somebody else"])
  test(`an adopted pod that the cache never showed as ours, and that is ${fate}, leaves no trace (I6)`, () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet({ spec: { updateStrategy: onDelete } });
      const { client } = fixture.cluster;
      const orphan = await fixture.addPod("node-0", { isOrphan: true, ready: true });
      const address = { namespace: "default", name: orphan.metadata.name! };
      await fixture.missed("pods", async () => {
        expect(await fixture.sync()).toBe("0/0");
        expect(controllerOf(await client.get(pods, address))).toBeDefined();
        const body = { metadata: { ownerReferences: null, labels: null } };
        if (fate === "deleted") await client.delete(pods, address);
        else await client.patch(pods, address, { type: "merge", body });
      });
      expect(await fixture.sync()).toBe("1/0");
      expect((await fixture.get()).status).toMatchObject({ numberReady: 0 });
    }));

test("one pod per node when the answer to a create is lost and the next tries are refused or cannot look (I1)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    fixture.hold("pods");
    fixture.losesAnswer = (verb, resource) => verb === "create" && resource === "pods";
    await expect(fixture.sync()).rejects.toThrow("socket hang up");
    fixture.losesAnswer = () => false;
    for (const refused of ["create", "get"]) {
      fixture.fault = (verb, resource) =>
        verb === refused && resource === "pods" ? tooManyRequests("later") : undefined;
      await expect(fixture.sync()).rejects.toThrow("later");
    }
    fixture.fault = () => undefined;
    await fixture.sync();
    expect(await fixture.pods()).toHaveLength(1);
  }));

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
      holdUntilMs: () => undefined,
      params: { hash: "new", generation: undefined, knownHashes: new Set(), minReadyMs: 0, hasSurge: true },
    });
    slots.putPod(pod);
    return slots.counts().serving;
  };
  expect(servingOn(undefined)).toBe(0);
  expect(servingOn({ shouldRun: false, shouldContinue: true })).toBe(1);
});
