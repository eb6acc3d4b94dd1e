/** Limits of a roll-out from maxUnavailable and maxSurge. Whole roll-outs: rollout.test.ts, slots.prop.test.ts. */
import { describe, expect, test } from "vitest";
import { rolloutLimits } from "./rolling-update.ts";

describe("TestGetUnavailableNumbers", () => {
  const cases: readonly (readonly [number, number | string, number | string, number, number])[] = [
    // desired, maxUnavailable, maxSurge → surge, unavailable
    [0, 0, 0, 0, 0],
    [2, 1, 0, 0, 1],
    [2, 0, 0, 0, 1],
    [2, "50%", 0, 0, 1],
    [2, 0, "50%", 1, 0],
    [2, 0, "100%", 2, 0],
    [3, "50%", 0, 0, 2],
  ];
  for (const [desired, unavailable, surge, maxSurge, maxUnavailable] of cases) {
    test(`${unavailable} unavailable, ${surge} surge of ${desired}`, () => {
      const strategy = { type: "RollingUpdate", maxUnavailable: unavailable, maxSurge: surge } as const;
      expect(rolloutLimits(strategy, desired)).toEqual({ maxSurge, maxUnavailable });
    });
  }
  test("a limit that is neither is refused", () => {
    expect(rolloutLimits({ type: "RollingUpdate", maxUnavailable: "half", maxSurge: 0 }, 2)).toBeUndefined();
  });
});
