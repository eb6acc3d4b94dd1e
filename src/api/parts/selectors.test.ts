/** Tolerations, affinity and topology spread, with the texts that a client reads. */
import { describe, expect, test } from "vitest";
import { errorsOf, podInput, withPath } from "../../testing/kind-fixtures.ts";

const errorsWith = (path: string, value: unknown): string[] =>
  errorsOf("core.v1.Pod", withPath(podInput, path, value));

type Case = readonly [path: string, value: unknown, errors: readonly string[]];

describe("tolerations, affinity, spread", () => {
  const t = "spec.tolerations[0]";
  const required = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
  const preferred = "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution";
  const expressions = `${required}.nodeSelectorTerms[0].matchExpressions`;
  const fields = `${required}.nodeSelectorTerms[0].matchFields`;
  const near = "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution";
  const spread = "spec.topologySpreadConstraints";
  test.each<Case>([
    ["spec.tolerations", [{ operator: "Exists" }], []],
    [
      "spec.tolerations",
      [{ operator: "Equal" }],
      [
        `${t}.operator: Invalid value: "Equal": operator must be Exists when \`key\` is empty, which means "match all values and all keys"`,
      ],
    ],
    [
      "spec.tolerations",
      [{ key: "a", operator: "Exists", value: "v" }],
      [`${t}.operator: Invalid value: "v": value must be empty when \`operator\` is 'Exists'`],
    ],
    [
      "spec.tolerations",
      [{ key: "a", operator: "Near" }],
      [`${t}.operator: Unsupported value: "Near": supported values: "Equal", "Exists"`],
    ],
    [
      "spec.tolerations",
      [{ key: "a", tolerationSeconds: 1 }],
      [`${t}.effect: Invalid value: "": effect must be 'NoExecute' when \`tolerationSeconds\` is set`],
    ],
    [
      "spec.tolerations",
      [{ key: "a", effect: "X" }],
      [
        `${t}.effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"`,
      ],
    ],
    [
      required,
      { nodeSelectorTerms: [] },
      [`${required}.nodeSelectorTerms: Required value: must have at least one node selector term`],
    ],
    [
      expressions,
      [{ key: "a", operator: "In" }],
      [`${expressions}[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`],
    ],
    [
      expressions,
      [{ key: "a", operator: "Exists", values: ["b"] }],
      [
        `${expressions}[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
      ],
    ],
    [
      expressions,
      [{ key: "a", operator: "Gt", values: ["1", "2"] }],
      [
        `${expressions}[0].values: Required value: must be specified single value when \`operator\` is 'Lt' or 'Gt'`,
      ],
    ],
    [
      expressions,
      [{ key: "a", operator: "Near" }],
      [`${expressions}[0].operator: Invalid value: "Near": not a valid selector operator`],
    ],
    [
      fields,
      [{ key: "metadata.name", operator: "In", values: ["a", "b"] }],
      [
        `${fields}[0].values: Required value: must be only one value when \`operator\` is 'In' or 'NotIn' for node field selector`,
      ],
    ],
    [
      fields,
      [{ key: "spec.x", operator: "In", values: ["a"] }],
      [`${fields}[0].key: Invalid value: "spec.x": not a valid field selector key`],
    ],
    [
      fields,
      [{ key: "metadata.name", operator: "Exists" }],
      [`${fields}[0].operator: Invalid value: "Exists": not a valid selector operator`],
    ],
    [
      preferred,
      [
        { weight: 0, preference: {} },
        { weight: 100, preference: {} },
        { weight: 101, preference: {} },
      ],
      [
        `${preferred}[0].weight: Invalid value: 0: must be in the range 1-100`,
        `${preferred}[2].weight: Invalid value: 101: must be in the range 1-100`,
      ],
    ],
    [
      near,
      [{ topologyKey: "a", labelSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }],
      [
        `${near}[0].labelSelector.matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
      ],
    ],
    [
      spread,
      [{ maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "X" }],
      [
        `${spread}[0].maxSkew: Invalid value: 0: must be greater than zero`,
        `${spread}[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"`,
      ],
    ],
  ])("%s = %j", (path, value, errors) => {
    expect(errorsWith(path, value)).toEqual(errors);
  });
});
