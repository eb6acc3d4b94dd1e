/**
 * Ownership against the real server: adoption, claim patches, and the node of a pod whose affinity somebody edited.
 * Not here: the table of decisions (claim.test.ts).
 * Invariants and rules by number: docs/spec/invariants.md, docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import { controllerrevisions, daemonsets, pods } from "../../api/index.ts";
import { controllerOf, type KubeObject } from "../../machinery/index.ts";
import { withDaemonSets, onDelete } from "../../testing/daemonset-fixture.ts";

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

test("claim patches carry the pod's UID, so that a recreated pod of the same name is left alone (#6.3, #6.4)", () =>
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

test("pods whose affinity somebody edits are remembered by the node they were made for (#23.20)", () =>
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
