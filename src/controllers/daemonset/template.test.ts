/** Pods from templates: upstream's daemonset_util_test.go and the rules of docs/spec/daemonset-controller.md#8. */
import { describe, expect, test } from "vitest";
import type { Affinity, DaemonSet, PodSpec } from "../../api/index.ts";
import { pinnedTo, podMaker } from "./template.ts";

const pin = {
  nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n"] }] }],
};
const terms = (...nodeSelectorTerms: object[]): Affinity =>
  ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } }) as Affinity;
const expression = { matchExpressions: [{ key: "a", operator: "Exists" }] };
const preferred = [{ weight: 1, preference: expression }];

describe("TestReplaceDaemonSetPodNodeNameNodeAffinity", () => {
  const cases: readonly (readonly [string, Affinity | undefined])[] = [
    ["none", undefined],
    ["empty", {}],
    ["nodeAffinity without required", { nodeAffinity: {} }],
    ["required with empty terms", terms()],
    ["matchExpressions only", terms(expression)],
    ["several terms", terms(expression, expression)],
    [
      "matchFields for another node",
      terms({ matchFields: [{ key: "metadata.name", operator: "In", values: ["other"] }] }),
    ],
    [
      "preferred present",
      { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred }, podAffinity: {} },
    ],
  ];
  for (const [name, affinity] of cases) {
    test(name, () => {
      const spec: PodSpec = { containers: [], ...(affinity === undefined ? {} : { affinity }) };
      const pinned = pinnedTo(spec, "n").affinity;
      expect(pinned).toEqual({
        ...affinity,
        nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: pin },
      });
    });
  }
});

function daemonSet(
  change: {
    readonly annotations?: Record<string, string>;
    readonly spec?: Partial<PodSpec>;
    readonly name?: string;
    readonly labels?: Record<string, string>;
  } = {},
): DaemonSet {
  return {
    metadata: {
      name: change.name ?? "foo",
      namespace: "ns",
      uid: "u",
      annotations: change.annotations ?? {},
    },
    spec: {
      selector: {},
      template: {
        metadata: {
          name: "dropped",
          labels: change.labels ?? { app: "x" },
          annotations: { a: "b" },
          finalizers: ["f/g"],
        },
        spec: { containers: [], schedulerName: "mine", ...change.spec },
      },
    },
  };
}

const generation = { "deprecated.daemonset.template.generation": "3" };

test("TestCreatePodTemplate: the generation label with the annotation, the hash label with a hash", () => {
  const labels = (hash: string): unknown =>
    podMaker(daemonSet({ annotations: generation }), { hash, placement: "scheduler" })("n").metadata.labels;
  expect(labels("")).toEqual({ app: "x", "pod-template-generation": "3" });
  expect(labels("h")).toEqual({ app: "x", "pod-template-generation": "3", "controller-revision-hash": "h" });
});

test("only labels, annotations and finalizers of the template's metadata are taken over, and one owner is set", () => {
  const { metadata } = podMaker(daemonSet(), { hash: "h", placement: "scheduler" })("n");
  expect(metadata).toEqual({
    generateName: "foo-",
    namespace: "ns",
    labels: { app: "x", "controller-revision-hash": "h" },
    annotations: { a: "b" },
    finalizers: ["f/g"],
    ownerReferences: [
      {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        name: "foo",
        uid: "u",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
});

test("the default tolerations are on the pod: a user's tolerationSeconds for not-ready are lost on purpose (#8.2)", () => {
  const tolerations = [
    { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 },
  ];
  const pod = podMaker(daemonSet({ spec: { tolerations } }), { hash: "h", placement: "scheduler" })("n");
  expect(pod.spec.tolerations).toHaveLength(6);
  expect(pod.spec.tolerations![0]).toEqual({
    key: "node.kubernetes.io/not-ready",
    operator: "Exists",
    effect: "NoExecute",
  });
});

test("placement `controller`: nodeName and no affinity, but a gated pod is pinned, because the API refuses both (#19.3)", () => {
  const make = (spec: Partial<PodSpec>): PodSpec =>
    podMaker(daemonSet({ spec }), { hash: "h", placement: "controller" })("n").spec;
  expect(make({})).toMatchObject({ nodeName: "n", schedulerName: "mine" });
  expect(make({}).affinity).toBeUndefined();
  expect(make({ schedulingGates: [{ name: "g" }] }).nodeName).toBeUndefined();
  expect(
    make({ schedulingGates: [{ name: "g" }] }).affinity?.nodeAffinity
      ?.requiredDuringSchedulingIgnoredDuringExecution,
  ).toEqual(pin);
});

test("a template without labels makes no pods", () => {
  expect(() => podMaker(daemonSet({ labels: {} }), { hash: "h", placement: "scheduler" })).toThrow(
    "unable to create pods, no labels",
  );
});
