/**
 * The status that is written, and when nothing is written.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import { describe, expect, test } from "vitest";
import type { SlotCounts } from "./slots.ts";
import { statusNumbers, withStatus } from "./status.ts";

describe("status (#15)", () => {
  const counts = {
    desired: 5,
    current: 4,
    misscheduled: 1,
    ready: 3,
    available: 2,
    updated: 1,
  } as SlotCounts;
  const numbers = statusNumbers(counts);
  const metadata = { name: "foo", namespace: "default", generation: 2 };
  const spec = { selector: {}, template: { spec: { containers: [] } } };

  test("numbers, and conditions and collisionCount stay", () => {
    const stored = {
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
      collisionCount: 3,
      conditions: [{ type: "T", status: "True" }],
    };
    expect(withStatus({ metadata, spec, status: stored }, numbers, 2)?.status).toEqual({
      desiredNumberScheduled: 5,
      currentNumberScheduled: 4,
      numberMisscheduled: 1,
      numberReady: 3,
      numberAvailable: 2,
      updatedNumberScheduled: 1,
      numberUnavailable: 3,
      observedGeneration: 2,
      collisionCount: 3,
      conditions: [{ type: "T", status: "True" }],
    });
  });

  test("no write when nothing differs; the observed generation counts in a full sync only, and never goes back", () => {
    const stored = withStatus({ metadata, spec }, numbers, 1)!;
    expect(withStatus(stored, numbers, 1)).toBeUndefined();
    expect(withStatus(stored, numbers, undefined)).toBeUndefined();
    const newer = withStatus(stored, numbers, 2)!;
    expect(newer.status?.observedGeneration).toBe(2);
    expect(withStatus(newer, { ...numbers, numberReady: 0 }, 1)?.status?.observedGeneration).toBe(2);
    expect(withStatus(stored, { ...numbers, numberReady: 0 }, 0)?.status?.observedGeneration).toBe(1);
  });
});
