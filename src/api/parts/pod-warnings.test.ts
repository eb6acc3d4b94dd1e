/** Warnings about pods and templates. */
import { expect, test } from "vitest";
import { decoded, kindOf, podInput, withPath } from "../../testing/kind-fixtures.ts";
import type { Pod } from "../generated/types.gen.ts";

const schema = "core.v1.Pod";
const warningsOf = (changes: Readonly<Record<string, unknown>>): readonly string[] | undefined => {
  const input = Object.entries(changes).reduce<object>(
    (pod, [path, value]) => withPath(pod, path, value),
    podInput,
  );
  return kindOf(schema).rules.warnings?.(decoded<Pod>(schema, input));
};
const nullSelector = "a null labelSelector results in matching no pod";
const fraction = 'fractional byte value "1500m" is invalid, must be an integer';

test.each<readonly [changes: Readonly<Record<string, unknown>>, warnings: readonly string[]]>([
  [{}, []],
  [
    {
      "spec.topologySpreadConstraints": [
        { topologyKey: "failure-domain.beta.kubernetes.io/zone", maxSkew: 1 },
      ],
    },
    [
      'spec.topologySpreadConstraints[0].topologyKey: deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
      `spec.topologySpreadConstraints[0].labelSelector: ${nullSelector}`,
    ],
  ],
  [
    {
      "spec.volumes": [
        { name: "v", gitRepo: { repository: "r" } },
        { name: "p", projected: { sources: [{}] } },
      ],
    },
    [
      "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
      'volume "p" (Projected) has no sources provided',
    ],
  ],
  [
    {
      "spec.containers[0].resources": {
        limits: { memory: "1500m", cpu: "1500m" },
        requests: { memory: "1500m" },
      },
    },
    [
      `spec.containers[0].resources.limits[memory]: ${fraction}`,
      `spec.containers[0].resources.requests[memory]: ${fraction}`,
    ],
  ],
  [
    {
      "spec.containers[0].env": [
        { name: "A", value: "1" },
        { name: "A", value: "$(A),2" },
        { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      ],
    },
    ['spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    {
      "spec.containers[0].ports": [
        { containerPort: 80, name: "a" },
        { containerPort: 80, name: "b" },
        { containerPort: 80, protocol: "UDP" },
        { containerPort: 80, hostPort: 8080 },
      ],
    },
    [
      "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
      "spec.containers[0].ports[3]: overlapping port definition with spec.containers[0].ports[0]",
      "spec.containers[0].ports[3]: overlapping port definition with spec.containers[0].ports[1]",
    ],
  ],
  [
    {
      "spec.hostAliases": [{ ip: "10.0.0.1" }, { ip: "10.0.0.1" }],
      "spec.imagePullSecrets": [{ name: "a" }, { name: "a" }],
    },
    ['spec.hostAliases[1].ip: duplicate ip "10.0.0.1"', 'spec.imagePullSecrets[1].name: duplicate name "a"'],
  ],
  [
    {
      "spec.affinity": {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "z" }] },
      },
    },
    [
      `spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: ${nullSelector}`,
    ],
  ],
])("%j: %j", (changes, warnings) => {
  expect(warningsOf(changes)).toEqual(warnings);
});

test("a profile by annotation is old, for a container that there is", () => {
  const annotations = Object.fromEntries(
    ["main", "other"].map((name) => [`container.apparmor.security.beta.kubernetes.io/${name}`, "unconfined"]),
  );
  const named = { "metadata.annotations": annotations, "spec.containers[0].name": "main" };
  expect(warningsOf(named)).toEqual([
    'metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]: deprecated since v1.30; use the "appArmorProfile" field instead',
  ]);
});
