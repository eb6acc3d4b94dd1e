/** Readiness, the end of a pod, and the node that it is for. */
import { expect, test } from "vitest";
import type { Pod, PodSpec } from "../../generated/types.gen.ts";
import { isPodReady, isPodTerminal, targetNodeName } from "./status.ts";

function pod(changes: { readonly spec?: Partial<PodSpec>; readonly status?: Pod["status"] } = {}): Pod {
  return { metadata: { name: "p" }, spec: { containers: [], ...changes.spec }, status: changes.status ?? {} };
}

function ready(status: string, lastTransitionTime?: string): Pod {
  const time = lastTransitionTime === undefined ? {} : { lastTransitionTime };
  return pod({ status: { conditions: [{ type: "Ready", status, ...time }] } });
}

test("ready and terminal", () => {
  expect(isPodReady(ready("True"))).toBe(true);
  expect(isPodReady(pod())).toBe(false);
  expect(
    ["Pending", "Running", "Succeeded", "Failed"].map((phase) => isPodTerminal(pod({ status: { phase } }))),
  ).toEqual([false, false, true, true]);
});

function pinned(...values: string[]): Pod {
  const term = { matchFields: [{ key: "metadata.name", operator: "In", values }] };
  const required = { nodeSelectorTerms: [{ matchExpressions: [] }, term] };
  return pod({
    spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } },
  });
}

test.each<[string, Pod, string | undefined]>([
  ["nodeName", pod({ spec: { nodeName: "a" } }), "a"],
  ["one value", pinned("b"), "b"],
  ["two values", pinned("b", "c"), undefined],
  ["nothing", pod(), undefined],
])("TestGetTargetNodeName: %s", (_name, object, expected) => {
  expect(targetNodeName(object)).toBe(expected);
});
