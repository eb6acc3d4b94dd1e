/** When two texts stand for one template (docs/spec/daemonset-controller.md#20), field by field. */
import { describe, expect, test } from "vitest";
import { RawJson } from "../../machinery/index.ts";
import { comparableData } from "./template-meaning.ts";

const data = (template: object): object => ({ spec: { template: { $patch: "replace", ...template } } });
const pod = (spec: object): object => data({ spec });
const container = (more: object): object => pod({ containers: [{ name: "main", ...more }] });
const peers = (term: object): object =>
  pod({
    affinity: {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone", ...term }] },
    },
  });
const volume = (source: object): object => pod({ volumes: [{ name: "a", ...source }] });

type Pair = readonly [what: string, a: object, b: object];

const same: readonly Pair[] = [
  ["order of keys", pod({ hostNetwork: true, nodeName: "a" }), pod({ nodeName: "a", hostNetwork: true })],
  ["creationTimestamp: null", data({ metadata: { creationTimestamp: null } }), data({})],
  ["an empty struct that Go always writes", container({ resources: {} }), container({})],
  ["a claim template's empty metadata", data({ metadata: {}, spec: {} }), data({})],
  ["empty lists", pod({ tolerations: [], volumes: [] }), pod({})],
  ["empty maps", pod({ nodeSelector: {}, overhead: {} }), pod({})],
  ["zero values", pod({ hostNetwork: false, nodeName: "" }), pod({})],
  [
    "an empty name that Go always writes",
    container({ env: [{ name: "", value: "a" }] }),
    container({ env: [{ value: "a" }] }),
  ],
  [
    "spelling of quantities",
    container({ resources: { limits: { cpu: "0.1" } } }),
    container({ resources: { limits: { cpu: "100m" } } }),
  ],
  [
    "spelling of single quantities",
    volume({ emptyDir: { sizeLimit: "1024Mi" } }),
    volume({ emptyDir: { sizeLimit: "1Gi" } }),
  ],
  ["null in a field of a newer server", pod({ newer: null }), pod({})],
];

const different: readonly Pair[] = [
  ["all namespaces and the pod's own", peers({ namespaceSelector: {} }), peers({})],
  ["all pods and none", peers({ labelSelector: {} }), peers({})],
  ["an empty directory and no volume", volume({ emptyDir: {} }), volume({})],
  ["an empty security context", pod({ securityContext: {} }), pod({})],
  ["a container's empty security context", container({ securityContext: {} }), container({})],
  ["an empty probe", container({ livenessProbe: {} }), container({})],
  [
    "false behind a pointer",
    container({ securityContext: { runAsNonRoot: false } }),
    container({ securityContext: {} }),
  ],
  ["0 behind a pointer", pod({ securityContext: { runAsUser: 0 } }), pod({ securityContext: {} })],
  [
    '"" behind a pointer',
    volume({ hostPath: { path: "/a", type: "" } }),
    volume({ hostPath: { path: "/a" } }),
  ],
  ["an empty element of a list", container({ envFrom: [{}] }), container({})],
  ["order of a list", container({ args: ["a", "b"] }), container({ args: ["b", "a"] })],
  ["an empty value of a map", pod({ nodeSelector: { a: "" } }), pod({})],
  [
    "a label that looks like a quantity",
    data({ metadata: { labels: { a: "0.1" } } }),
    data({ metadata: { labels: { a: "100m" } } }),
  ],
  ["what a newer server knows, and be it empty", pod({ newer: {} }), pod({})],
];

describe("one template, whatever", () => {
  test.each(same)("%s (#23.10)", (_what, a, b) => {
    expect(comparableData(a)).toBe(comparableData(new RawJson(JSON.stringify(b))));
  });
});

describe("two templates, told apart by", () => {
  test.each(different)("%s", (_what, a, b) => {
    expect(comparableData(a)).not.toBe(comparableData(new RawJson(JSON.stringify(b))));
  });
});

test("data of another shape is equal only to itself", () => {
  const texts = [null, {}, { spec: "a" }, { spec: { template: "a" } }].map(comparableData);
  expect(new Set(texts).size).toBe(texts.length);
});
