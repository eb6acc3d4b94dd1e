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
        const wasWaiting = isWaiting(uid);
        const ownerReferences = owners.map((owner) => ownerOf(owner.uid, owner.blocks));
        const deletion = isForeground ? { deletionTimestamp: "t", finalizers: [foregroundFinalizer] } : {};
        const metadata = { name: uid, namespace: "n", uid, ownerReferences, ...deletion };
        const work = isRemoval ? graph.remove(uid) : graph.put(resource, { metadata });
        if (isRemoval) model.delete(uid);
        else model.set(uid, { metadata });
        const expected = new Set<string>();
        const isNew = (owner: { uid: string }): boolean =>
          !before?.metadata.ownerReferences?.some((old) => old.uid === owner.uid);
        const isUncertain = (owner: { uid: string }): boolean =>
          !model.has(owner.uid) || (owner.uid !== uid && isWaiting(owner.uid));
        if (isRemoval && before !== undefined) for (const other of dependentsOf(uid)) expected.add(other);
        if (!isRemoval && owners.some((owner) => isNew(owner) && isUncertain(owner))) expected.add(uid);
        if (!isRemoval && isForeground && !wasWaiting) {
          for (const other of [uid, ...dependentsOf(uid)]) expected.add(other);
        }
        for (const owner of blockedBefore) {
          const isFree = dependentsOf(owner, true).length === 0;
          if (owner !== uid && isFree && isWaiting(owner)) expected.add(owner);
        }
        expect(work).toEqual(expect.arrayContaining([...expected].map((other) => `delete/${other}`)));
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
