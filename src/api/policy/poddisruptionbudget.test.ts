/** PodDisruptionBudgets: what is valid, and the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, errorsOf, metadata, withPath } from "../../testing/kind-fixtures.ts";

const schema = "policy.v1.PodDisruptionBudget";
const input = { metadata, spec: { minAvailable: 1, selector: {} } };

test("valid", () => expect(errorsOf(schema, input)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  [
    "spec.maxUnavailable",
    1,
    [
      'spec: Invalid value: {"maxUnavailable":1,"minAvailable":1,"selector":{}}: minAvailable and maxUnavailable cannot be both set',
    ],
  ],
  ["spec.minAvailable", -1, ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"]],
  [
    "spec.minAvailable",
    "x",
    [
      "spec.minAvailable: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
  ],
  [
    "spec.unhealthyPodEvictionPolicy",
    "X",
    [
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "X": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
  ],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(input, path, value))).toEqual(errors);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([
    ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
    [],
  ]);
});

test("cells", () => {
  const budget = { spec: { maxUnavailable: "10%" }, status: { disruptionsAllowed: 2 } };
  expect(cellsOf(schema, budget)).toMatchObject({
    "Min Available": "N/A",
    "Max Unavailable": "10%",
    "Allowed Disruptions": 2,
  });
});
