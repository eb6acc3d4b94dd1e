/** Upstream's controller_ref_manager_test.go, controller_utils_test.go and the consistency store: what other tests do not have. */
import { describe, expect, test } from "vitest";
import { daemonsets, type Pod, pods } from "../../../api/index.ts";
import { createExpectations } from "../../../client/index.ts";
import { expectationsTimeoutMs } from "../../../client/work/expectations.ts";
import { seededRandom, SimulatedClock } from "../../../base/index.ts";
import { controllerOf } from "../../../machinery/index.ts";
import {
  type DaemonSetFixture,
  mismatchedLabels,
  onDelete,
  podLabels,
  withDaemonSets,
} from "../../../testing/daemonset-fixture.ts";
import { foreignPod } from "../../../testing/upstream-cases.ts";

/** Bodies of the patches that the sync sends to pods. */
async function patches(fixture: DaemonSetFixture): Promise<unknown[]> {
  const bodies: unknown[] = [];
  fixture.fault = (verb, resource, body) =>
    void (verb === "patch" && resource === "pods" && bodies.push(body));
  await fixture.sync();
  return bodies;
}

describe("TestClaimPods", () => {
  interface Case {
    readonly name: string;
    arrange(fixture: DaemonSetFixture): Promise<readonly Pod[]>;
    readonly patches: number;
    /** Which of the arranged pods foo has afterwards. */
    readonly claimed: readonly boolean[];
  }
  const beingDeleted = (fixture: DaemonSetFixture): Promise<object> =>
    fixture.cluster.client.delete(
      daemonsets,
      { namespace: "default", name: "foo" },
      { propagationPolicy: "Foreground" },
    );
  const other = { apiVersion: "apps/v1", kind: "DaemonSet", name: "x", uid: "x", controller: true };
  const cases: readonly Case[] = [
    {
      name: "matching orphan and mismatched orphan",
      arrange: async (fixture) => [
        await fixture.addPod("node-0", { isOrphan: true }),
        await fixture.addPod("node-1", { isOrphan: true, labels: mismatchedLabels }),
      ],
      patches: 1,
      claimed: [true, false],
    },
    {
      name: "owner terminating, matching orphan",
      arrange: async (fixture) => {
        const orphan = await fixture.addPod("node-0", { isOrphan: true });
        await beingDeleted(fixture);
        return [orphan];
      },
      patches: 0,
      claimed: [false],
    },
    {
      name: "owner terminating, owned pod and orphan",
      arrange: async (fixture) => {
        const found = [await fixture.addPod("node-0"), await fixture.addPod("node-1", { isOrphan: true })];
        await beingDeleted(fixture);
        return found;
      },
      patches: 0,
      claimed: [true, false],
    },
    {
      name: "pod owned by somebody else",
      arrange: async (fixture) => [
        await foreignPod(fixture, { nodeName: "node-0" }, { labels: podLabels, ownerReferences: [other] }),
      ],
      patches: 0,
      claimed: [false],
    },
    {
      name: "owned pod whose labels no longer match",
      arrange: async (fixture) => [await fixture.addPod("node-0", { labels: mismatchedLabels })],
      patches: 1,
      claimed: [false],
    },
    {
      name: "terminating orphan",
      arrange: async (fixture) => {
        const orphan = await fixture.addPod("node-0", { isOrphan: true, grace: 30 });
        await fixture.cluster.client.delete(pods, { namespace: "default", name: orphan.metadata.name! });
        return [orphan];
      },
      patches: 0,
      claimed: [false],
    },
    {
      name: "pod in another namespace",
      arrange: async (fixture) => [
        await foreignPod(fixture, { nodeName: "node-0" }, { namespace: "kube-system", labels: podLabels }),
      ],
      patches: 0,
      claimed: [false],
    },
  ];
  for (const { name, arrange, patches: count, claimed } of cases) {
    test(`TestClaimPods: ${name}`, () =>
      withDaemonSets(async (fixture) => {
        const { metadata } = await fixture.addDaemonSet({ spec: { updateStrategy: onDelete } });
        await fixture.currentHash();
        const arranged = await arrange(fixture);
        await fixture.settle();
        expect(await patches(fixture)).toHaveLength(count);
        const owners = await Promise.all(
          arranged.map(async (pod) => {
            const { name: podName, namespace } = pod.metadata;
            return controllerOf((await fixture.cluster.find(pods, podName!, namespace)) ?? pod)?.uid;
          }),
        );
        expect(owners.map((uid) => uid === metadata.uid)).toEqual(claimed);
      }));
  }
});

test("TestGeneratePatchBytesForDelete: the pod's UID, the owner's UID to delete, nothing of other owners", () =>
  withDaemonSets(async (fixture) => {
    const { metadata } = await fixture.addDaemonSet();
    await fixture.currentHash();
    const pod = await fixture.addPod("node-0", { labels: mismatchedLabels });
    const second = { apiVersion: "v1", kind: "ConfigMap", name: "second", uid: "second" };
    const references = [...pod.metadata.ownerReferences!, second];
    await fixture.cluster.client.patch(
      pods,
      { namespace: "default", name: pod.metadata.name! },
      {
        type: "merge",
        body: { metadata: { ownerReferences: references, finalizers: ["example.com/keep"] } },
      },
    );
    await fixture.settle();
    expect(await patches(fixture)).toEqual([
      {
        metadata: {
          uid: pod.metadata.uid,
          ownerReferences: [{ $patch: "delete", uid: metadata.uid }],
        },
      },
    ]);
    const [released] = await fixture.pods();
    expect(released!.metadata).toMatchObject({ ownerReferences: [second], finalizers: ["example.com/keep"] });
  }));

test("TestControllerExpectations: unfulfilled until all is seen, set again overwrites, old ones count as fulfilled", async () => {
  const clock = new SimulatedClock();
  const expectations = createExpectations({ clock });
  const uids = Array.from({ length: 30 }, (_, i) => `u${i}`);
  expectations.expectCreations("k", 10);
  expectations.expectDeletions("k", uids);
  for (let i = 0; i < 11; i++) expectations.creationObserved("k", `p${i}`);
  expect(expectations.satisfied("k")).toBe(false);
  for (const uid of [...uids, "u-extra"]) expectations.deletionObserved("k", uid);
  expect(expectations.satisfied("k")).toBe(true);
  expectations.expectCreations("k", 1);
  expectations.expectDeletions("k", ["a", "b"]);
  expect(expectations.satisfied("k")).toBe(false);
  await clock.advance(expectationsTimeoutMs + 1);
  expect(expectations.satisfied("k")).toBe(true);
});

test("TestUIDExpectations: each of four keys waits for its own five deletions, in any order", () => {
  const expectations = createExpectations({ clock: new SimulatedClock() });
  const random = seededRandom(7);
  const keys = ["a", "b", "c", "d"];
  const waiting = keys.flatMap((key) => [0, 1, 2, 3, 4].map((i) => ({ key, uid: `${key}-${i}` })));
  for (const key of keys) {
    expectations.expectDeletions(
      key,
      waiting.filter((item) => item.key === key).map(({ uid }) => uid),
    );
  }
  while (waiting.length > 0) {
    const [{ key, uid } = { key: "", uid: "" }] = waiting.splice(
      Math.floor(random.next() * waiting.length),
      1,
    );
    expect(expectations.satisfied(key)).toBe(false);
    expectations.deletionObserved(key, uid);
    expect(expectations.satisfied(key)).toBe(!waiting.some((item) => item.key === key));
  }
  expectations.delete("a");
  expect(expectations.satisfied("a")).toBe(true);
});

test("consistency store: a record is dropped for the same key only, and a new UID replaces it", () =>
  withDaemonSets(async (fixture) => {
    const seen = (): string => "5";
    const behind = (name: string): string | undefined =>
      fixture.controller.tracked(`default/${name}`)!.writes.behind(seen);
    await fixture.addDaemonSet();
    await fixture.addDaemonSet({}, "other");
    for (const name of ["foo", "other"])
      fixture.controller.tracked(`default/${name}`)!.writes.written("pods", "6");
    await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "other" });
    await fixture.settle();
    expect(fixture.controller.tracked("default/other")).toBeUndefined();
    expect(behind("foo")).toBe("pods");
    await fixture.cluster.client.delete(daemonsets, { namespace: "default", name: "foo" });
    await fixture.addDaemonSet();
    expect(behind("foo")).toBeUndefined();
  }));
