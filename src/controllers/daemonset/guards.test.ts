/**
 * What stops a sync in the middle: claims that fail, a newer specification in the cache, another pod under the name.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { expect, test } from "vitest";
import { type DaemonSet, daemonsets, pods } from "../../api/index.ts";
import { internalError } from "../../machinery/index.ts";
import {
  type DaemonSetFixture,
  onDelete,
  rollingUpdate,
  withDaemonSets,
} from "../../testing/daemonset-fixture.ts";

/** Somebody changes the DaemonSet while the controller makes its first call of this kind; the cache shows it at once. */
function changingDuring(
  fixture: DaemonSetFixture,
  call: readonly [verb: string, resource: string],
  change: (daemonSet: DaemonSet) => DaemonSet,
): void {
  let isChanged = false;
  fixture.fault = (verb, resource) => {
    if (!isChanged && verb === call[0] && resource === call[1]) {
      isChanged = true;
      void fixture.get().then((found) => fixture.cluster.client.update(daemonsets, change(found)));
    }
    return undefined;
  };
}

const toOnDelete = (daemonSet: DaemonSet): DaemonSet => ({
  ...daemonSet,
  spec: { ...daemonSet.spec, updateStrategy: onDelete },
});

test("without all claims nothing is decided: a pod that cannot be adopted may be the one that is missing (#23.29)", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet();
    await fixture.addPod("node-0", { hash: await fixture.currentHash(), isOrphan: true, ready: true });
    for (const pod of await fixture.pods())
      if (pod.metadata.ownerReferences !== undefined)
        await fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! });
    await fixture.settle();
    fixture.fault = (verb, resource) =>
      verb === "patch" && resource === "pods" ? internalError("no adoption") : undefined;
    const from = fixture.cluster.calls.length;
    await expect(fixture.sync()).rejects.toThrow("no adoption");
    const calls = fixture.cluster.calls.slice(from);
    expect(calls.filter((call) => call === "POST /api/v1/namespaces/default/pods")).toEqual([]);
    expect((await fixture.get()).status).toMatchObject({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 0,
    });
    fixture.fault = () => undefined;
    expect(await fixture.sync()).toBe("1/0");
  }));

test("a specification that comes while pods are claimed stops the step that was decided for the one before", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    await fixture.sync();
    await fixture.addPod("node-0", { hash: await fixture.currentHash(), isOrphan: true, ready: true });
    await fixture.addNodes(1, { first: 1 });
    // No node is wanted any more.
    changingDuring(fixture, ["patch", "pods"], (daemonSet) => ({
      ...daemonSet,
      spec: {
        ...daemonSet.spec,
        template: {
          ...daemonSet.spec.template,
          spec: { ...daemonSet.spec.template.spec!, nodeSelector: { none: "such" } },
        },
      },
    }));
    expect(await fixture.sync()).toBe("0/0");
  }));

test("a specification that comes while pods are placed stops the roll-out of the one before", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(2) } });
    await fixture.sync();
    await fixture.markReady();
    await fixture.setImage("foo/bar:2");
    await fixture.addNodes(1, { first: 1 });
    changingDuring(fixture, ["create", "pods"], toOnDelete);
    expect(await fixture.sync()).toBe("1/0");
    expect((await fixture.pods()).map((pod) => pod.spec.containers[0]!.image).sort()).toEqual([
      "foo/bar",
      "foo/bar:2",
    ]);
  }));

test("a delete means the pod that was seen, not one that has taken its name", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(1);
    await fixture.addDaemonSet();
    const hash = await fixture.currentHash();
    const [first] = await fixture.pods();
    const surplus = await fixture.addPod("node-0", { hash, isUnbound: true });
    const { name } = surplus.metadata;
    expect(first!.metadata.name).not.toBe(name);
    fixture.hold("pods");
    const { client } = fixture.cluster;
    await client.delete(pods, { namespace: "default", name: name! });
    const other = await client.create(pods, {
      metadata: { name: name!, namespace: "default" },
      spec: { containers: [{ name: "main", image: "foreign" }] },
    });
    const seen = fixture.controller.tracked("default/foo")!.slots.counts();
    expect(seen.surplus).toBe(1);
    expect(await fixture.sync()).toBe("0/1");
    expect((await client.get(pods, { namespace: "default", name: name! })).metadata.uid).toBe(
      other.metadata.uid,
    );
    expect(await fixture.cluster.eventsOf("foo")).not.toContainEqual(expect.stringContaining("FailedDelete"));
  }));
