/** Seats and classes: nobody gets more than there is, nobody starves, nobody waits for ever. */
import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import { requestInfoOf } from "../../machinery/index.ts";
import {
  FairSeats,
  queuedPerClassMax,
  queueWaitMsMax,
  requestClass,
  type Release,
  type RequestClass,
  WatchGate,
} from "./limits.ts";

function seat(
  seats: FairSeats,
  name: RequestClass,
  username = "u",
  signal = new AbortController().signal,
): Promise<Release> {
  return seats.acquire({ class: name, username, signal });
}

describe("seats", () => {
  it("are given at once while there are some, then as they come free", async () => {
    const seats = new FairSeats(10, new SimulatedClock());
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
    const seats = new FairSeats(100, new SimulatedClock());
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
    const seats = new FairSeats(10, new SimulatedClock());
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
    const seats = new FairSeats(1, clock);
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
    const seats = new FairSeats(1, clock);
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

it("requests are told apart by who sends them and what for", () => {
  const cases: readonly (readonly [RequestClass, string, readonly string[], string])[] = [
    ["system", "anyone", [], "/readyz"],
    [
      "heartbeats",
      "system:node:a",
      ["system:nodes"],
      "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a",
    ],
    ["heartbeats", "system:node:a", ["system:nodes"], "/api/v1/nodes/a/status"],
    ["controllers", "system:node:a", ["system:nodes"], "/api/v1/namespaces/x/pods/p/status"],
    [
      "system",
      "system:kube-scheduler",
      [],
      "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
    ],
    ["controllers", "system:kube-controller-manager", [], "/apis/apps/v1/daemonsets"],
    [
      "controllers",
      "system:serviceaccount:kube-system:x",
      ["system:serviceaccounts:kube-system"],
      "/api/v1/pods",
    ],
    ["admins", "root", ["system:masters"], "/api/v1/pods"],
    ["others", "system:anonymous", ["system:unauthenticated"], "/api/v1/pods"],
  ];
  for (const [expected, username, groups, path] of cases) {
    const info = requestInfoOf({ method: "GET", path, query: [] });
    expect([path, requestClass({ username, groups }, info)]).toEqual([path, expected]);
  }
});

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
