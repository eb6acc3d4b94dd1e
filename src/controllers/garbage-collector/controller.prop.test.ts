/**
 * The collector against a naive model of upstream's rules, on random graphs and the real API server: what is left in the
 * end is what a fixed point over owners leaves, and nothing with a living owner was ever deleted (I12).
 * Invariants by number: docs/spec/invariants.md.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ConfigMap, configmaps } from "../../api/index.ts";
import type { OwnerReference } from "../../machinery/index.ts";
import { withCluster } from "../../testing/cluster.ts";
import { createGarbageCollector } from "./index.ts";

type Policy = "Background" | "Foreground" | "Orphan";

const count = 7;
const world = fc.record({
  /** For each object the indexes of its owners; only earlier ones, so that they can be created in order. */
  owners: fc.array(fc.uniqueArray(fc.nat(count - 1), { maxLength: 3 }), {
    minLength: count,
    maxLength: count,
  }),
  blocks: fc.boolean(),
  deletions: fc.uniqueArray(
    fc.record({
      index: fc.nat(count - 1),
      policy: fc.constantFrom<Policy>("Background", "Foreground", "Orphan"),
    }),
    { maxLength: 3, selector: ({ index }) => index },
  ),
  isBeforeStart: fc.boolean(),
});

/** Which objects stay: those never deleted that have no owner references, a living owner, or lost one to orphaning. */
function survivors(
  owners: readonly (readonly number[])[],
  deletions: readonly { index: number; policy: Policy }[],
): number[] {
  const alive = new Set(owners.keys());
  let references = owners.map((list, i) => new Set(list.filter((owner) => owner < i)));
  for (const { index, policy } of deletions) {
    if (!alive.delete(index)) continue;
    if (policy === "Orphan") references.forEach((list) => list.delete(index));
    for (let isChanged = true; isChanged;) {
      isChanged = false;
      for (const i of alive) {
        const list = references[i]!;
        if (list.size === 0 || [...list].some((owner) => alive.has(owner))) continue;
        alive.delete(i);
        isChanged = true;
      }
    }
    references = references.map((list) => new Set([...list].filter((owner) => alive.has(owner))));
  }
  return [...alive].toSorted((a, b) => a - b);
}

test("what is left is what the rules leave", async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ owners, blocks, deletions, isBeforeStart }) => {
      await withCluster(async (cluster) => {
        const collector = createGarbageCollector(cluster.dependencies("garbage-collector-controller"));
        if (!isBeforeStart) await cluster.start(collector);
        const made: ConfigMap[] = [];
        for (const [i, list] of owners.entries()) {
          const ownerReferences = list
            .filter((owner) => owner < i)
            .map((owner): OwnerReference => {
              const { name = "", uid = "" } = made[owner]!.metadata;
              return { apiVersion: "v1", kind: "ConfigMap", name, uid, blockOwnerDeletion: blocks };
            });
          made.push(
            await cluster.client.create(configmaps, {
              metadata: { name: `o${i}`, namespace: "default", ownerReferences },
            }),
          );
        }
        if (isBeforeStart) await cluster.start(collector);
        for (const { index, policy } of deletions) {
          if ((await cluster.find(configmaps, `o${index}`, "default")) !== undefined) {
            await cluster.client.delete(
              configmaps,
              { name: `o${index}`, namespace: "default" },
              { propagationPolicy: policy },
            );
          }
          await cluster.advance(2000);
        }
        const left = (await cluster.client.list(configmaps, { namespace: "default" })).items.map(
          ({ metadata }) => metadata.name,
        );
        expect(left.toSorted()).toEqual(survivors(owners, deletions).map((i) => `o${i}`));
        expect(cluster.complaints).toEqual([]);
      });
    }),
    { numRuns: 25 },
  );
}, 60_000);
