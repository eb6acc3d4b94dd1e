/** PriorityClasses: what is valid, what may change, and the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, errorsOf, updateErrorsOf, withPath } from "../../testing/kind-fixtures.ts";

const schema = "scheduling.v1.PriorityClass";
const priorityClass = { metadata: { name: "high" }, value: 10 };
const reserved =
  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error:";

test("valid", () => expect(errorsOf(schema, priorityClass)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  [
    "value",
    1_000_000_001,
    ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
  ],
  ["metadata.name", "system-mine", [`${reserved} system-mine is not a known system priority class`]],
  [
    "metadata.name",
    "system-node-critical",
    [`${reserved} value of system-node-critical PriorityClass must be 2000001000`],
  ],
  [
    "preemptionPolicy",
    "X",
    ['preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"'],
  ],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(priorityClass, path, value))).toEqual(errors);
});

test("its value never changes", () => {
  expect(
    updateErrorsOf(schema, { ...priorityClass, value: 11, preemptionPolicy: "Never" }, priorityClass),
  ).toEqual([
    "value: Forbidden: may not be changed in an update.",
    'preemptionPolicy: Invalid value: "Never": field is immutable',
  ]);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"], []]);
});

test("cells", () => {
  expect(cellsOf(schema, { value: 5, preemptionPolicy: "Never" })).toMatchObject({
    Value: 5,
    "Global-Default": false,
    PreemptionPolicy: "Never",
  });
});
