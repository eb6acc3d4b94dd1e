/**
 * The graph against a naive model: after any sequence of changes the dependents are those that a scan finds, and every
 * object that a change may concern was answered as work.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject, OwnerReference, Resource } from "../../machinery/index.ts";
import { foregroundFinalizer, Graph } from "./graph.ts";

const resource: Resource = {
  group: "",
  version: "v1",
  resource: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};
const uids = ["a", "b", "c", "d", "e", "f"];

const ownerOf = (uid: string, blocks: boolean): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name: uid,
  uid,
  blockOwnerDeletion: blocks,
});

const change = fc.record({
  uid: fc.constantFrom(...uids),
  isRemoval: fc.boolean(),
  isForeground: fc.boolean(),
  owners: fc.uniqueArray(fc.record({ uid: fc.constantFrom(...uids), blocks: fc.boolean() }), {
    maxLength: 3,
    selector: ({ uid }) => uid,
  }),
});

test("dependents equal a scan, and all that a change concerns is looked at", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const graph = new Graph();
      const model = new Map<string, KubeObject>();
      const dependentsOf = (uid: string, onlyBlocking = false): string[] =>
        [...model.values()]
          .filter(({ metadata }) =>
            metadata.ownerReferences?.some(
              (owner) => owner.uid === uid && (!onlyBlocking || owner.blockOwnerDeletion),
            ),
          )
          .map(({ metadata }) => metadata.uid!)
          .toSorted();
      const isWaiting = (uid: string): boolean =>
        model.get(uid)?.metadata.finalizers?.includes(foregroundFinalizer) ?? false;
      for (const { uid, isRemoval, isForeground, owners } of changes) {
        const before = model.get(uid);
        const blockedBefore = uids.filter((other) => dependentsOf(other, true).includes(uid));
        let work: readonly string[];
        if (isRemoval) {
          work = graph.remove(uid);
          model.delete(uid);
          if (before !== undefined)
            for (const dependent of dependentsOf(uid)) expect(work).toContain(`delete/${dependent}`);
        } else {
          const deletion = isForeground
            ? { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [foregroundFinalizer] }
            : {};
          const ownerReferences = owners.map((owner) => ownerOf(owner.uid, owner.blocks));
          const object = { metadata: { name: uid, namespace: "n", uid, ownerReferences, ...deletion } };
          const wasWaiting = isWaiting(uid);
          work = graph.put(resource, object);
          model.set(uid, object);
          const isNew = (owner: { uid: string }): boolean =>
            !before?.metadata.ownerReferences?.some((old) => old.uid === owner.uid);
          if (
            owners.some(
              (owner) =>
                isNew(owner) && (!model.has(owner.uid) || (owner.uid !== uid && isWaiting(owner.uid))),
            )
          ) {
            expect(work).toContain(`delete/${uid}`);
          }
          if (isForeground && !wasWaiting) {
            for (const dependent of [uid, ...dependentsOf(uid)])
              expect(work).toContain(`delete/${dependent}`);
          }
        }
        for (const owner of blockedBefore) {
          const isFree = dependentsOf(owner, true).length === 0;
          if (owner !== uid && isFree && isWaiting(owner)) expect(work).toContain(`delete/${owner}`);
        }
        expect(graph.size).toBe(model.size);
        for (const other of uids) {
          expect([...graph.dependentsOf(other)].map((object) => object.uid).toSorted()).toEqual(
            dependentsOf(other),
          );
          expect(graph.blockingDependents(other)).toBe(dependentsOf(other, true).length);
        }
        const orphans = uids.filter((other) => !model.has(other)).flatMap((other) => dependentsOf(other));
        expect(new Set(graph.withAbsentOwner())).toEqual(new Set(orphans.map((other) => `delete/${other}`)));
      }
    }),
    { numRuns: 300 },
  );
});

test("an update that changes neither owners nor deletion asks for nothing", () => {
  const graph = new Graph();
  const metadata = { name: "x", namespace: "n", uid: "x", ownerReferences: [ownerOf("y", true)] };
  expect(graph.put(resource, { metadata })).toEqual(["delete/x"]);
  expect(
    graph.put(resource, {
      metadata: { ...metadata, ownerReferences: [ownerOf("y", true)], labels: { a: "b" } },
    }),
  ).toEqual([]);
});
