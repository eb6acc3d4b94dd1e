/** The adaptive rate, window by window. */
import { expect, test } from "vitest";
import { AdaptiveRate, perSecondMin } from "./adaptive-rate.ts";

/** Windows of a second, each with ten answers of one latency while calls wait. */
class Rig {
  nowMs = 0;
  readonly rate: AdaptiveRate;

  constructor(perSecondMax = 1000) {
    this.rate = new AdaptiveRate(0, { perSecondMax });
  }

  windows(count: number, latencyMs: number, isWaiting = true): (string | undefined)[] {
    const reasons: (string | undefined)[] = [];
    for (let window = 0; window < count; window++)
      for (let answer = 0; answer < 10; answer++) {
        if (isWaiting) this.rate.waited();
        this.nowMs += 100;
        const reason = this.rate.answered(latencyMs, this.nowMs);
        if (reason !== undefined) reasons.push(reason);
      }
    return reasons;
  }
}

test("doubles while calls wait and answers are quick, up to the ceiling", () => {
  const rig = new Rig();
  const seen: number[] = [];
  for (let window = 0; window < 7; window++) {
    rig.windows(1, 5);
    seen.push(rig.rate.perSecond);
  }
  expect(seen).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
});

test("stays when no call waits, since an idle client learns nothing about the server", () => {
  const rig = new Rig();
  rig.windows(20, 5, false);
  expect(rig.rate.perSecond).toBe(50);
});

test("a refusal halves it, once a window, and from then on it grows by steps", () => {
  const rig = new Rig();
  rig.windows(3, 5);
  expect([rig.rate.refused(rig.nowMs), rig.rate.refused(rig.nowMs), rig.rate.perSecond]).toEqual([
    "refused",
    undefined,
    200,
  ]);
  rig.windows(1, 5);
  expect(rig.rate.perSecond).toBe(200);
  rig.windows(4, 5);
  expect(rig.rate.perSecond).toBe(300);
});

test("a server that refuses everything gets ever fewer calls, down to the floor", () => {
  const rig = new Rig();
  for (let second = 0; second < 30; second++) rig.rate.refused(second * 1000);
  expect(rig.rate.perSecond).toBe(perSecondMin);
});

test("a median that doubles lowers it by a fifth each window; when it falls, the rate grows again", () => {
  const rig = new Rig();
  rig.windows(3, 20);
  expect(rig.rate.perSecond).toBe(400);
  expect(rig.windows(2, 60)).toEqual(["slow", "slow"]);
  expect(rig.rate.perSecond).toBeCloseTo(256);
  rig.windows(2, 20);
  expect(rig.rate.perSecond).toBeCloseTo(306);
});

test("neither noise of a quick server nor single slow answers lower the rate", () => {
  const rig = new Rig();
  rig.windows(3, 1);
  expect(rig.windows(3, 15)).toEqual([]);
  for (let window = 0; window < 5; window++)
    for (let answer = 0; answer < 10; answer++)
      expect(rig.rate.answered(answer === 0 ? 5000 : 1, (rig.nowMs += 100))).toBeUndefined();
});

test("a ceiling below the start holds from the start", () => {
  expect(new AdaptiveRate(0, { perSecondMax: 10 }).perSecond).toBe(10);
});
