/** Properties of the cluster picture: counts equal a recount whatever happened, and no node is ever given too much. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pod } from "../api/index.ts";
import { seededRandom } from "../base/index.ts";
import { makeNode, makePod } from "../testing/cluster-objects.ts";
import { ClusterState } from "./cluster-state.ts";
import { factsOf } from "./pod-facts.ts";
import { Selector } from "./select.ts";

const names = ["a", "b", "c", "d"];

type Step =
  | { readonly do: "schedule"; readonly pod: Pod }
  | { readonly do: "remove"; readonly index: number }
  | { readonly do: "node"; readonly name: string; readonly cpu: number; readonly pods: number }
  | { readonly do: "drop-node"; readonly name: string };

let serial = 0;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ cpu: fc.integer({ min: 0, max: 3 }), port: fc.integer({ min: 0, max: 3 }) })
      .map(({ cpu, port }): Step => {
        const ports = port === 0 ? [] : [{ containerPort: 1, hostPort: port }];
        const resources = { requests: { cpu: `${cpu}` } };
        const pod = makePod(`p${serial++}`, { spec: { containers: [{ name: "c", ports, resources }] } });
        return { do: "schedule", pod };
      }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("remove" as const), index: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("node" as const),
      name: fc.constantFrom(...names),
      cpu: fc.integer({ min: 1, max: 6 }),
      pods: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("drop-node" as const), name: fc.constantFrom(...names) }),
  },
);

test("no node is given more cpu, pods or host ports than it has at that moment; counts equal a recount", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
      const cluster = new ClusterState();
      const selector = new Selector(cluster, seededRandom(seed));
      const bound = new Map<string, { readonly pod: Pod; readonly node: string }>();
      const nodes = new Map<string, { readonly cpu: number; readonly pods: number }>();
      const on = (node: string): Pod[] =>
        [...bound.values()].filter((entry) => entry.node === node).map(({ pod }) => pod);
      const cpuOf = (pod: Pod): number => Number(pod.spec.containers[0]!.resources!.requests!["cpu"]);
      const portOf = (pod: Pod): number => pod.spec.containers[0]!.ports![0]?.hostPort ?? 0;
      const answers: boolean[] = [];
      for (const one of steps) {
        if (one.do === "schedule") {
          const facts = factsOf(one.pod);
          const { node } = selector.choose({ pod: one.pod, facts });
          const fits = [...nodes].filter(([name, room]) => {
            const there = on(name);
            const cpu = there.reduce((sum, pod) => sum + cpuOf(pod), cpuOf(one.pod));
            const isPortFree = portOf(one.pod) === 0 || !there.some((pod) => portOf(pod) === portOf(one.pod));
            const isCpuFine = cpuOf(one.pod) === 0 || cpu <= room.cpu;
            return there.length < room.pods && isCpuFine && isPortFree;
          });
          const names = fits.map(([name]) => name);
          answers.push(node === undefined ? names.length === 0 : names.includes(node));
          if (node !== undefined) {
            cluster.addPod(facts, node);
            bound.set(facts.uid, { pod: one.pod, node });
          }
        } else if (one.do === "remove") {
          const uid = [...bound.keys()][one.index] ?? "nobody";
          answers.push(cluster.removePod(uid) === bound.get(uid)?.node);
          bound.delete(uid);
        } else if (one.do === "node") {
          nodes.set(one.name, one);
          cluster.setNode(
            makeNode(one.name, {
              status: { allocatable: { cpu: `${one.cpu}`, pods: `${one.pods}`, memory: "1Gi" } },
            }),
          );
        } else {
          nodes.delete(one.name);
          cluster.removeNode(one.name);
        }
        for (const name of nodes.keys()) {
          const state = cluster.node(name)!;
          expect(state.pods).toBe(on(name).length);
          expect(state.used("cpu")).toBe(on(name).reduce((sum, pod) => sum + 1000 * cpuOf(pod), 0));
        }
        expect(cluster.nodeCount).toBe(nodes.size);
        expect(answers.every(Boolean)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});
