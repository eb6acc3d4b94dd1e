/** Flow control: nobody gets more than there is, nobody starves, nobody waits for ever. */
import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import {
  FairQueues,
  queuedPerClassMax,
  queueWaitMsMax,
  type Release,
  type RequestClass,
} from "./fair-queues.ts";

function seat(
  seats: FairQueues,
  name: RequestClass,
  username = "u",
  signal = new AbortController().signal,
): Promise<Release> {
  return seats.acquire({ class: name, username, signal });
}

describe("seats", () => {
  it("are given at once while there are some, then as they come free", async () => {
    const seats = new FairQueues(10, new SimulatedClock());
    const held = await Promise.all(Array.from({ length: 9 }, () => seat(seats, "others")));
    let isIn = false;
    const waiting = seat(seats, "others").then((release) => ((isIn = true), release));
    await Promise.resolve();
    expect([seats.inUse, isIn]).toEqual([9, false]);
    held[0]!();
    held[0]!();
    (await waiting)();
    expect(seats.inUse).toBe(8);
    for (const release of held) release();
    expect(seats.inUse).toBe(0);
  });

  it("keep a reserve that a flood cannot take", async () => {
    const seats = new FairQueues(100, new SimulatedClock());
    for (let i = 0; i < 200; i++) void seat(seats, "others");
    expect(seats.inUse).toBe(90);
    for (const name of ["system", "heartbeats", "controllers", "admins"] as const) {
      expect(
        seats.tryAcquire({ class: name, username: "u", signal: new AbortController().signal }),
      ).toBeDefined();
    }
    expect(
      seats.tryAcquire({ class: "others", username: "u", signal: new AbortController().signal }),
    ).toBeUndefined();
  });

  it("go to the class that has least of its share, and there to users in turn", async () => {
    const seats = new FairQueues(10, new SimulatedClock());
    const held = await Promise.all(Array.from({ length: 6 }, () => seat(seats, "system", "greedy")));
    for (let i = 0; i < 3; i++) held.push(await seat(seats, "others", "stranger"));
    held.push(await seat(seats, "admins", "root"));
    const order: string[] = [];
    const enter = (name: RequestClass, username: string): void =>
      void seat(seats, name, username).then(() => order.push(username));
    enter("system", "greedy");
    enter("system", "greedy");
    enter("system", "greedy");
    enter("system", "modest");
    enter("others", "stranger");
    for (const release of held) release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["stranger", "greedy", "modest", "greedy", "greedy"]);
  });

  it("are refused with 429 and Retry-After when the queue is full or the wait too long", async () => {
    const clock = new SimulatedClock();
    const seats = new FairQueues(1, clock);
    const release = await seat(seats, "admins");
    const waiting = seat(seats, "others").catch((error: unknown) => error);
    const rest = Array.from({ length: queuedPerClassMax - 1 }, () => seat(seats, "others").catch(() => {}));
    await expect(seat(seats, "others")).rejects.toThrow("Too many requests, please try again later.");
    await clock.advance(queueWaitMsMax);
    expect(await waiting).toMatchObject({ status: { code: 429, details: { retryAfterSeconds: 1 } } });
    await Promise.all(rest);
    release();
    expect(seats.inUse).toBe(0);
    expect(clock.untilNextMs()).toBeUndefined();
  });

  it("are not waited for by those who have left", async () => {
    const clock = new SimulatedClock();
    const seats = new FairQueues(1, clock);
    const release = await seat(seats, "admins");
    const gone = new AbortController();
    const waiting = seat(seats, "others", "u", gone.signal);
    gone.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    release();
    expect(seats.inUse).toBe(0);
    expect(clock.untilNextMs()).toBeUndefined();
  });
});
