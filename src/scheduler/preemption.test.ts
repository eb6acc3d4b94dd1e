/** Whom a pod drives out, and where: tables of clusters in, values out. */
import { describe, expect, test } from "vitest";
import type { Node, Pod, PodDisruptionBudget } from "../api/index.ts";
import { makeNode, makePod, pinnedTo } from "../testing/cluster-objects.ts";
import { seededRandom } from "../base/index.ts";
import { ClusterState } from "./cluster-state.ts";
import { factsOf } from "./pod-facts.ts";
import { isGoingByPreemption, planPreemption, type Preemption } from "./preemption.ts";
import { Selector } from "./select.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");

/** `name:priority cpu`, on nodes of 4 cpus. */
function pod(text: string, change: { start?: string; labels?: Record<string, string> } = {}): Pod {
  const [name = "", priority = "", cpu = ""] = text.split(/[: ]/);
  const { start, labels = {} } = change;
  const made = makePod(name, { requests: { cpu }, spec: { priority: Number(priority) } });
  const labelled = { ...made, metadata: { ...made.metadata, labels } };
  return start === undefined ? labelled : { ...labelled, status: { startTime: start } };
}

interface World {
  readonly nodes?: readonly Node[];
  readonly there: Readonly<Record<string, readonly Pod[]>>;
  readonly nominated?: Readonly<Record<string, readonly Pod[]>>;
  readonly budgets?: readonly PodDisruptionBudget[];
}

function decide(
  preemptor: Pod,
  { there, nodes = Object.keys(there).map((name) => makeNode(name)), nominated = {}, budgets = [] }: World,
): { readonly preemption: Preemption; readonly message: string } {
  const cluster = new ClusterState();
  const pods = new Map<string, Pod>();
  for (const node of nodes) cluster.setNode(node);
  for (const [node, list] of Object.entries(there)) {
    for (const one of list) {
      pods.set(factsOf(one).key, one);
      cluster.addPod(factsOf(one), node);
    }
  }
  for (const [node, list] of Object.entries(nominated))
    for (const one of list) cluster.nominate(factsOf(one), node);
  const candidate = { pod: preemptor, facts: factsOf(preemptor) };
  const choice = new Selector(cluster, seededRandom(1)).choose(candidate);
  if (choice.node !== undefined) throw new Error(`fits on ${choice.node}`);
  const podOf = ({ key }: { readonly key: string }): Pod | undefined => pods.get(key);
  const preemption = planPreemption(candidate, choice.diagnosis.resolvable, { budgets, nowMs, podOf });
  return { preemption, message: choice.diagnosis.message(cluster.nodeCount, preemption) };
}

function outcome(preemptor: Pod, world: World): string {
  const { preemption } = decide(preemptor, world);
  if (preemption.do !== "preempt") return preemption.do;
  return `${preemption.node}: ${preemption.victims.map(({ metadata }) => metadata.name).join(" ")}`;
}

const budget = (
  allowed: number,
  labels: Record<string, string>,
  disrupted: string[] = [],
): PodDisruptionBudget => ({
  metadata: { name: "b", namespace: "default" },
  spec: { selector: { matchLabels: labels } },
  status: {
    disruptionsAllowed: allowed,
    disruptedPods: Object.fromEntries(disrupted.map((name) => [name, "2026-01-01T00:00:00Z"])),
  },
});

describe("victims of one node", () => {
  test.each<[name: string, preemptor: string, there: Pod[], outcome: string]>([
    ["as few as are enough", "p:9 2", [pod("a:1 2"), pod("b:1 2")], "n: b"],
    ["the lower before the higher", "p:9 2", [pod("low:1 2"), pod("mid:5 2")], "n: low"],
    ["the higher when the lower is too small", "p:9 3", [pod("low:1 1"), pod("mid:5 3")], "n: mid"],
    ["both, the more important first", "p:9 4", [pod("low:1 2"), pod("mid:5 2")], "n: mid low"],
    [
      "of equals those that started last",
      "p:9 2",
      [
        pod("young:1 2", { start: "2026-01-01T00:00:00Z" }),
        pod("old:1 2", { start: "2025-01-01T00:00:00Z" }),
      ],
      "n: young",
    ],
    [
      "those that have not started yet before those that have",
      "p:9 2",
      [pod("fresh:1 2"), pod("old:1 2", { start: "2025-01-01T00:00:00Z" })],
      "n: fresh",
    ],
    ["nobody of the same priority", "p:9 2", [pod("a:9 4")], "give-up"],
    ["nobody if the lower ones are not enough", "p:9 3", [pod("a:9 2"), pod("b:1 2")], "give-up"],
    ["one that is in nobody's way stays", "p:9 2", [pod("none:0 0"), pod("a:1 4")], "n: a"],
  ])("%s", (_name, preemptor, there, expected) => {
    expect(outcome(pod(preemptor), { there: { n: there } })).toBe(expected);
  });

  test("who holds the host port goes, whatever room there is", () => {
    const withPort = (name: string, priority: number): Pod =>
      makePod(name, {
        spec: { priority, containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] },
      });
    expect(outcome(withPort("p", 9), { there: { n: [pod("a:1 1"), withPort("b", 5)] } })).toBe("n: b");
  });

  test("a pod whose budget allows it goes before one whose budget does not", () => {
    const there = { n: [pod("held:1 2", { labels: { app: "held" } }), pod("free:5 2")] };
    expect(outcome(pod("p:9 2"), { there, budgets: [budget(0, { app: "held" })] })).toBe("n: free");
    expect(outcome(pod("p:9 2"), { there, budgets: [budget(1, { app: "held" })] })).toBe("n: held");
    expect(outcome(pod("p:9 2"), { there, budgets: [budget(0, { app: "held" }, ["held"])] })).toBe("n: held");
    expect(outcome(pod("p:9 2"), { there, budgets: [budget(0, {})] })).toBe("n: held");
  });

  test("a budget never saves a pod when nothing else helps", () => {
    const there = { n: [pod("held:1 4", { labels: { app: "held" } })] };
    expect(outcome(pod("p:9 2"), { there, budgets: [budget(0, { app: "held" })] })).toBe("n: held");
  });

  test("room that is promised to a pod of the same priority is not taken", () => {
    const there = { n: [pod("a:1 2"), pod("b:1 2")] };
    expect(outcome(pod("p:9 2"), { there, nominated: { n: [pod("q:9 2")] } })).toBe("n: a b");
    expect(outcome(pod("p:9 2"), { there, nominated: { n: [pod("q:8 2")] } })).toBe("n: b");
    expect(outcome(pod("p:9 2"), { there, nominated: { n: [pod("q:9 4")] } })).toBe("give-up");
  });
});

describe("of several nodes", () => {
  test.each<[name: string, there: Record<string, Pod[]>, outcome: string]>([
    ["the one whose victim counts least", { x: [pod("mid:5 4")], y: [pod("low:1 4")] }, "y: low"],
    [
      "the one whose highest victim counts least, however many they are",
      { x: [pod("mid:5 4")], y: [pod("a:1 2"), pod("b:1 2")] },
      "y: a b",
    ],
    ["the one with fewer victims", { x: [pod("a:1 2"), pod("b:1 2")], y: [pod("c:1 4")] }, "y: c"],
    [
      "the one with fewer victims, though they count less than nothing",
      { x: [pod("a:-5 2"), pod("b:-5 2")], y: [pod("c:-5 4")] },
      "y: c",
    ],
    [
      "the one whose victim started last",
      {
        x: [pod("old:1 4", { start: "2025-01-01T00:00:00Z" })],
        y: [pod("young:1 4", { start: "2025-06-01T00:00:00Z" })],
      },
      "y: young",
    ],
    ["the only one that helps", { x: [pod("high:9 4")], y: [pod("mid:8 4")] }, "y: mid"],
  ])("%s", (_name, there, expected) => {
    expect(outcome(pod("p:9 4"), { there })).toBe(expected);
  });

  test("the one where no budget is violated, whatever the victims count", () => {
    const there = { x: [pod("held:1 4", { labels: { app: "held" } })], y: [pod("free:8 4")] };
    expect(outcome(pod("p:9 4"), { there, budgets: [budget(0, { app: "held" })] })).toBe("y: free");
  });

  test("a pinned pod drives out pods of its own node only", () => {
    const daemon = makePod("d", { spec: { ...pinnedTo("x"), priority: 9 }, requests: { cpu: "4" } });
    const there = { x: [pod("mid:5 4")], y: [pod("low:1 4")] };
    expect(outcome(daemon, { there })).toBe("x: mid");
    expect(outcome(daemon, { there: { x: [pod("high:9 4")], y: [pod("low:1 4")] } })).toBe("give-up");
  });
});

describe("what it says", () => {
  test.each<[name: string, there: Record<string, Pod[]>, nodes: Node[] | undefined, message: string]>([
    ["while it makes room", { n: [pod("a:1 4")] }, undefined, "0/1 nodes are available: 1 Insufficient cpu."],
    [
      "when nobody counts less",
      { n: [pod("a:9 4")] },
      undefined,
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    ],
    [
      "when those that count less are too few: the filter's own reason",
      { n: [pod("a:9 3"), pod("b:1 1")] },
      undefined,
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Insufficient cpu.",
    ],
    [
      "each node with its own reason",
      { x: [pod("a:9 4")], y: [pod("b:9 3"), pod("c:1 1")] },
      [makeNode("x"), makeNode("y"), makeNode("z", { spec: { unschedulable: true } })],
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. no new claims to deallocate, " +
        "preemption: 0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
    ],
  ])("%s", (_name, there, nodes, message) => {
    const world = nodes === undefined ? { there } : { there, nodes };
    expect(decide(pod("p:9 4"), world).message).toBe(message);
  });
});

test("only pods that go because they were driven out count as going by preemption", () => {
  const going = (reason: string, status: string, deletionTimestamp?: string): Pod => ({
    metadata: { name: "p", ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { containers: [] },
    status: { conditions: [{ type: "DisruptionTarget", status, reason }] },
  });
  const at = "2026-01-01T00:00:00Z";
  expect(isGoingByPreemption(going("PreemptionByScheduler", "True", at))).toBe(true);
  expect(isGoingByPreemption(going("PreemptionByScheduler", "True"))).toBe(false);
  expect(isGoingByPreemption(going("PreemptionByScheduler", "False", at))).toBe(false);
  expect(isGoingByPreemption(going("DeletionByTaintManager", "True", at))).toBe(false);
});
