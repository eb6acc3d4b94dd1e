/** The scheduling queue: order, back-off, parking by shape and by node, and the five-minute flush. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../base/index.ts";
import { makePod } from "../testing/cluster-objects.ts";
import type { Filter } from "./filters.ts";
import { factsOf } from "./pod-facts.ts";
import { backoffMs, SchedulingQueue, type Waiting } from "./queue.ts";

function setUp(): { queue: SchedulingQueue; clock: SimulatedClock; active: () => number } {
  const clock = new SimulatedClock();
  let calls = 0;
  return { clock, queue: new SchedulingQueue(clock, () => calls++), active: () => calls };
}

function reason(shape: string, pinned?: string) {
  const pod = makePod("sample");
  const filters: ReadonlySet<Filter> = new Set(["NodeResourcesFit"]);
  return {
    shape,
    sample: { pod, facts: factsOf(pod) },
    filters,
    pinned: pinned ? new Set([pinned]) : undefined,
    message: "no",
  };
}

function takeAll(queue: SchedulingQueue): string[] {
  const keys: string[] = [];
  for (let waiting: Waiting | undefined; (waiting = queue.take());) keys.push(waiting.key);
  return keys;
}

test("higher priority comes out first, then first come, first served", () => {
  const { queue } = setUp();
  queue.add("d/low", "1", 0);
  queue.add("d/high", "2", 100);
  queue.add("d/low2", "3", 0);
  expect(takeAll(queue)).toEqual(["d/high", "d/low", "d/low2"]);
});

test("a removed pod does not come out, a pod of the same name and another uid does", () => {
  const { queue } = setUp();
  queue.add("d/a", "1", 0);
  queue.remove("d/a");
  queue.add("d/a", "2", 0);
  expect([queue.take()?.uid, queue.take()]).toEqual(["2", undefined]);
});

test("back-off doubles from one second to ten", () => {
  expect([1, 2, 3, 4, 5, 50].map(backoffMs)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("a failed call brings the pod back after its back-off", async () => {
  const { queue, clock } = setUp();
  queue.add("d/a", "1", 0);
  queue.retry(queue.take()!);
  await clock.advance(999);
  expect(takeAll(queue)).toEqual([]);
  await clock.advance(1);
  const again = queue.take()!;
  expect(again.attempts).toBe(1);
  queue.retry(again);
  await clock.advance(1999);
  expect(takeAll(queue)).toEqual([]);
  await clock.advance(1);
  expect(takeAll(queue)).toEqual(["d/a"]);
});

test("an earlier back-off is not held up by a later one", async () => {
  const { queue, clock } = setUp();
  queue.add("d/late", "1", 0);
  const late = queue.take()!;
  late.attempts = 5;
  queue.retry(late);
  queue.add("d/soon", "2", 0);
  queue.retry(queue.take()!);
  await clock.advance(1000);
  expect(takeAll(queue)).toEqual(["d/soon"]);
});

test("parked pods of one shape are released together, those pinned only by their node", async () => {
  const { queue, clock } = setUp();
  for (const name of ["a", "b", "c"]) queue.add(`d/${name}`, name, 0);
  const [a, b, c] = [queue.take()!, queue.take()!, queue.take()!];
  queue.park(a, reason("same"));
  queue.park(b, reason("same"));
  queue.park(c, reason("pinned c", "node1"));
  expect([...queue.concernedBy("node2")].map(({ shape }) => shape)).toEqual(["same"]);
  expect([...queue.concernedBy("node1")].map(({ shape }) => shape)).toEqual(["pinned c", "same"]);
  await clock.advance(1000);
  queue.release(queue.parkedShape("same")!);
  expect(takeAll(queue)).toEqual(["d/a", "d/b"]);
  expect(queue.parkedShape("same")).toBeUndefined();
  expect(queue.hasParkedShapes).toBe(false);
});

test("released soon after the last try, a pod lets others go first but does not wait for nobody", () => {
  const { queue, active } = setUp();
  queue.add("d/early", "1", 1000);
  queue.park(queue.take()!, reason("s"));
  const before = active();
  queue.release(queue.parkedShape("s")!);
  queue.add("d/other", "2", 0);
  expect(active()).toBeGreaterThan(before);
  expect(takeAll(queue)).toEqual(["d/other", "d/early"]);
});

test("parked pods are tried again after five minutes even if nothing changed", async () => {
  const { queue, clock, active } = setUp();
  queue.add("d/a", "1", 0);
  queue.park(queue.take()!, reason("s"));
  await clock.advance(299_000);
  expect(takeAll(queue)).toEqual([]);
  const before = active();
  await clock.advance(1_000);
  expect(active()).toBeGreaterThan(before);
  expect(takeAll(queue)).toEqual(["d/a"]);
});

test("a parked pod that is removed leaves nothing behind", () => {
  const { queue } = setUp();
  queue.add("d/a", "1", 0);
  queue.park(queue.take()!, reason("s", "node1"));
  queue.remove("d/a");
  expect([...queue.concernedBy("node1")]).toEqual([]);
  expect(queue.size).toBe(0);
});
