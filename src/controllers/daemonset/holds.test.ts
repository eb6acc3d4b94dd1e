/** Holds alone: ends lie ahead, follow the monotonic clock, and are told in wall time; what is told in events is told once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../../base/index.ts";
import { FailedPodBackoff } from "./backoff.ts";
import type { PodFacts } from "./facts.ts";
import { Holds } from "./holds.ts";
import { rejectHoldMs } from "./plan.ts";
import type { RoomObstacle } from "./reasons.ts";

/** Wall and monotonic time apart. */
class TwoClocks implements Clock {
  wall = 1_000_000;
  mono = 0;
  nowMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.mono;
  }
  after(): { cancel(): void } {
    return { cancel() {} };
  }
  soon(): void {}
  pass(ms: number): void {
    this.wall += ms;
    this.mono += ms;
  }
}

const lostPod = (node: string, change: Partial<PodFacts> = {}): PodFacts => ({
  uid: "u",
  name: "p",
  node,
  isBound: true,
  isTerminating: false,
  life: "running",
  isReady: false,
  hasStarted: false,
  readySinceMs: undefined,
  createdMs: 1_000_000,
  hash: "",
  generation: "",
  resourceVersion: "1",
  ...change,
});

function start(): { clock: TwoClocks; holds: Holds } {
  const clock = new TwoClocks();
  return { clock, holds: new Holds(clock, new FailedPodBackoff({ firstMs: 1_000, maxMs: 4_000 })) };
}

const pressure: readonly RoomObstacle[] = [{ why: "NodePressure", condition: "DiskPressure" }];
const full: readonly RoomObstacle[] = [
  { why: "InsufficientResource", resource: "cpu", requested: 2, used: 1, capacity: 2 },
  ...pressure,
];
const fullText = "Node didn't have enough resource: cpu, requested: 2, used: 1, capacity: 2";

test("a back-off ends by the monotonic clock, and is told by the wall clock of the moment", () => {
  const { clock, holds } = start();
  holds.podFailed("n");
  expect(holds.backoffUntilMs("n")).toBe(1_001_000);
  clock.wall += 3_600_000;
  expect(holds.backoffUntilMs("n")).toBe(4_601_000);
  expect(holds.backoffs()).toBe(1);
  clock.pass(1_000);
  expect([holds.backoffUntilMs("n"), holds.backoffs()]).toEqual([undefined, 0]);
});

test("a node without room waits without end, whatever else it waits for, until it has room", () => {
  const { holds } = start();
  for (let i = 0; i < 3; i++) holds.podLost(lostPod("n"));
  const end = holds.holdOn("n")?.untilMs;
  expect(end).toBe(1_000_000 + rejectHoldMs(3));
  holds.setRefusal("n", full);
  expect(holds.holdOn("n")).toEqual({ why: "NoRoom", obstacles: full, untilMs: Infinity });
  holds.setRefusal("n", []);
  expect(holds.holdOn("n")?.untilMs).toBe(end);
});

test("a refusal is told once for each reason, and not at all when the node has room again or is gone", () => {
  const { holds } = start();
  const told = (): object => Object.fromEntries(holds.takeRefusals());
  holds.setRefusal("a", full);
  holds.setRefusal("b", full);
  holds.setRefusal("b", []);
  expect(told()).toEqual({ a: fullText });
  holds.setRefusal("a", full);
  expect(told()).toEqual({});
  holds.setRefusal("a", pressure);
  expect(told()).toEqual({ a: "node(s) had disk pressure" });
  holds.setRefusal("a", full);
  holds.clearRefusals();
  expect([told(), holds.holdOn("a")]).toEqual([{}, undefined]);
});

test("rejects are told when they put a node on hold, and not when a pod has lasted since", () => {
  const { clock, holds } = start();
  for (let i = 0; i < 2; i++) holds.podLost(lostPod("n"));
  expect(holds.takeRejects().size).toBe(0);
  holds.podLost(lostPod("n"));
  expect([...holds.takeRejects()]).toEqual([["n", 3]]);
  expect(holds.holdOn("n")).toEqual({ why: "PodsRejected", rejects: 3, untilMs: 1_001_000 });
  expect(holds.takeRejects().size).toBe(0);
  holds.podLost(lostPod("n"));
  holds.podLost(lostPod("n", { isReady: true }));
  expect([holds.takeRejects().size, holds.holdOn("n")?.untilMs]).toEqual([0, undefined]);
  clock.pass(60_000);
  holds.podLost(lostPod("n"));
  expect(holds.holdOn("n")?.untilMs).toBeUndefined();
});

test("another generation forgets; the same one does not, and neither does it say that there was something", () => {
  const { holds } = start();
  expect(holds.setGenerations(1, 1)).toBe(false);
  holds.podFailed("n");
  expect(holds.setGenerations(1, 2)).toBe(false);
  expect(holds.backoffUntilMs("n")).toBeDefined();
  expect([holds.setGenerations(2, 2), holds.backoffUntilMs("n")]).toEqual([true, undefined]);
  for (let i = 0; i < 3; i++) holds.podLost(lostPod("n"));
  expect([holds.setGenerations(2, 3), holds.holdOn("n")?.untilMs]).toEqual([true, undefined]);
});

test("whatever happens, an end that is told lies ahead, and a sweep changes no answer", () => {
  const node = fc.constantFrom("a", "b");
  const event = fc.oneof(
    fc.record({ do: fc.constant("fail" as const), node }),
    fc.record({ do: fc.constant("lose" as const), node, isReady: fc.boolean() }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1, 999, 1_000, 5_000, 2_000_000) }),
    fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-3_600_000, 3_600_000) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30, size: "max" }), (script) => {
      const { clock, holds } = start();
      const answers = (): (number | undefined)[] =>
        ["a", "b"].flatMap((name) => [holds.backoffUntilMs(name), holds.holdOn(name)?.untilMs]);
      for (const step of script) {
        if (step.do === "fail") holds.podFailed(step.node);
        else if (step.do === "lose")
          holds.podLost(lostPod(step.node, { isReady: step.isReady, createdMs: clock.wall }));
        else if (step.do === "pass") clock.pass(step.ms);
        else clock.wall += step.ms;
        const before = answers();
        for (const end of before) if (end !== undefined) expect(end).toBeGreaterThan(clock.wall);
        holds.sweep();
        expect(answers()).toEqual(before);
      }
    }),
  );
});
