/** Events of the core group: where they stand, and the row. */
import { expect, test } from "vitest";
import { cellsOf, columnsOf, errorsOf, layoutOf, metadata, withPath } from "../../testing/kind-fixtures.ts";

const schema = "core.v1.Event";
const wrong = (namespace: string): string[] => [
  `involvedObject.namespace: Invalid value: "${namespace}": does not match event.namespace`,
];
const input = { metadata, involvedObject: { namespace: "default", name: "p" } };

test("valid", () => expect(errorsOf(schema, input)).toEqual([]));

test.each<readonly [path: string, value: unknown, errors: readonly string[]]>([
  ["involvedObject.namespace", undefined, []],
  ["involvedObject.namespace", "other", wrong("other")],
  ["metadata.namespace", "other", wrong("default")],
])("%s = %j", (path, value, errors) => {
  expect(errorsOf(schema, withPath(input, path, value))).toEqual(errors);
});

test("columns", () => {
  expect(columnsOf(schema)).toEqual([
    ["Last Seen", "Type", "Reason", "Object", "Message"],
    ["Subobject", "Source", "First Seen", "Count", "Name"],
  ]);
});

test("message stands after source in events", () => {
  expect(layoutOf(schema).columns.map((column) => column.name)).toEqual([
    "Last Seen",
    "Type",
    "Reason",
    "Object",
    "Subobject",
    "Source",
    "Message",
    "First Seen",
    "Count",
    "Name",
  ]);
});

const base = {
  involvedObject: { kind: "Pod", name: "p" },
  type: "Normal",
  reason: "Started",
  message: " up \n",
};
test.each<[string, object, object]>([
  [
    "counted",
    { firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:59:00Z", count: 3 },
    { "Last Seen": "60s", "First Seen": "60m", Count: 3 },
  ],
  [
    "of one time",
    { eventTime: "2026-01-01T00:59:30.000000Z", count: 0 },
    { "Last Seen": "30s", "First Seen": "30s", Count: 1 },
  ],
  [
    "in a series",
    {
      eventTime: "2026-01-01T00:00:00.000000Z",
      series: { count: 8, lastObservedTime: "2026-01-01T00:59:59.000000Z" },
    },
    { "Last Seen": "1s", "First Seen": "60m", Count: 8 },
  ],
  ["without times", {}, { "Last Seen": "<unknown>", "First Seen": "<unknown>" }],
  ["with a source", { source: { component: "kubelet", host: "n1" } }, { Source: "kubelet, n1" }],
  ["with a reporter", { source: {}, reportingComponent: "r", reportingInstance: "i" }, { Source: "r, i" }],
  ["with neither host", { source: { component: "kubelet" } }, { Source: "kubelet" }],
  ["of a kind only", { involvedObject: { kind: "Node" } }, { Object: "node" }],
  [
    "of a part",
    { involvedObject: { kind: "Pod", name: "p", fieldPath: "spec.containers{a}" } },
    { Object: "pod/p", Subobject: "spec.containers{a}", Message: "up" },
  ],
])("%s", (_name, more, expected) => {
  expect(cellsOf(schema, { ...base, ...more })).toMatchObject(expected);
});
