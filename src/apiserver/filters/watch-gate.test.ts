/** How many long-running requests may be open. */
import { expect, it } from "vitest";
import { WatchGate } from "./watch-gate.ts";

it("watches are counted by user and by address", () => {
  const gate = new WatchGate({ perUserMax: 2, perAddressMax: 3 });
  const leave = gate.enter("a", "x");
  gate.enter("a", "x");
  expect(() => gate.enter("a", "y")).toThrow("Too many watches");
  gate.enter("b", "x");
  expect(() => gate.enter("c", "x")).toThrow("Too many watches");
  leave();
  leave();
  expect(gate.open).toBe(2);
  gate.enter("a", "x");
  expect(() => gate.enter("a", "z")).toThrow("Too many watches");
});
