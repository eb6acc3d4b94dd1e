/** Placement: upstream's cases for one node, matching of affinity and tolerations. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Node, NodeSelectorRequirement, PodSpec, Taint, Toleration } from "../generated/types.gen.ts";
import {
  daemonTolerations,
  findPlacementObstacles,
  matchesNodeAffinity,
  mayStayDespite,
  nodeShouldRunDaemonPod,
  type PlacementObstacle,
  toleratesTaint,
} from "./placement.ts";

const container = { name: "c", image: "i" };

function node(
  changes: {
    readonly labels?: Record<string, string>;
    readonly taints?: Taint[];
    readonly unschedulable?: boolean;
  } = {},
): Node {
  const { labels = {}, ...spec } = changes;
  return { metadata: { name: "test-node", labels }, spec };
}

function spec(changes: Partial<PodSpec> = {}): PodSpec {
  return { containers: [container], ...changes };
}

function required(...matchExpressions: NodeSelectorRequirement[]): Partial<PodSpec> {
  const terms = { nodeSelectorTerms: [{ matchExpressions }] };
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } };
}

describe("TestNodeShouldRunDaemonPod", () => {
  const requests = { resources: { requests: { cpu: "1000", memory: "1Ti" } } };
  const labelled = { type: "production" };
  const wanted = { key: "type", operator: "In", values: ["test"] };
  test.each<[string, PodSpec, Node, boolean, boolean]>([
    ["normal", spec(), node(), true, true],
    [
      "insufficient free resources",
      spec({ containers: [{ ...container, ...requests }] }),
      node(),
      true,
      true,
    ],
    ["other nodeName", spec({ nodeName: "other-node" }), node(), false, false],
    [
      "host port taken by a foreign pod",
      spec({ containers: [{ ...container, ports: [{ containerPort: 80, hostPort: 80 }] }] }),
      node(),
      true,
      true,
    ],
    [
      "insufficient with a foreign pod",
      spec({ containers: [{ ...container, ...requests }] }),
      node(),
      true,
      true,
    ],
    [
      "node selector mismatch",
      spec({ nodeSelector: { type: "test" } }),
      node({ labels: labelled }),
      false,
      false,
    ],
    [
      "node selector match",
      spec({ nodeSelector: { type: "production" } }),
      node({ labels: labelled }),
      true,
      true,
    ],
    ["affinity mismatch", spec(required(wanted)), node({ labels: labelled }), false, false],
    [
      "affinity match",
      spec(required({ ...wanted, values: ["test", "production"] })),
      node({ labels: labelled }),
      true,
      true,
    ],
    ["node unschedulable", spec(), node({ unschedulable: true }), true, true],
  ])("%s", (_name, template, at, shouldRun, shouldContinue) => {
    expect(nodeShouldRunDaemonPod(template, at)).toEqual({ shouldRun, shouldContinue });
  });
});

describe("taints", () => {
  const taint = (key: string, effect: string): Taint => ({ key, effect });
  test.each<[string, Taint[], Partial<PodSpec>, boolean, boolean]>([
    ["NoSchedule keeps what is there", [taint("a", "NoSchedule")], {}, false, true],
    ["NoExecute ends it", [taint("a", "NoExecute")], {}, false, false],
    ["PreferNoSchedule is nothing", [taint("a", "PreferNoSchedule")], {}, true, true],
    ["a toleration helps", [taint("a", "NoExecute")], { tolerations: [{ operator: "Exists" }] }, true, true],
    [
      "not-ready NoExecute is tolerated",
      [taint("node.kubernetes.io/not-ready", "NoExecute")],
      {},
      true,
      true,
    ],
    ["not-ready NoSchedule is not", [taint("node.kubernetes.io/not-ready", "NoSchedule")], {}, false, true],
    ["cordoned is tolerated", [taint("node.kubernetes.io/unschedulable", "NoSchedule")], {}, true, true],
    [
      "network-unavailable only with the host's network",
      [taint("node.kubernetes.io/network-unavailable", "NoSchedule")],
      {},
      false,
      true,
    ],
    [
      "and with it",
      [taint("node.kubernetes.io/network-unavailable", "NoSchedule")],
      { hostNetwork: true },
      true,
      true,
    ],
  ])("%s", (_name, taints, changes, shouldRun, shouldContinue) => {
    expect(nodeShouldRunDaemonPod(spec(changes), node({ taints }))).toEqual({ shouldRun, shouldContinue });
  });
});

describe("node affinity", () => {
  const at = node({ labels: { zone: "a", size: "10" } });
  test.each<[NodeSelectorRequirement, boolean]>([
    [{ key: "zone", operator: "In", values: ["a", "b"] }, true],
    [{ key: "zone", operator: "NotIn", values: ["a"] }, false],
    [{ key: "absent", operator: "NotIn", values: ["a"] }, true],
    [{ key: "absent", operator: "NotIn", values: ["no label value!"] }, false],
    [{ key: "constructor", operator: "Exists" }, false],
    [{ key: "zone", operator: "Exists" }, true],
    [{ key: "absent", operator: "DoesNotExist" }, true],
    [{ key: "zone", operator: "DoesNotExist" }, false],
    [{ key: "size", operator: "Gt", values: ["9"] }, true],
    [{ key: "size", operator: "Lt", values: ["9"] }, false],
    [{ key: "zone", operator: "Gt", values: ["9"] }, false],
    [{ key: "absent", operator: "Lt", values: ["9"] }, false],
    [{ key: "zone", operator: "In", values: [] }, false],
    [{ key: "zone", operator: "Within", values: ["a"] }, false],
  ])("%j is %s", (requirement, expected) => {
    expect(matchesNodeAffinity(spec(required(requirement)), at)).toBe(expected);
  });

  const withTerms = (
    nodeSelectorTerms: NonNullable<
      NonNullable<
        NonNullable<PodSpec["affinity"]>["nodeAffinity"]
      >["requiredDuringSchedulingIgnoredDuringExecution"]
    >["nodeSelectorTerms"],
  ): PodSpec =>
    spec({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    });
  test.each<[string, PodSpec, boolean]>([
    ["no terms match nothing", withTerms([]), false],
    ["an empty term matches nothing", withTerms([{}]), false],
    ["terms are ORed", withTerms([{}, { matchExpressions: [{ key: "zone", operator: "Exists" }] }]), true],
    [
      "fields name the node",
      withTerms([{ matchFields: [{ key: "metadata.name", operator: "In", values: ["test-node"] }] }]),
      true,
    ],
    [
      "fields exclude the node",
      withTerms([{ matchFields: [{ key: "metadata.name", operator: "NotIn", values: ["test-node"] }] }]),
      false,
    ],
    [
      "fields of two values are no fields",
      withTerms([{ matchFields: [{ key: "metadata.name", operator: "In", values: ["test-node", "b"] }] }]),
      false,
    ],
    [
      "expressions and fields both hold",
      withTerms([
        {
          matchExpressions: [{ key: "zone", operator: "DoesNotExist" }],
          matchFields: [{ key: "metadata.name", operator: "In", values: ["test-node"] }],
        },
      ]),
      false,
    ],
  ])("%s", (_name, template, expected) => {
    expect(matchesNodeAffinity(template, at)).toBe(expected);
  });
});

test.each<[Toleration, Taint, boolean]>([
  [{ operator: "Exists" }, { key: "a", effect: "NoSchedule" }, true],
  [{ key: "a", operator: "Exists", effect: "NoExecute" }, { key: "a", effect: "NoSchedule" }, false],
  [{ key: "a", value: "1" }, { key: "a", value: "1", effect: "NoSchedule" }, true],
  [{ key: "a", operator: "Equal", value: "1" }, { key: "a", value: "2", effect: "NoSchedule" }, false],
  [{ key: "a", operator: "Equal" }, { key: "a", effect: "NoSchedule" }, true],
  [{ key: "b", operator: "Exists" }, { key: "a", effect: "NoSchedule" }, false],
  [{ key: "a", operator: "Gt", value: "5" }, { key: "a", value: "6", effect: "NoSchedule" }, true],
  [{ key: "a", operator: "Sometimes" }, { key: "a", effect: "NoSchedule" }, false],
])("toleration %j of taint %j: %s", (toleration, taint, expected) => {
  expect(toleratesTaint(toleration, taint)).toBe(expected);
});

test("default tolerations replace equal ones in place, without their seconds, and come after others", () => {
  const mine: Toleration = {
    key: "node.kubernetes.io/not-ready",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 60,
  };
  const equal: Toleration = {
    key: "node.kubernetes.io/unreachable",
    operator: "Equal",
    value: "",
    effect: "NoExecute",
  };
  const { tolerationSeconds: _gone, ...replaced } = mine;
  const result = daemonTolerations(spec({ tolerations: [equal, mine] }));
  expect(result.slice(0, 3)).toEqual([
    equal,
    replaced,
    { ...replaced, key: "node.kubernetes.io/unreachable" },
  ]);
  expect(result.map((toleration) => toleration.key?.split("/")[1])).toEqual([
    "unreachable",
    "not-ready",
    "unreachable",
    "disk-pressure",
    "memory-pressure",
    "pid-pressure",
    "unschedulable",
  ]);
});

describe("obstacles", () => {
  const all = (template: PodSpec, at: Node): PlacementObstacle[] => {
    const found: PlacementObstacle[] = [];
    const tolerations = daemonTolerations(template);
    findPlacementObstacles({ spec: template, tolerations }, at, (obstacle) => found.push(obstacle) === 0);
    return found;
  };
  const busy = { key: "busy", effect: "NoSchedule" };
  const broken = { key: "broken", effect: "NoExecute" };
  const template = spec({
    nodeName: "other-node",
    nodeSelector: { disk: "ssd", zone: "a", arch: "arm" },
    ...required({ key: "gpu", operator: "Exists", values: [] }),
    tolerations: [{ key: "old", operator: "Exists" }],
  });
  const at = node({
    labels: { zone: "b", arch: "arm" },
    taints: [busy, { key: "old", effect: "NoExecute" }, broken, { key: "slow", effect: "PreferNoSchedule" }],
  });

  test("all of them are told, in order, with what was wanted and found", () => {
    expect(all(template, at)).toEqual([
      { why: "NodeNameMismatch", wanted: "other-node" },
      { why: "SelectorMismatch", key: "disk", wanted: "ssd", found: undefined },
      { why: "SelectorMismatch", key: "zone", wanted: "a", found: "b" },
      {
        why: "AffinityMismatch",
        terms: [{ matchExpressions: [{ key: "gpu", operator: "Exists", values: [] }] }],
      },
      { why: "UntoleratedTaint", taint: busy },
      { why: "UntoleratedTaint", taint: broken },
    ]);
  });

  test("whoever has heard enough is told of no further ones", () => {
    const told: string[] = [];
    findPlacementObstacles({ spec: template, tolerations: [] }, at, ({ why }) => told.push(why) === 2);
    expect(told).toEqual(["NodeNameMismatch", "SelectorMismatch"]);
  });

  test("only a taint that keeps new pods away lets a pod stay that is there", () => {
    expect(all(template, at).map(mayStayDespite)).toEqual([false, false, false, false, true, false]);
  });

  test("the two answers follow from the obstacles, for any template and node", () => {
    const key = fc.constantFrom("a", "b", "toString");
    const labels = fc.dictionary(key, fc.constantFrom("1", "2"), { maxKeys: 2 });
    const effect = fc.constantFrom("NoSchedule", "NoExecute", "PreferNoSchedule");
    const templates = fc.record({
      containers: fc.constant([container]),
      nodeName: fc.constantFrom("", "", "test-node", "other-node"),
      nodeSelector: labels,
      tolerations: fc.array(fc.record({ key, operator: fc.constant("Exists"), effect }), { maxLength: 2 }),
    });
    const nodes = fc.record({ labels, taints: fc.array(fc.record({ key, effect }), { maxLength: 3 }) });
    fc.assert(
      fc.property(templates, nodes, (pod, { labels: has, taints }) => {
        const obstacles = all(pod, node({ labels: has, taints }));
        expect(nodeShouldRunDaemonPod(pod, node({ labels: has, taints }))).toEqual({
          shouldRun: obstacles.length === 0,
          shouldContinue: obstacles.every(mayStayDespite),
        });
      }),
    );
  });
});
