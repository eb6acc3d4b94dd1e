/** Events of the group events.k8s.io: their row is that of the core events. */
import { expect, test } from "vitest";
import { cellsOf, layoutOf } from "../../testing/kind-fixtures.ts";
import type { Event } from "../generated/types.gen.ts";

test("columns are those of core events", () => {
  expect(layoutOf("events.v1.Event").columns).toBe(layoutOf("core.v1.Event").columns);
});

const base = {
  involvedObject: { kind: "Pod", name: "p" },
  type: "Normal",
  reason: "Started",
  message: " up \n",
};

test("in their newer shape look the same", () => {
  const newer = {
    regarding: base.involvedObject,
    note: base.message,
    type: "Normal",
    reason: "Started",
    reportingController: "r",
    deprecatedCount: 2,
    deprecatedFirstTimestamp: "2026-01-01T00:00:00Z",
    deprecatedLastTimestamp: "2026-01-01T00:59:00Z",
  };
  const older: Partial<Event> = {
    ...base,
    reportingComponent: "r",
    count: 2,
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:59:00Z",
  };
  expect(cellsOf("events.v1.Event", newer)).toEqual(cellsOf("core.v1.Event", older));
});
