/**
 * Create–delete–create loops with somebody else (docs/spec/daemonset-controller.md#23.28): upstream makes a new pod at
 * once, every time; we wait longer each time.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Pod, pods, targetNodeName } from "../../api/index.ts";
import { type DaemonSetFixture, rollingUpdate, withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { isReject, rejectHoldMs } from "./plan.ts";

test("the decision: the first two rejects in a row are free, then 1 s doubling to 5 min", () => {
  expect([0, 1, 2, 3, 4, 5, 11, 12, 1_000].map(rejectHoldMs)).toEqual([
    0, 0, 0, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
  fc.assert(
    fc.property(fc.nat(2_000), (rejects) => {
      expect(rejectHoldMs(rejects + 1)).toBeGreaterThanOrEqual(rejectHoldMs(rejects));
    }),
  );
  expect(isReject({ ageMs: 59_999, wasReady: false })).toBe(true);
  expect(isReject({ ageMs: 60_000, wasReady: false })).toBe(false);
  expect(isReject({ ageMs: 0, wasReady: true })).toBe(false);
});

/** What somebody else may do to a daemon pod at once, as a descheduler or a namespace's admission does. */
const rejections: Readonly<Record<string, (fixture: DaemonSetFixture, pod: Pod) => Promise<unknown>>> = {
  "it is deleted": (fixture, pod) =>
    fixture.cluster.client.delete(pods, { namespace: "default", name: pod.metadata.name! }),
  "its labels are taken off": (fixture, pod) =>
    fixture.cluster.client.patch(
      pods,
      { namespace: "default", name: pod.metadata.name! },
      { type: "merge", body: { metadata: { labels: { name: null } } } },
    ),
};

async function rejectOwned(fixture: DaemonSetFixture, how = rejections["it is deleted"]!): Promise<void> {
  const owned = await fixture.ownedNames();
  for (const pod of await fixture.pods()) if (owned.includes(pod.metadata.name!)) await how(fixture, pod);
  await fixture.settle();
}

describe("a pod that is taken away before it is ready, again and again", () => {
  for (const [name, how] of Object.entries(rejections)) {
    test(`${name}: its node waits longer each time, the others do not`, () =>
      withDaemonSets(async (fixture) => {
        await fixture.addNodes(1);
        await fixture.addDaemonSet();
        const results = [await fixture.sync()];
        for (let i = 0; i < 3; i++) {
          await rejectOwned(fixture, how);
          results.push(await fixture.sync());
        }
        expect(results).toEqual(["1/0", "1/0", "1/0", "0/0"]);
        expect(await fixture.cluster.eventsOf("foo")).toContain(
          "Warning PodsRejected daemonset-controller: 3 pods for node node-0 were taken away before they were ready, by somebody else; it waits 1s for the next one",
        );
        await fixture.addNodes(1, { first: 1 });
        expect(await fixture.sync()).toBe("1/0");
        expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 1_000 });
        await fixture.cluster.advance(1_000);
        expect(await fixture.sync()).toBe("1/0");
        await rejectOwned(fixture, how);
        await fixture.sync();
        await fixture.cluster.advance(1_999);
        expect(
          (await fixture.pods()).filter((pod) => targetNodeName(pod) === "node-0" && isOwned(pod)),
        ).toEqual([]);
        await fixture.cluster.advance(1);
        await fixture.sync();
        expect((await fixture.pods()).some((pod) => targetNodeName(pod) === "node-0" && isOwned(pod))).toBe(
          true,
        );
      }));
  }

  test("with surge no new pod is made beside the old one meanwhile", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet({ spec: { updateStrategy: rollingUpdate(0, 1) } });
      await fixture.sync();
      await fixture.markReady();
      await fixture.setImage("foo/bar:2");
      const results: string[] = [];
      for (let i = 0; i < 4; i++) {
        results.push(await fixture.sync());
        for (const pod of await fixture.pods()) {
          if (pod.spec.containers[0]!.image === "foo/bar:2") await rejections["it is deleted"]!(fixture, pod);
        }
        await fixture.settle();
      }
      expect(results).toEqual(["1/0", "1/0", "1/0", "0/0"]);
      expect(await fixture.controller.reconcile("default/foo")).toEqual({ requeueAfterMs: 1_000 });
      await fixture.cluster.advance(1_000);
      expect(await fixture.sync()).toBe("1/0");
    }));

  test("a change of the template is tried at once", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      for (let i = 0; i < 4; i++) {
        await fixture.sync();
        await rejectOwned(fixture);
      }
      expect(await fixture.sync()).toBe("0/0");
      await fixture.setImage("foo/bar:2");
      expect(await fixture.sync()).toBe("1/0");
    }));
});

describe("no wait for", () => {
  test("pods that were ready: a user may delete them as often as he likes", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      for (let i = 0; i < 6; i++) {
        expect(await fixture.sync()).toBe("1/0");
        await fixture.markReady();
        await rejectOwned(fixture);
      }
    }));

  test("pods that have waited to be ready for a minute", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      for (let i = 0; i < 6; i++) {
        expect(await fixture.sync()).toBe("1/0");
        await fixture.cluster.advance(60_000);
        await rejectOwned(fixture);
      }
    }));

  test("pods that we delete ourselves: failed ones have their own back-off", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet();
      for (let i = 0; i < 5; i++) {
        expect(await fixture.sync()).toBe("1/0");
        const [pod] = await fixture.pods();
        await fixture.setStatus(pod!, { phase: "Failed" });
        await fixture.cluster.advance(16_000);
        expect(await fixture.sync()).toBe("0/1");
      }
    }));
});

function isOwned(pod: Pod): boolean {
  return (pod.metadata.ownerReferences ?? []).length > 0;
}
