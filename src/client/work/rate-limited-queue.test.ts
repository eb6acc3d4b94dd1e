/** Upstream's rules of the work queue, by example. */
import { expect, test } from "vitest";
import { type Labels, type Metrics, silentLog, SimulatedClock } from "../../base/index.ts";
import { type Status, StatusError } from "../../machinery/index.ts";
import { createWorkqueue, retryMaxMs } from "./rate-limited-queue.ts";
import { TerminalError, type Workqueue } from "./workqueue.ts";

interface Rig {
  readonly clock: SimulatedClock;
  readonly queue: Workqueue;
  readonly done: string[];
  readonly stop: AbortController;
  readonly logged: string[];
}

function rig(classOf?: (key: string) => "system" | "normal"): Rig {
  const clock = new SimulatedClock();
  const logged: string[] = [];
  const note = (message: string): void => void logged.push(message);
  const log = { ...silentLog, warn: note, error: note };
  const queue = createWorkqueue({ name: "q", clock, log, ...(classOf === undefined ? {} : { classOf }) });
  return { clock, queue, done: [], stop: new AbortController(), logged };
}

/** Lets promise chains of any length run to their end. */
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function runSimply({ queue, done, stop }: Rig, workers = 1): Promise<void> {
  const reconcile = async (key: string): Promise<void> => void done.push(key);
  return queue.run({ workers, reconcile, signal: stop.signal });
}

test("a key waits once, in order, and work never starts inside add", async () => {
  const given = rig();
  void runSimply(given);
  for (const key of ["a", "b", "a", "c", "b"]) given.queue.add(key);
  expect([given.queue.length, given.done]).toEqual([3, []]);
  await given.clock.advance(0);
  expect(given.done).toEqual(["a", "b", "c"]);
});

test("a key added while it is reconciled is reconciled again afterwards, not meanwhile", async () => {
  const { clock, queue, stop } = rig();
  const finish: (() => void)[] = [];
  const reconcile = (): Promise<void> => new Promise((resolve) => finish.push(resolve));
  void queue.run({ workers: 3, reconcile, signal: stop.signal });
  queue.add("a");
  await clock.advance(0);
  queue.add("a");
  queue.add("a");
  await clock.advance(1000);
  expect([finish.length, queue.length]).toEqual([1, 0]);
  finish[0]!();
  await clock.advance(0);
  expect(finish.length).toBe(2);
  finish[1]!();
  await clock.advance(0);
  expect(finish.length).toBe(2);
});

test("the earliest delay wins", async () => {
  const given = rig();
  const { queue, clock, done } = given;
  void runSimply(given);
  queue.addAfter("a", 100);
  queue.addAfter("a", 50);
  queue.addAfter("a", 70);
  queue.addAfter("b", 60);
  await clock.advance(49);
  expect(done).toEqual([]);
  await clock.advance(1);
  expect(done).toEqual(["a"]);
  await clock.advance(1000);
  expect(done).toEqual(["a", "b"]);
  queue.addAfter("c", 0);
  await clock.advance(0);
  expect(done).toEqual(["a", "b", "c"]);
});

test("ten thousand delayed keys need one timer at a time", async () => {
  const { queue } = rig();
  let live = 0;
  const clock = new SimulatedClock();
  const counting = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs: number, callback: () => void) => {
      live++;
      const timer = clock.after(delayMs, () => (live--, callback()));
      return { cancel: () => (live--, timer.cancel()) };
    },
    soon: (callback: () => void) => clock.soon(callback),
  };
  const counted = createWorkqueue({ name: "q", clock: counting, log: silentLog });
  for (let i = 10_000; i > 0; i--) counted.addAfter(`k${i}`, i);
  expect(live).toBe(1);
  await clock.advance(10_000);
  expect([live, counted.length, queue.length]).toEqual([0, 10_000, 0]);
});

test("retries of a key: 5 ms doubling to 1000 s, forgotten after success", async () => {
  const { clock, queue, stop, logged } = rig();
  const times: number[] = [];
  let fails = true;
  const reconcile = async (): Promise<void> => {
    times.push(clock.monotonicMs());
    if (fails) throw new Error("no");
  };
  void queue.run({ workers: 1, reconcile, signal: stop.signal });
  queue.add("a");
  await clock.advance(5 + 10 + 20 + 40);
  expect(times).toEqual([0, 5, 15, 35, 75]);
  expect([queue.retries("a"), logged.length]).toEqual([5, 5]);
  await clock.advance(3_000_000);
  const gaps = times.slice(1).map((time, at) => time - times[at]!);
  expect(Math.max(...gaps)).toBe(retryMaxMs);
  fails = false;
  await clock.advance(retryMaxMs);
  expect(queue.retries("a")).toBe(0);
});

test("all retries together: a hundred at once, then ten a second", async () => {
  const given = rig();
  void runSimply(given);
  for (let i = 0; i < 120; i++) given.queue.addRateLimited(`k${i}`);
  await given.clock.advance(5, drain);
  expect(given.done).toHaveLength(100);
  await given.clock.advance(1000, drain);
  expect(given.done).toHaveLength(110);
  await given.clock.advance(1000, drain);
  expect(given.done).toHaveLength(120);
});

test("requeueAfterMs adds again; a terminal failure does not", async () => {
  const { clock, queue, stop, logged } = rig();
  const seen: string[] = [];
  const reconcile = async (key: string): Promise<{ requeueAfterMs: number } | undefined> => {
    seen.push(`${key}@${clock.monotonicMs()}`);
    if (key === "t") throw new TerminalError("never");
    return seen.length < 4 ? { requeueAfterMs: 30 } : undefined;
  };
  void queue.run({ workers: 1, reconcile, signal: stop.signal });
  queue.add("t");
  queue.add("a");
  await clock.advance(10_000);
  expect(seen).toEqual(["t@0", "a@0", "a@30", "a@60"]);
  expect(logged).toEqual(["reconcile failed for good"]);
});

test("a refusal because the namespace goes is tried again, and is no warning", async () => {
  const { clock, queue, stop, logged } = rig();
  const causes = [{ reason: "NamespaceTerminating", message: "", field: "" }];
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    details: { causes },
  };
  const refused = new StatusError(status);
  let calls = 0;
  const reconcile = (): Promise<void> => (++calls < 3 ? Promise.reject(refused) : Promise.resolve());
  void queue.run({ workers: 1, reconcile, signal: stop.signal });
  queue.add("a");
  await clock.advance(1_000);
  expect([calls, logged]).toEqual([3, []]);
});

test("system keys go first, but every fifth key is a normal one", async () => {
  const given = rig((key) => (key.startsWith("s") ? "system" : "normal"));
  for (let i = 0; i < 10; i++) given.queue.add(`n${i}`);
  for (let i = 0; i < 10; i++) given.queue.add(`s${i}`);
  void runSimply(given);
  await given.clock.advance(0);
  expect(given.done.join(" ")).toBe("s0 s1 s2 s3 n0 s4 s5 s6 s7 n1 s8 s9 n2 n3 n4 n5 n6 n7 n8 n9");
});

test("abort: no new work, run resolves when what is under way ends, nothing is left behind", async () => {
  const { clock, queue, stop } = rig();
  let finish = (): void => {};
  let isOver = false;
  const reconcile = (): Promise<void> => new Promise((resolve) => (finish = resolve));
  const running = queue.run({ workers: 1, reconcile, signal: stop.signal }).then(() => (isOver = true));
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 1000);
  await clock.advance(0);
  stop.abort();
  await clock.advance(0);
  expect(isOver).toBe(false);
  finish();
  await running;
  queue.add("d");
  expect([queue.length, clock.untilNextMs()]).toEqual([1, undefined]);
});

test("a queue that starts much work lets timers and sockets run in between", async () => {
  const clock = new SimulatedClock();
  let busyMs = 0;
  const slow = {
    nowMs: () => 0,
    monotonicMs: () => busyMs,
    after: clock.after.bind(clock),
    soon: clock.soon.bind(clock),
  };
  const queue = createWorkqueue({ name: "q", clock: slow, log: silentLog });
  let done = 0;
  const reconcile = async (): Promise<void> => {
    busyMs += 5;
    done++;
  };
  for (let i = 0; i < 20; i++) queue.add(`k${i}`);
  void queue.run({ workers: 1, reconcile, signal: new AbortController().signal });
  await drain();
  expect(done).toBe(5);
  await clock.advance(0);
  expect(done).toBe(20);
  busyMs += 100_000;
  queue.add("after a rest");
  await drain();
  expect(done).toBe(21);
});

test("metrics show depth, adds, retries and durations by name", async () => {
  const clock = new SimulatedClock();
  const seen: Record<string, number[]> = {};
  const note = (name: string) => (value: number, labels?: Labels) => {
    expect(labels).toEqual({ name: "daemonset" });
    (seen[name] ??= []).push(value);
  };
  const metrics: Metrics = {
    counter: (name) => ({ add: note(name) }),
    gauge: (name) => ({ set: note(name), remove() {} }),
    histogram: (name) => ({ observe: note(name) }),
    onRead: () => () => {},
  };
  const queue = createWorkqueue({ name: "daemonset", clock, log: silentLog, metrics });
  queue.add("a");
  await clock.advance(2000);
  const fails = { left: 1 };
  const reconcile = async (): Promise<void> => {
    if (fails.left-- > 0) throw new Error("once");
  };
  void queue.run({ workers: 1, reconcile, signal: new AbortController().signal });
  await clock.advance(10);
  expect(seen).toEqual({
    workqueue_adds_total: [1, 1],
    workqueue_depth: [1, 0, 1, 0],
    workqueue_queue_duration_seconds: [2, 0],
    workqueue_work_duration_seconds: [0, 0],
    workqueue_retries_total: [1],
  });
});
