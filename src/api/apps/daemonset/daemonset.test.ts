/** DaemonSets: defaults of the strategy and of the history, and the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, decoded } from "../../../testing/kind-fixtures.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";

const schema = "apps.v1.DaemonSet";

test.each([
  [undefined, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }],
  [{ type: "OnDelete" }, { type: "OnDelete" }],
  [
    { rollingUpdate: { maxUnavailable: 0, maxSurge: "10%" } },
    { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "10%" } },
  ],
])("strategy %j", (given, expected) => {
  const input = {
    metadata: {},
    spec: { selector: {}, template: {}, ...(given === undefined ? {} : { updateStrategy: given }) },
  };
  const object = decoded<DaemonSet>(schema, input);
  expect(object.spec.updateStrategy).toEqual(expected);
  expect(object.spec.revisionHistoryLimit).toBe(10);
});

test("an explicit limit of 0 is kept", () => {
  const input = { metadata: {}, spec: { revisionHistoryLimit: 0, template: {} } };
  const object = decoded<DaemonSet>(schema, input);
  expect(object.spec.revisionHistoryLimit).toBe(0);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([
    ["Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age"],
    ["Containers", "Images", "Selector"],
  ]);
});

test("cells", () => {
  const containers = [
    { name: "a", image: "i:1" },
    { name: "b", image: "j:2" },
  ];
  const status = {
    desiredNumberScheduled: 5,
    currentNumberScheduled: 4,
    numberReady: 3,
    updatedNumberScheduled: 2,
    numberAvailable: 1,
    numberMisscheduled: 0,
  };
  const selector = {
    matchLabels: { app: "agent" },
    matchExpressions: [{ key: "x", operator: "In", values: ["a", "b"] }],
  };
  const spec = { selector, template: { spec: { containers, nodeSelector: { z: "1", a: "2" } } } };
  expect(cellsOf(schema, { spec, status })).toEqual({
    Name: "n",
    Desired: 5,
    Current: 4,
    Ready: 3,
    "Up-to-date": 2,
    Available: 1,
    "Node Selector": "a=2,z=1",
    Age: "60m",
    Containers: "a,b",
    Images: "i:1,j:2",
    Selector: "app=agent,x in (a,b)",
  });
  const bare = { spec: { selector: {}, template: { spec: { containers: [] } } } };
  expect(cellsOf(schema, bare)).toMatchObject({
    Desired: 0,
    "Node Selector": "<none>",
    Selector: "<none>",
  });
});
