/**
 * A node that is deleted and created again under its name, before anybody removes the pods bound to it
 * (docs/spec/daemonset-controller.md#23.15).
 */
import { expect, test } from "vitest";
import { nodes, pods } from "../../api/index.ts";
import { type DaemonSetFixture, withDaemonSets } from "../../testing/daemonset-fixture.ts";

/** Ten nodes with pods bound to them, ready or not. */
function withBound(isReady: boolean, body: (fixture: DaemonSetFixture) => Promise<void>): Promise<void> {
  return withDaemonSets(
    async (fixture) => {
      await fixture.addNodes(10);
      await fixture.addDaemonSet();
      await fixture.sync();
      if (isReady) await fixture.markReady();
      await fixture.sync();
      await body(fixture);
    },
    { placement: "controller" },
  );
}

const names = Array.from({ length: 10 }, (_, index) => `node-${index}`);

async function forget(fixture: DaemonSetFixture, which: readonly string[] = names): Promise<void> {
  for (const name of which) await fixture.cluster.client.delete(nodes, { name });
  await fixture.settle();
}

test("its pod stays, counts once and gets none beside it: the kubelet of that name runs what is bound to it", () =>
  withBound(true, async (fixture) => {
    const before = await fixture.ownedNames();
    await forget(fixture, ["node-0"]);
    expect(await fixture.sync()).toBe("0/0");
    expect((await fixture.get()).status).toMatchObject({ desiredNumberScheduled: 9, numberReady: 9 });
    await fixture.addNodes(1);
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/0", "0/0"]);
    const counts = { desiredNumberScheduled: 10, currentNumberScheduled: 10, numberMisscheduled: 0 };
    expect((await fixture.get()).status).toMatchObject({ ...counts, numberReady: 10 });
    // What the new machine says of the pod is what counts, also while it starts it anew.
    const pod = (await fixture.pods()).find(({ spec }) => spec.nodeName === "node-0")!;
    await fixture.setStatus(pod, { ready: false });
    expect(await fixture.sync()).toBe("0/0");
    expect((await fixture.get()).status).toMatchObject({ ...counts, numberReady: 9 });
    expect(await fixture.ownedNames()).toEqual(before);
  }));

test("when all nodes register anew no pod is touched, whatever maxUnavailable says", () =>
  withBound(true, async (fixture) => {
    const before = await fixture.ownedNames();
    await forget(fixture);
    await fixture.addNodes(10);
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/0", "0/0"]);
    expect(await fixture.ownedNames()).toEqual(before);
  }));

test("a pod that ended there, or that the garbage collector took, is made anew", () =>
  withBound(false, async (fixture) => {
    const [ended, taken] = await fixture.pods();
    await forget(fixture);
    await fixture.setStatus(ended!, { phase: "Failed" });
    const address = { namespace: "default", name: taken!.metadata.name! };
    await fixture.cluster.client.delete(pods, address, { gracePeriodSeconds: 0 });
    await fixture.addNodes(10);
    expect([await fixture.sync(), await fixture.sync(), await fixture.sync()]).toEqual(["1/1", "1/0", "0/0"]);
    const on = (await fixture.pods()).map(({ spec }) => spec.nodeName);
    expect(on.sort()).toEqual([...names].sort());
  }));
