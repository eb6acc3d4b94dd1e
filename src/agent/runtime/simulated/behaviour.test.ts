/** The annotations that steer simulated nodes and pods. */
import { expect, test } from "vitest";
import { annotationKeys, defaultTimings, isDrivenBy, podBehaviour } from "./behaviour.ts";

test("the pod's annotations win over its node's, troubles of both count, nonsense is passed over", () => {
  const node = {
    metadata: {
      annotations: {
        [annotationKeys.startSeconds]: "9",
        [annotationKeys.stopSeconds]: "3",
        [annotationKeys.simulate]: "never-ready",
      },
    },
  };
  const tired = {
    metadata: {
      annotations: {
        [annotationKeys.startSeconds]: "2",
        [annotationKeys.pullSeconds]: "soon",
        [annotationKeys.simulate]: "crash-loop, nonsense",
      },
    },
  };
  const { timings, troubles } = podBehaviour(tired, node, defaultTimings);
  expect(timings).toEqual({ pullMs: 400, startMs: 2_000, stopMs: 3_000 });
  expect([...troubles].sort()).toEqual(["crash-loop", "never-ready"]);
});

test("images that cannot be pulled are those that the pod names and those that its node names", () => {
  const named = (text: string) => ({ metadata: { annotations: { [annotationKeys.missingImages]: text } } });
  expect(podBehaviour(named("a:1, b:*"), named("c"), defaultTimings).missingImages).toEqual([
    "a:1",
    "b:*",
    "c",
  ]);
  expect(podBehaviour({ metadata: {} }, undefined, defaultTimings).missingImages).toEqual([]);
});

test("a fleet drives the nodes that bear its name, marked by us or by kwok", () => {
  const node = (annotations: Record<string, string>) => ({ metadata: { annotations } });
  expect(isDrivenBy(node({ "lares.dev/simulated": "true" }), "")).toBe(true);
  expect(isDrivenBy(node({ "kwok.x-k8s.io/node": "fake" }), "")).toBe(true);
  expect(isDrivenBy(node({ "lares.dev/simulated": "true", "lares.dev/fleet": "b" }), "")).toBe(false);
  expect(isDrivenBy(node({ "lares.dev/simulated": "true", "lares.dev/fleet": "b" }), "b")).toBe(true);
  expect(isDrivenBy(node({}), "")).toBe(false);
});
