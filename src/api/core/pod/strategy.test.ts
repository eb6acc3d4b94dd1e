/** What the server does to a pod when it is written. */
import { expect, test } from "vitest";
import { copyJson, type Draft } from "../../../machinery/index.ts";
import { created, kindOf, podInput, withPath } from "../../../testing/kind-fixtures.ts";
import type { Pod } from "../../generated/types.gen.ts";
import type { KindRules } from "../../parts/kinds.ts";

const schema = "core.v1.Pod";

test("begin pending, with their quality of service", () => {
  const pod = created<Pod>(schema, { ...podInput, status: { phase: "Running", podIP: "1.2.3.4" } });
  expect(pod.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
});

test("with gates say that they are not scheduled", () => {
  const pod = created<Pod>(schema, withPath(podInput, "spec.schedulingGates", [{ name: "a" }]));
  expect(pod.status?.conditions).toMatchObject([
    { type: "PodScheduled", status: "False", reason: "SchedulingGated" },
  ]);
});

test("one address is the first of all, and their quality of service stays", () => {
  const before = created<Pod>(schema, podInput);
  const object = {
    ...copyJson(before),
    status: { podIP: "10.0.0.1", hostIPs: [{ ip: "10.0.0.2" }] },
  } as Draft<Pod>;
  (kindOf(schema).rules as KindRules<Pod>).prepareForStatusUpdate?.(object, before);
  expect(object.status).toEqual({
    phase: "Pending",
    qosClass: "BestEffort",
    podIP: "10.0.0.1",
    podIPs: [{ ip: "10.0.0.1" }],
    hostIP: "10.0.0.2",
    hostIPs: [{ ip: "10.0.0.2" }],
  });
});
