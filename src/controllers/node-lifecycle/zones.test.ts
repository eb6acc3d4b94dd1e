/** How fast nodes may be tainted, by the health of their zones. */
import { describe, expect, test } from "vitest";
import { Zones, zoneStateOf } from "./zones.ts";

test.each<[ready: number, unready: number, state: string]>([
  [0, 0, "normal"],
  [3, 0, "normal"],
  [1, 2, "normal"],
  [0, 1, "full-disruption"],
  [0, 5, "full-disruption"],
  [3, 3, "normal"],
  [2, 3, "partial-disruption"],
  [45, 55, "partial-disruption"],
  [46, 54, "normal"],
])("%i ready and %i unready nodes: %s", (ready, unready, state) => {
  expect(zoneStateOf(ready, unready)).toBe(state);
});

function zones(ready: number, unready: number, zone = "z", into: Zones = new Zones()): Zones {
  for (let i = 0; i < ready; i++) into.set(`${zone}-up${i}`, zone, true);
  for (let i = 0; i < unready; i++) into.set(`${zone}-down${i}`, zone, false);
  return into;
}

/** How many nodes are tainted when asked every 5 s for `seconds`. */
function taintedIn(seconds: number, of: Zones): number {
  let count = 0;
  for (let at = 0; at < seconds; at += 5) count += of.due(at * 1000).length;
  return count;
}

describe("rate", () => {
  test("one node in ten seconds, the first at once", () => {
    expect(taintedIn(60, zones(20, 10))).toBe(6);
  });
  test("a small zone in disruption stops", () => {
    expect(taintedIn(1000, zones(2, 8))).toBe(0);
  });
  test("a large zone in disruption slows down", () => {
    expect(taintedIn(1000, zones(20, 80))).toBe(10);
  });
  test("nobody is ready anywhere: nothing at all", () => {
    const blind = zones(0, 3);
    expect(blind.isBlind).toBe(true);
    expect(taintedIn(1000, blind)).toBe(0);
  });
  test("one of two zones is down: it is evicted at the usual rate", () => {
    expect(taintedIn(100, zones(3, 0, "b", zones(0, 5, "a")))).toBe(5);
  });
  test("a node that recovers before its turn is passed over", () => {
    const of = zones(20, 2);
    of.set("z-down0", "z", true);
    expect(of.due(0)).toEqual(["z-down1"]);
    expect(taintedIn(100, of)).toBe(0);
  });
  test("a removed node counts no more", () => {
    const of = zones(1, 1);
    of.remove("z-up0");
    expect(of.isBlind).toBe(true);
    of.remove("z-down0");
    expect(of.isBlind).toBe(false);
  });
});
