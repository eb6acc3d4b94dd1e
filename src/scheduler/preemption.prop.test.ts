/** Properties of preemption: nobody goes in vain, nobody goes for an equal, and help that exists is seen. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pod } from "../api/index.ts";
import { makeNode, makePod } from "../testing/cluster-objects.ts";
import { ClusterState } from "./cluster-state.ts";
import { rejectionOf } from "./filters.ts";
import { factsOf } from "./pod-facts.ts";
import { planPreemption } from "./preemption.ts";

const names = ["a", "b", "c"];
interface Given {
  readonly cpu: number;
  readonly priority: number;
  readonly port: number;
  readonly node: string;
}

const given: fc.Arbitrary<Given> = fc.record({
  cpu: fc.integer({ min: 0, max: 3 }),
  priority: fc.integer({ min: -1, max: 3 }),
  port: fc.integer({ min: 0, max: 3 }),
  node: fc.constantFrom(...names),
});

function podOf({ cpu, priority, port }: Given, name: string): Pod {
  const ports = port === 0 ? [] : [{ containerPort: 1, hostPort: port }];
  const resources = { requests: { cpu: `${cpu}` } };
  return makePod(name, { spec: { priority, containers: [{ name: "c", ports, resources }] } });
}

/** The picture with these pods and promises, made anew. */
function clusterOf(there: ReadonlyMap<Pod, string>, promised: ReadonlyMap<Pod, string>): ClusterState {
  const cluster = new ClusterState();
  for (const name of names) {
    const allocatable = { cpu: "4", memory: "1Gi", pods: "5" };
    cluster.setNode(makeNode(name, { status: { allocatable } }));
  }
  for (const [pod, node] of there) cluster.addPod(factsOf(pod), node);
  for (const [pod, node] of promised) cluster.nominate(factsOf(pod), node);
  return cluster;
}

test("after the victims went the pod fits, none of them could be spared, and all count less; else nothing would have helped", () => {
  fc.assert(
    fc.property(
      fc.array(given, { maxLength: 14 }),
      fc.array(given, { maxLength: 3 }),
      given,
      (bound, nominations, wanted) => {
        const there = new Map(bound.map((one, at) => [podOf(one, `p${at}`), one.node]));
        const promised = new Map(nominations.map((one, at) => [podOf(one, `n${at}`), one.node]));
        const byKey = new Map([...there.keys()].map((pod) => [factsOf(pod).key, pod]));
        const pod = podOf(wanted, "wanted");
        const candidate = { pod, facts: factsOf(pod) };
        const cluster = clusterOf(there, promised);
        const rejections = names.map((name) => rejectionOf(candidate, cluster.node(name)!));
        fc.pre(rejections.every((rejection) => rejection !== undefined));
        const resolvable = names.filter((_name, at) => rejections[at]!.isResolvable);
        const suits = (node: string, gone: ReadonlySet<Pod>): boolean => {
          const left = new Map([...there].filter(([other]) => !gone.has(other)));
          return rejectionOf(candidate, clusterOf(left, promised).node(node)!) === undefined;
        };
        const lower = (node: string): Pod[] =>
          [...there]
            .filter(([other, at]) => at === node && other.spec.priority! < wanted.priority)
            .map(([other]) => other);
        const states = resolvable.map((name) => cluster.node(name)!);
        const surroundings = { budgets: [], nowMs: 0, podOf: ({ key }: { key: string }) => byKey.get(key) };
        const preemption = planPreemption(candidate, states, surroundings);
        if (preemption.do !== "preempt") {
          expect(resolvable.filter((name) => suits(name, new Set(lower(name))))).toEqual([]);
          return;
        }
        const { node, victims } = preemption;
        expect(victims.length).toBeGreaterThan(0);
        for (const victim of victims) expect(lower(node)).toContain(victim);
        expect(suits(node, new Set(victims))).toBe(true);
        for (const victim of victims)
          expect(suits(node, new Set(victims.filter((other) => other !== victim)))).toBe(false);
        // What was asked is as it was before.
        expect(names.map((name) => rejectionOf(candidate, cluster.node(name)!))).toEqual(rejections);
      },
    ),
    { numRuns: 500 },
  );
});
