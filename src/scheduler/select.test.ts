/** The choice of a node and the sentence when there is none: table of cases in, values out. */
import { describe, expect, test } from "vitest";
import type { Node, Pod } from "../api/index.ts";
import { seededRandom } from "../base/index.ts";
import { makeNode, makePod, pinnedTo } from "../testing/cluster-objects.ts";
import { ClusterState } from "./cluster-state.ts";
import { factsOf } from "./pod-facts.ts";
import type { Preemption } from "./preemption.ts";
import { enoughNodes, Selector } from "./select.ts";

function choose(pod: Pod, nodes: readonly Node[], bound: readonly (readonly [Pod, string])[] = []): string {
  const cluster = new ClusterState();
  for (const node of nodes) cluster.setNode(node);
  for (const [other, node] of bound) cluster.addPod(factsOf(other), node);
  const choice = new Selector(cluster, seededRandom(1)).choose({ pod, facts: factsOf(pod) });
  if (choice.node !== undefined) return choice.node;
  const preemption: Preemption =
    pod.spec.preemptionPolicy === "Never"
      ? { do: "wait", because: "not eligible due to preemptionPolicy=Never." }
      : { do: "give-up", reasons: choice.diagnosis.resolvable.map(() => [noVictims]) };
  return choice.diagnosis.message(cluster.nodeCount, preemption);
}

const noVictims = "No preemption victims found for incoming pod";
const controlPlane = makeNode("master", {
  spec: { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] },
});
const notHelpful = (count: number, total: number): string =>
  `no new claims to deallocate, preemption: 0/${total} nodes are available: ${count} Preemption is not helpful for scheduling.`;

describe("a node that suits is chosen", () => {
  test("the only one that has room", () => {
    const full: [Pod, string] = [makePod("big", { requests: { cpu: "4" } }), "a"];
    expect(choose(makePod("p", { requests: { cpu: "1" } }), [makeNode("a"), makeNode("b")], [full])).toBe(
      "b",
    );
  });
  test("the emptiest of several", () => {
    const bound: [Pod, string][] = [
      [makePod("x", { requests: { cpu: "2" } }), "a"],
      [makePod("y", { requests: { cpu: "1" } }), "b"],
      [makePod("z", { requests: { cpu: "3" } }), "c"],
    ];
    const nodes = [makeNode("a"), makeNode("b"), makeNode("c")];
    expect(choose(makePod("p", { requests: { cpu: "1" } }), nodes, bound)).toBe("b");
  });
  test("preferred affinity outweighs emptiness", () => {
    const preference = { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] };
    const spec = {
      affinity: {
        nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] },
      },
    };
    const bound: [Pod, string] = [makePod("x", { requests: { cpu: "1" } }), "b"];
    expect(
      choose(makePod("p", { spec }), [makeNode("a"), makeNode("b", { labels: { disk: "ssd" } })], [bound]),
    ).toBe("b");
  });
  test("a PreferNoSchedule taint is avoided, not obeyed", () => {
    const tainted = makeNode("a", { spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } });
    expect(choose(makePod("p"), [tainted, makeNode("b")])).toBe("b");
    expect(choose(makePod("p"), [tainted])).toBe("a");
  });
  test("a pinned pod goes to its node, tolerating what it tolerates", () => {
    const tolerations = [{ operator: "Exists" }];
    const pod = makePod("p", { spec: { ...pinnedTo("master"), tolerations } });
    expect(choose(pod, [controlPlane, makeNode("a"), makeNode("b")])).toBe("master");
  });
  test("a pod pinned to two nodes gets one of them", () => {
    const nodes = [makeNode("a"), makeNode("b"), makeNode("c", { spec: { unschedulable: true } })];
    expect(choose(makePod("p", { spec: pinnedTo("c", "b") }), nodes)).toBe("b");
  });
});

describe("a pod that no node suits learns why, in upstream's words", () => {
  test.each<
    [
      name: string,
      pod: Pod,
      nodes: readonly Node[],
      bound: readonly (readonly [Pod, string])[],
      message: string,
    ]
  >([
    [
      "taint and cpu",
      makePod("p", { requests: { cpu: "3" } }),
      [controlPlane, makeNode("a"), makeNode("b")],
      [
        [makePod("x", { requests: { cpu: "2" } }), "a"],
        [makePod("y", { requests: { cpu: "2" } }), "b"],
      ],
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. " +
        "no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.",
    ],
    [
      "more than a node can ever give",
      makePod("p", { requests: { cpu: "5", memory: "9Gi" } }),
      [makeNode("a")],
      [],
      `0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. ${notHelpful(1, 1)}`,
    ],
    [
      "daemon pod, its node is full",
      makePod("p", { spec: pinnedTo("a"), requests: { memory: "1Gi" } }),
      [makeNode("a"), makeNode("b"), makeNode("c")],
      [[makePod("x", { requests: { memory: "8Gi" } }), "a"]],
      "0/3 nodes are available: 1 Insufficient memory, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. " +
        "no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
    ],
    [
      "daemon pod, its node is gone",
      makePod("p", { spec: pinnedTo("z") }),
      [makeNode("a"), makeNode("b")],
      [],
      `0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. ${notHelpful(2, 2)}`,
    ],
    [
      "cordoned",
      makePod("p"),
      [makeNode("a", { spec: { unschedulable: true } })],
      [],
      `0/1 nodes are available: 1 node(s) were unschedulable. ${notHelpful(1, 1)}`,
    ],
    [
      "node selector, preemption forbidden",
      makePod("p", { spec: { nodeSelector: { disk: "ssd" }, preemptionPolicy: "Never" } }),
      [makeNode("a")],
      [],
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    ],
    [
      "host port",
      makePod("p", { spec: { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80 }] }] } }),
      [makeNode("a")],
      [
        [
          makePod("x", {
            spec: {
              containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80, hostIP: "10.0.0.1" }] }],
            },
          }),
          "a",
        ],
      ],
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. " +
        "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    ],
    [
      "room for pods",
      makePod("p"),
      [makeNode("a", { status: { allocatable: { cpu: "1", memory: "1Gi", pods: "1" } } })],
      [[makePod("x"), "a"]],
      "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    ],
    [
      "extended resource",
      makePod("p", { requests: { "example.com/gpu": "1" } }),
      [makeNode("a")],
      [],
      `0/1 nodes are available: 1 Insufficient example.com/gpu. ${notHelpful(1, 1)}`,
    ],
    ["no nodes", makePod("p"), [], [], "no nodes available to schedule pods"],
  ])("%s", (_name, pod, nodes, bound, message) => {
    expect(choose(pod, nodes, bound)).toBe(message);
  });
});

test("host ports on different addresses or protocols do not collide", () => {
  const port = (hostIP: string, protocol: string): Pod =>
    makePod(hostIP + protocol, {
      spec: { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80, hostIP, protocol }] }] },
    });
  expect(choose(port("10.0.0.2", "TCP"), [makeNode("a")], [[port("10.0.0.1", "TCP"), "a"]])).toBe("a");
  expect(choose(port("10.0.0.1", "UDP"), [makeNode("a")], [[port("10.0.0.1", "TCP"), "a"]])).toBe("a");
});

test("large clusters are sampled as upstream does", () => {
  expect([10, 100, 101, 1000, 5000, 15_000].map(enoughNodes)).toEqual([10, 100, 100, 420, 500, 750]);
});

test("a pod goes to the node that was promised to it, if that suits, and not where it is emptier", () => {
  const cluster = new ClusterState();
  for (const name of ["a", "b"]) cluster.setNode(makeNode(name));
  cluster.addPod(factsOf(makePod("x", { requests: { cpu: "2" } })), "b");
  const pod = makePod("p", { requests: { cpu: "2" } });
  const choose = (): string | undefined =>
    new Selector(cluster, seededRandom(1)).choose({ pod, facts: factsOf(pod) }).node;
  expect(choose()).toBe("a");
  cluster.nominate(factsOf(pod), "b");
  expect(choose()).toBe("b");
  cluster.addPod(factsOf(makePod("y", { requests: { cpu: "1" } })), "b");
  expect(choose()).toBe("a");
});
