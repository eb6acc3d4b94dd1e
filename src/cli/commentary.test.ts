/** What `lares up` says of a running cluster: results and trouble, each once. */
import { expect, test } from "vitest";
import type { DaemonSet, Pod } from "../api/index.ts";
import { Commentary } from "./commentary.ts";

interface Numbers {
  readonly desired?: number;
  readonly updated?: number;
  readonly available?: number;
  readonly generation?: number;
}

function daemonSet(numbers: Numbers = {}): DaemonSet {
  const { desired = 3, updated = desired, available = desired, generation = 1 } = numbers;
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "a", namespace: "default", uid: "a", generation },
    spec: { selector: {}, template: { metadata: {}, spec: { containers: [] } } },
    status: {
      currentNumberScheduled: desired,
      desiredNumberScheduled: desired,
      numberMisscheduled: 0,
      numberReady: available,
      numberAvailable: available,
      updatedNumberScheduled: updated,
      observedGeneration: generation,
    },
  } as DaemonSet;
}

function crashing(...nodes: string[]): readonly Pod[] {
  const state = { waiting: { reason: "CrashLoopBackOff" } };
  return nodes.map((nodeName) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: nodeName },
    spec: { nodeName, containers: [] },
    status: { containerStatuses: [{ state }] },
  })) as unknown as readonly Pod[];
}

/** A cluster that is looked at each 250 ms. */
class Watched {
  readonly #commentary: Commentary;
  daemonSets: readonly DaemonSet[] = [];
  pods: readonly Pod[] = [];
  nodesNotReady: string[] = [];
  nodes: string[] = ["n1", "n2", "n3"];
  nowMs = 0;
  now = "";

  constructor(tellsBeginnings = false) {
    this.#commentary = new Commentary({ tellsBeginnings });
  }

  /** All lines of that time. */
  pass(ms: number): readonly string[] {
    const lines: string[] = [];
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; this.nowMs += 250) {
      const remarks = this.#commentary.look({
        nowMs: this.nowMs,
        daemonSets: this.daemonSets,
        podsOf: () => this.pods,
        nodesNotReady: new Set(this.nodesNotReady),
        hasNode: (name) => this.nodes.includes(name),
      });
      lines.push(...remarks.lines);
      this.now = remarks.now;
    }
    return lines;
  }
}

function settledCluster(tellsBeginnings = false): Watched {
  const watched = new Watched(tellsBeginnings);
  watched.daemonSets = [daemonSet()];
  expect(watched.pass(5_000)).toEqual([]);
  expect(watched.now).toBe("");
  return watched;
}

test("a roll-out is seen while it goes on, and is one line at its end", () => {
  const watched = settledCluster();
  watched.daemonSets = [daemonSet({ generation: 2, updated: 1, available: 2 })];
  expect(watched.pass(1_000)).toEqual([]);
  expect(watched.now).toBe("default/a: rolling out, 1 of 3 updated, 2 available");
  watched.daemonSets = [daemonSet({ generation: 2 })];
  expect(watched.pass(60_000)).toEqual(["default/a: rolled out to 3 nodes in 1.0 s"]);
  expect(watched.now).toBe("");
});

test("where nobody sees it go on, a long one is told when it has begun", () => {
  const watched = settledCluster(true);
  watched.daemonSets = [daemonSet({ generation: 2, updated: 1, available: 2 })];
  expect(watched.pass(10_000)).toEqual(["default/a: rolling out, 1 of 3 updated, 2 available"]);
});

test("a DaemonSet that comes is rolled out, and one that goes is deleted", () => {
  const watched = new Watched();
  watched.pass(250);
  watched.daemonSets = [daemonSet({ updated: 0, available: 0 })];
  watched.pass(2_000);
  watched.daemonSets = [daemonSet()];
  expect(watched.pass(5_000)).toEqual(["default/a: rolled out to 3 nodes in 2.0 s"]);
  watched.daemonSets = [];
  expect(watched.pass(5_000)).toEqual(["default/a: deleted"]);
});

test("one without an eligible node says so", () => {
  const watched = new Watched();
  watched.pass(250);
  watched.daemonSets = [daemonSet({ desired: 0 })];
  expect(watched.pass(5_000)).toEqual(["default/a: settled, no node is eligible"]);
});

test("a node that joins is one line, however often the numbers change", () => {
  const watched = settledCluster();
  for (let round = 0; round < 3; round++) {
    watched.daemonSets = [daemonSet({ desired: 4, available: 3 })];
    expect(watched.pass(500)).toEqual([]);
    watched.daemonSets = [daemonSet({ desired: 4 })];
    expect(watched.pass(500)).toEqual([]);
  }
  expect(watched.pass(5_000)).toEqual(["default/a: settled, 4 of 4 available"]);
});

test("trouble is told once, whatever its pods do meanwhile", () => {
  const watched = settledCluster(true);
  const lines: string[] = [];
  for (let crash = 0; crash < 20; crash++) {
    watched.pods = crashing("n2", "n1");
    watched.daemonSets = [daemonSet({ available: 1 })];
    lines.push(...watched.pass(20_000));
    watched.pods = [];
    watched.daemonSets = [daemonSet()];
    lines.push(...watched.pass(5_000));
  }
  expect(lines).toEqual([
    "default/a: CrashLoopBackOff on n1, n2; kubectl describe daemonset a -n default says why",
  ]);
  expect(watched.pass(30_000)).toEqual(["default/a: settled, 3 of 3 available"]);
});

test("a roll-out that ends well after one in trouble leaves no trouble behind", () => {
  const watched = settledCluster();
  watched.pods = crashing("n1");
  watched.daemonSets = [daemonSet({ generation: 2, updated: 1, available: 2 })];
  watched.pass(20_000);
  watched.pods = [];
  watched.daemonSets = [daemonSet({ generation: 3 })];
  expect(watched.pass(14_000)).toEqual([]);
  expect(watched.pass(2_000)).toEqual([expect.stringContaining("rolled out to 3 nodes")]);
  watched.daemonSets = [daemonSet({ generation: 4, updated: 1 })];
  watched.pass(1_000);
  watched.daemonSets = [daemonSet({ generation: 4 })];
  expect(watched.pass(2_000)).toEqual([expect.stringContaining("rolled out to 3 nodes")]);
});

test("what stands still for no known reason is told once", () => {
  const watched = settledCluster();
  watched.daemonSets = [daemonSet({ available: 2 })];
  expect(watched.pass(120_000)).toEqual([
    "default/a: nothing moves for 15 s: 2 of 3 available; kubectl describe daemonset a -n default says why",
  ]);
});

test("nodes that go away and come back", () => {
  const watched = settledCluster();
  watched.nodesNotReady = ["n2"];
  expect(watched.pass(1_000)).toEqual(["node n2 is not ready"]);
  watched.nodesNotReady = ["n1", "n2", "n3", "n4", "n5"];
  expect(watched.pass(1_000)).toEqual(["nodes n1, n3, n4 and 1 more are not ready"]);
  watched.nodesNotReady = [];
  watched.nodes = ["n1", "n2"];
  expect(watched.pass(1_000)).toEqual(["nodes n1, n2 are ready again"]);
});

test("of several under way one is named", () => {
  const watched = settledCluster();
  const other = daemonSet({ available: 0 });
  watched.daemonSets = [
    daemonSet({ available: 1 }),
    { ...other, metadata: { ...other.metadata, name: "b", uid: "b" } },
  ];
  watched.pass(250);
  expect(watched.now).toBe("default/a: 1 of 3 available (and 1 more)");
});
