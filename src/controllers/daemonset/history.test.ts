/**
 * Revisions: pure tables first, then upstream's update_test.go and the rules of docs/spec/daemonset-controller.md#13 on
 * the real API server.
 */
import { describe, expect, test } from "vitest";
import {
  type ControllerRevision,
  controllerrevisions,
  daemonsets,
  type PodTemplateSpec,
} from "../../api/index.ts";
import { encodeJson, isAlreadyExists } from "../../machinery/index.ts";
import { withDaemonSets } from "../../testing/daemonset-fixture.ts";
import { hashLabel } from "./facts.ts";
import { expiredRevisions, templateHash, templatePatch, viewHistory } from "./history.ts";
import { newRevision } from "./revisions.ts";
import { comparableData } from "./template-meaning.ts";

const template = (image: string, more: object = {}): PodTemplateSpec => ({
  metadata: { labels: { app: "x" } },
  spec: { containers: [{ name: "main", image, ...more }] },
});

function revision(name: string, number: number, image = name): ControllerRevision {
  return {
    metadata: { name, labels: { [hashLabel]: name } },
    data: templatePatch(template(image)),
    revision: number,
  };
}

describe("data", () => {
  test("is a patch in Go's bytes: keys sorted, `$patch` first, markup escaped, integer-like keys by text", () => {
    const labels = { "10": "a", "9": "b", B: "c", a: "<&>" };
    expect(templatePatch({ metadata: { labels }, spec: { containers: [] } }).text).toBe(
      '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"10":"a","9":"b","B":"c","a":"\\u003c\\u0026\\u003e"}},"spec":{"containers":[]}}}}',
    );
  });
});

test("TestComputeHash: another collision count gives another hash, in upstream's alphabet", () => {
  const hashes = [undefined, 0, 1, 2, 2 ** 31 - 1].map((count) => templateHash(template("a"), count));
  expect(new Set(hashes).size).toBe(5);
  for (const hash of hashes) expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  expect(templateHash(template("a"), 1)).toBe(hashes[2]);
});

test("the view: current by content with the highest number, duplicates, old ones, the number to have", () => {
  const revisions = [revision("a", 1), revision("b", 2, "same"), revision("c", 5, "same"), revision("d", 3)];
  const comparable = (item: ControllerRevision): string => comparableData(item.data);
  const view = viewHistory(revisions, comparableData(templatePatch(template("same"))), comparable);
  expect(view.current?.metadata.name).toBe("c");
  expect(view.duplicates.map(({ metadata }) => metadata.name)).toEqual(["b"]);
  expect(view.old.map(({ metadata }) => metadata.name)).toEqual(["a", "d"]);
  expect(view.revision).toBe(4);
});

test("clean-up takes the oldest beyond the limit and passes over those with living pods (#13.6)", () => {
  const old = [revision("c", 3), revision("a", 1), revision("b", 2), revision("d", 4)];
  const names = (limit: number, inUse: readonly string[]): (string | undefined)[] =>
    expiredRevisions(old, limit, (hash) => inUse.includes(hash)).map(({ metadata }) => metadata.name);
  expect(names(10, [])).toEqual([]);
  expect(names(2, [])).toEqual(["a", "b"]);
  expect(names(2, ["a"])).toEqual(["b", "c"]);
  expect(names(0, ["a", "b", "c"])).toEqual(["d"]);
});

describe("on the server", () => {
  test("a template change makes revision 2; going back renumbers the first one and restarts nothing that still runs it", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(3);
      await fixture.addDaemonSet();
      await fixture.sync();
      await fixture.markReady();
      const before = await fixture.ownedNames();
      const [first] = await fixture.revisions();
      await fixture.setImage("foo/bar:2");
      expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
      await fixture.setImage("foo/bar");
      expect([await fixture.sync(), await fixture.sync()]).toEqual(["0/1", "1/0"]);
      const revisions = await fixture.revisions();
      expect(revisions.map(({ revision: number }) => number)).toEqual([2, 3]);
      expect(revisions[1]!.metadata.name).toBe(first!.metadata.name);
      expect(encodeJson(revisions[1]!.data)).toBe(encodeJson(first!.data));
      const kept = (await fixture.ownedNames()).filter((name) => before.includes(name));
      expect(kept).toHaveLength(2);
    }));

  test("a revision carries the template's labels, the hash, the DaemonSet's annotations and one owner", () =>
    withDaemonSets(async (fixture) => {
      const created = await fixture.addDaemonSet();
      await fixture.cluster.client.update(daemonsets, {
        ...created,
        metadata: {
          ...created.metadata,
          annotations: { ...created.metadata.annotations, "kubernetes.io/change-cause": "first" },
        },
      });
      await fixture.settle();
      const hash = await fixture.currentHash();
      const [made] = await fixture.revisions();
      expect(made!.metadata.name).toBe(`foo-${hash}`);
      expect(made!.metadata.labels).toEqual({ name: "simple-daemon", type: "production", [hashLabel]: hash });
      expect(made!.metadata.annotations?.["kubernetes.io/change-cause"]).toBe("first");
      expect(made!.metadata.ownerReferences).toEqual([
        {
          apiVersion: "apps/v1",
          kind: "DaemonSet",
          name: "foo",
          uid: created.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ]);
    }));

  test("TestDSCUpdatesPodLabelAfterDedupCurHistories: one of two equal revisions goes, and only its pods are relabelled (#23.6)", () =>
    withDaemonSets(async (fixture) => {
      const daemonSet = await fixture.addDaemonSet({ spec: { updateStrategy: { type: "OnDelete" } } });
      const hash = await fixture.currentHash();
      const copy = newRevision(daemonSet, 7);
      await fixture.cluster.client.create(controllerrevisions, {
        ...copy,
        metadata: {
          ...copy.metadata,
          name: "foo-copy",
          labels: { ...copy.metadata.labels, [hashLabel]: "copy" },
        },
      });
      await fixture.addPod("node-0", { hash });
      await fixture.addPod("node-1", { hash: "ancient" });
      await fixture.sync();
      expect((await fixture.revisions()).map(({ metadata }) => metadata.name)).toEqual(["foo-copy"]);
      const labels = (await fixture.pods()).map((pod) => pod.metadata.labels?.[hashLabel]);
      expect(labels).toEqual(["copy", "ancient"]);
    }));

  test("TestLaunchWithHashCollision: the count goes up, that sync fails, the next one makes another name", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      const daemonSet = await fixture.addDaemonSet();
      const clash = newRevision(daemonSet, 1);
      await fixture.cluster.client.create(controllerrevisions, {
        ...clash,
        metadata: { ...clash.metadata, ownerReferences: [], labels: { other: "labels" } },
        data: { spec: { template: { other: true } } },
      });
      await fixture.settle();
      const error: unknown = await fixture.sync().catch((failure: unknown) => failure);
      expect(isAlreadyExists(error)).toBe(true);
      await fixture.settle();
      expect((await fixture.get()).status?.collisionCount).toBe(1);
      expect(await fixture.sync()).toBe("1/0");
      expect((await fixture.get()).status?.collisionCount).toBe(1);
      expect(await fixture.revisions()).toHaveLength(2);
    }));

  test("TestControlledHistories, and a label that is missing is the revision's own name (#13.4)", () =>
    withDaemonSets(async (fixture) => {
      const daemonSet = await fixture.addDaemonSet();
      await fixture.currentHash();
      const made = newRevision(daemonSet, 1);
      const { [hashLabel]: _hash, ...labels } = made.metadata.labels!;
      const bare = {
        ...made,
        metadata: { name: "foo-orphan", namespace: "default", labels },
        data: { spec: { template: { old: true } } },
      };
      fixture.enqueued();
      await fixture.cluster.client.create(controllerrevisions, bare);
      await fixture.settle();
      expect(fixture.enqueued()).toEqual(["default/foo"]);
      await fixture.sync();
      const orphan = (await fixture.revisions()).find(({ metadata }) => metadata.name === "foo-orphan")!;
      expect(orphan.metadata.ownerReferences).toMatchObject([{ name: "foo", controller: true }]);
      await fixture.settle();
      await fixture.sync();
      const labelled = (await fixture.revisions()).find(({ metadata }) => metadata.name === "foo-orphan")!;
      expect(labelled.metadata.labels?.[hashLabel]).toBe("foo-orphan");
    }));

  test("limit 0 keeps what pods still run (#13.6)", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet({ spec: { revisionHistoryLimit: 0, updateStrategy: { type: "OnDelete" } } });
      await fixture.sync();
      await fixture.setImage("foo/bar:2");
      await fixture.sync();
      await fixture.setImage("foo/bar:3");
      await fixture.sync();
      expect((await fixture.revisions()).map(({ revision: number }) => number)).toEqual([1, 3]);
    }));

  test("history beyond revisionHistoryLimit goes once its pods are gone", () =>
    withDaemonSets(async (fixture) => {
      await fixture.addNodes(1);
      await fixture.addDaemonSet({ spec: { revisionHistoryLimit: 1 } });
      await fixture.sync();
      for (const image of ["2", "3", "4"]) {
        await fixture.markReady();
        await fixture.setImage(`foo/bar:${image}`);
        await fixture.sync();
        await fixture.sync();
      }
      await fixture.sync();
      expect((await fixture.revisions()).map(({ revision: number }) => number)).toEqual([3, 4]);
    }));
});
