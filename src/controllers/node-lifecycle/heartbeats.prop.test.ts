/** Heartbeats against a naive model: a node is silent exactly when it was not heard of for its grace time. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Heartbeats } from "./heartbeats.ts";

const graceMs = 40;
const names = ["a", "b", "c"];
const step = fc.record({
  wait: fc.nat(50),
  name: fc.constantFrom(...names),
  does: fc.constantFrom("beat", "beat", "forget", "hearAll"),
});

test("silence is found once, after the grace time, and ends with the next heartbeat", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heartbeats = new Heartbeats();
      const heardMs = new Map<string, number>();
      const silent = new Set<string>();
      const returned: [ours: boolean, models: boolean][] = [];
      let now = 0;
      for (const { wait, name, does } of steps) {
        now += wait;
        const fell = names.filter(
          (other) => heardMs.has(other) && !silent.has(other) && heardMs.get(other)! + graceMs <= now,
        );
        expect(heartbeats.expire(now).toSorted()).toEqual(fell);
        for (const other of fell) silent.add(other);
        if (does === "beat") {
          returned.push([heartbeats.heard(name, now, graceMs), silent.delete(name)]);
          heardMs.set(name, now);
        } else if (does === "forget") {
          heartbeats.forget(name);
          heardMs.delete(name);
          silent.delete(name);
        } else {
          heartbeats.hearAll(now);
          for (const other of heardMs.keys()) heardMs.set(other, now);
          silent.clear();
        }
        for (const other of names) expect(heartbeats.isSilent(other)).toBe(silent.has(other));
        expect(heartbeats.size).toBe(heardMs.size);
        expect(returned.map(([ours]) => ours)).toEqual(returned.map(([, models]) => models));
      }
    }),
  );
});

test("a node that dies right after its first report is not given the longer grace of a start", () => {
  const heartbeats = new Heartbeats();
  heartbeats.heard("a", 0, 60_000);
  heartbeats.heard("a", 1_000, 40_000);
  expect(heartbeats.expire(40_999)).toEqual([]);
  expect(heartbeats.expire(41_000)).toEqual(["a"]);
  expect(heartbeats.expire(60_000)).toEqual([]);
  expect(heartbeats.size).toBe(1);
});
