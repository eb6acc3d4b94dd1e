/**
 * A server that was restored to older data is believed: what the controller has seen and written since then has never been.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { expect, test } from "vitest";
import { isPodReady, type Pod } from "../../api/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";

/** After a restart of the server its watches are begun again within this time, in ms. */
const rewatchMs = 30_000;

async function restore(fixture: DaemonSetFixture, revision: number): Promise<void> {
  await fixture.cluster.restore(revision);
  await fixture.cluster.advance(rewatchMs);
}

const imageOf = (pod: Pod): string => pod.spec.containers[0]!.image!;

async function images(fixture: DaemonSetFixture): Promise<string[]> {
  return (await fixture.pods()).map(imageOf).sort();
}

test("pods that are older than what was known count as they are", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(2);
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(1) } });
    await fixture.sync();
    const { revision } = fixture.cluster;
    await fixture.markReady();
    await fixture.sync();
    await restore(fixture, revision);
    expect((await fixture.pods()).filter(isPodReady)).toEqual([]);
    await fixture.sync();
    expect((await fixture.get()).status).toMatchObject({ currentNumberScheduled: 2, numberReady: 0 });
    // Neither pod is ready, so neither may go for the other's sake, and both go for the new template's.
    await fixture.setImage("foo/bar:2");
    expect(await fixture.sync()).toBe("0/2");
  }));

test("what was written since is not waited for: creates, status and revisions are made again", () =>
  withDaemonSets(async (fixture) => {
    await fixture.addNodes(3);
    await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate("100%") } });
    await fixture.sync();
    await fixture.markReady();
    await fixture.sync();
    const { revision } = fixture.cluster;
    await fixture.setImage("foo/bar:2");
    expect(await fixture.sync()).toBe("0/3");
    // No cache shows the last writes before they are undone.
    for (const resource of ["pods", "daemonsets", "controllerrevisions"]) fixture.hold(resource);
    expect(await fixture.sync()).toBe("3/0");
    await restore(fixture, revision);
    await fixture.release();
    await fixture.cluster.advance(rewatchMs);
    expect(await images(fixture)).toEqual(["foo/bar", "foo/bar", "foo/bar"]);
    expect(await fixture.sync()).toBe("0/0");
    await fixture.setImage("foo/bar:2");
    expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/3", "3/0"]);
    expect(await images(fixture)).toEqual(["foo/bar:2", "foo/bar:2", "foo/bar:2"]);
    expect((await fixture.revisions()).map((one) => one.revision)).toEqual([1, 2]);
    await fixture.markReady();
    expect(await fixture.sync()).toBe("0/0");
    expect((await fixture.get()).status).toMatchObject({ observedGeneration: 2, numberAvailable: 3 });
  }));
