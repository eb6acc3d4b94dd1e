/** Which pods are removed by force, and what is written before. */
import { expect, test } from "vitest";
import type { Node, Pod } from "../../api/index.ts";
import { makeNode, makePod } from "../../testing/cluster-objects.ts";
import { FinishedPods } from "./finished-pods.ts";
import { lastStatus, outOfServiceKey, reasonToRemove, type Reason } from "./plan.ts";

function pod(
  change: {
    readonly on?: string;
    readonly deleted?: number;
    readonly phase?: string;
    readonly created?: string;
    readonly name?: string;
  } = {},
): Pod {
  const made = makePod(change.name ?? "p", { spec: change.on ? { nodeName: change.on } : {} });
  const deletion =
    change.deleted === undefined
      ? {}
      : { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: change.deleted };
  const created = change.created === undefined ? {} : { creationTimestamp: change.created };
  return {
    ...made,
    metadata: { ...made.metadata, ...deletion, ...created },
    status: { phase: change.phase ?? "Running" },
  };
}
const outOfService = (ready: string): Node =>
  makeNode("n", {
    spec: { taints: [{ key: outOfServiceKey, effect: "NoExecute" }] },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });

test.each<[name: string, pod: Pod, node: Node | "gone" | "unknown", reason: Reason | undefined]>([
  ["runs", pod({ on: "n" }), makeNode("n"), undefined],
  ["its node is gone", pod({ on: "n" }), "gone", "node-gone"],
  ["terminating, its node is gone", pod({ on: "n", deleted: 30 }), "gone", "node-gone"],
  ["its node is not seen yet", pod({ on: "n" }), "unknown", undefined],
  [
    "terminating on a node out of service",
    pod({ on: "n", deleted: 30 }),
    outOfService("Unknown"),
    "out-of-service",
  ],
  ["not terminating there", pod({ on: "n" }), outOfService("Unknown"), undefined],
  ["terminating, tainted but ready", pod({ on: "n", deleted: 30 }), outOfService("True"), undefined],
  ["terminating, never scheduled", pod({ deleted: 30 }), "unknown", "unscheduled"],
  ["waits for a node", pod(), "unknown", undefined],
  ["forced already, a finalizer holds it", pod({ on: "n", deleted: 0 }), "gone", undefined],
])("%s", (_name, given, node, reason) => {
  expect(reasonToRemove({ pod: given, node })).toBe(reason);
});

test("pods of a node that is gone end as Failed and say why; finished ones keep their phase", () => {
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
    lastTransitionTime: "now",
  };
  expect(lastStatus(pod({ on: "n" }), "node-gone", "now")).toEqual({
    phase: "Failed",
    conditions: [condition],
  });
  expect(lastStatus(pod({ on: "n", phase: "Succeeded" }), "node-gone", "now")).toEqual({
    conditions: [condition],
  });
  expect(lastStatus(pod({ on: "n" }), "out-of-service", "now")).toEqual({ phase: "Failed" });
  expect(lastStatus(pod(), "unscheduled", "now")).toBeUndefined();
});

test("above the limit the oldest finished pods go, each once", () => {
  const finished = new FinishedPods(2);
  const done = (name: string, created: string): Pod => pod({ name, created, phase: "Succeeded" });
  expect(finished.seen(done("b", "2026-01-02T00:00:00Z"))).toEqual([]);
  expect(finished.seen(done("b", "2026-01-02T00:00:00Z"))).toEqual([]);
  expect(finished.seen(pod({ name: "runs" }))).toEqual([]);
  expect(finished.seen(done("c", "2026-01-03T00:00:00Z"))).toEqual([]);
  expect(finished.seen(done("a", "2026-01-01T00:00:00Z"))).toEqual(["default/a"]);
  finished.gone(done("b", "2026-01-02T00:00:00Z"));
  expect(finished.seen(done("d", "2026-01-04T00:00:00Z"))).toEqual([]);
  expect(finished.seen(done("e", "2026-01-05T00:00:00Z"))).toEqual(["default/c"]);
});
