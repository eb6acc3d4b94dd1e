/** Candidates on one Lease of the real API server. */
import { expect, test } from "vitest";
import { type Lease, leases } from "../../api/index.ts";
import { type Clock, seededRandom, silentLog, type SimulatedClock, sleep } from "../../base/index.ts";
import { serviceUnavailable } from "../../machinery/index.ts";
import { FaultyServer } from "../../testing/faulty-server.ts";
import { createClient } from "../transport/api-client.ts";
import type { Transport } from "../transport/client.ts";
import { createLeaderElector, type LeaderElector } from "./leader-election.ts";
import { loopbackTransport } from "../transport/loopback-transport.ts";

class Rig {
  readonly server: FaultyServer;
  readonly clock: SimulatedClock;
  readonly steps: string[] = [];
  readonly leading = new Set<string>();

  private constructor(server: FaultyServer) {
    this.server = server;
    this.clock = server.clock;
  }

  static async start(): Promise<Rig> {
    return new Rig(await FaultyServer.start());
  }

  async lease(): Promise<Lease> {
    return (await this.server.objects(leases))[0]!;
  }

  candidate(
    identity: string,
    options: { workEndsAfterMs?: number; wrap?: (t: Transport) => Transport; clock?: Clock } = {},
  ): { elector: LeaderElector; stop: AbortController; run: Promise<void> } {
    const { server, clock, steps, leading } = this;
    const loopback = loopbackTransport(server.handler, { user: { username: identity, groups: [] } });
    const client = createClient(options.wrap?.(loopback) ?? loopback);
    const elector = createLeaderElector({
      client,
      clock: options.clock ?? clock,
      random: seededRandom(identity.charCodeAt(0)),
      log: silentLog,
      name: "l",
      namespace: "kube-system",
      identity,
      onStarted: async (signal) => {
        steps.push(`${identity} starts`);
        leading.add(identity);
        if (leading.size > 1) steps.push("two at once");
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        await sleep(clock, options.workEndsAfterMs ?? 0);
        leading.delete(identity);
        steps.push(`${identity} ends`);
      },
      onStopped: () => steps.push(`${identity} stopped`),
    });
    const stop = new AbortController();
    return { elector, stop, run: elector.run(stop.signal) };
  }
}

test("the first candidate leads, renews every two seconds, and others wait", async () => {
  const rig = await Rig.start();
  const a = rig.candidate("a");
  await rig.clock.advance(0);
  const b = rig.candidate("b");
  await rig.clock.advance(100_000);
  expect([a.elector.isLeader, b.elector.isLeader, b.elector.leader]).toEqual([true, false, "a"]);
  expect(rig.steps).toEqual(["a starts"]);
  expect((await rig.lease()).spec).toEqual({
    holderIdentity: "a",
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:01:40.000000Z",
    leaseTransitions: 0,
  });
});

test("a stop ends the work, then frees the lease, and the other leads within a retry", async () => {
  const rig = await Rig.start();
  const a = rig.candidate("a", { workEndsAfterMs: 3000 });
  await rig.clock.advance(0);
  const b = rig.candidate("b");
  await rig.clock.advance(10_000);
  a.stop.abort();
  await rig.clock.advance(2999);
  expect((await rig.lease()).spec.holderIdentity).toBe("a");
  await rig.clock.advance(1);
  expect((await rig.lease()).spec).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
  await rig.clock.advance(4400);
  await a.run;
  expect(rig.steps).toEqual(["a starts", "a ends", "a stopped", "b starts"]);
  expect([b.elector.isLeader, (await rig.lease()).spec.leaseTransitions]).toEqual([true, 1]);
});

test("a leader that cannot renew gives up after ten seconds, before another may take over", async () => {
  const rig = await Rig.start();
  let isCut = false;
  const wrap = (transport: Transport): Transport => ({
    ...transport,
    send: (call) =>
      isCut
        ? new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)))
        : transport.send(call),
  });
  const a = rig.candidate("a", { wrap });
  await rig.clock.advance(0);
  const b = rig.candidate("b");
  await rig.clock.advance(20_000);
  isCut = true;
  await rig.clock.advance(10_000);
  expect(rig.steps).toEqual(["a starts", "a ends"]);
  await rig.clock.advance(20_000);
  await a.run;
  expect(rig.steps.filter((line) => line !== "a stopped")).toEqual(["a starts", "a ends", "b starts"]);
  expect(a.elector.isLeader).toBe(false);
  expect([b.elector.isLeader, (await rig.lease()).spec.leaseTransitions]).toEqual([true, 1]);
});

test("a term counts from the start of the renewal that made it, however late its answer came", async () => {
  const rig = await Rig.start();
  let isCut = false;
  const wrap = (transport: Transport): Transport => ({
    ...transport,
    send: async (call) => {
      if (isCut)
        return new Promise((_, reject) =>
          call.signal.addEventListener("abort", () => reject(call.signal.reason)),
        );
      const reply = await transport.send(call);
      if (call.method === "POST") await sleep(rig.clock, 8000);
      return reply;
    },
  });
  const a = rig.candidate("a", { wrap });
  await rig.clock.advance(8000);
  expect(a.elector.isLeader).toBe(true);
  isCut = true;
  await rig.clock.advance(1999);
  expect([a.elector.isLeader, rig.steps]).toEqual([true, ["a starts"]]);
  await rig.clock.advance(1);
  expect([a.elector.isLeader, rig.steps]).toEqual([false, ["a starts", "a ends"]]);
  await rig.clock.advance(10_000);
  await a.run;
});

test("after a long sleep isLeader is false before any timer fires", async () => {
  const rig = await Rig.start();
  let sleptMs = 0;
  const clock = {
    nowMs: () => rig.clock.nowMs() + sleptMs,
    monotonicMs: () => rig.clock.monotonicMs(),
    after: (delayMs: number, callback: () => void) => rig.clock.after(delayMs, callback),
    soon: (callback: () => void) => rig.clock.soon(callback),
  };
  const a = rig.candidate("a", { clock });
  await rig.clock.advance(5000);
  sleptMs = 7_000;
  expect(a.elector.isLeader).toBe(true);
  sleptMs = 60_000;
  expect([a.elector.isLeader, rig.steps]).toEqual([false, ["a starts"]]);
  await rig.clock.advance(2000);
  await a.run;
  expect(rig.steps).toEqual(["a starts", "a ends", "a stopped"]);
});

test("another counts as a recent leader by its renewals, not by its name on an old lease", async () => {
  const rig = await Rig.start();
  const spec = {
    holderIdentity: "ghost",
    leaseDurationSeconds: 15,
    renewTime: "2025-12-31T00:00:00.000000Z",
    leaseTransitions: 4,
  };
  await rig.server.put(leases, { metadata: { name: "l", namespace: "kube-system" }, spec } as Lease);
  const a = rig.candidate("a");
  await rig.clock.advance(20_000);
  expect([a.elector.isLeader, a.elector.hasSeenOtherLeader]).toEqual([true, false]);
  const b = rig.candidate("b");
  await rig.clock.advance(10_000);
  a.stop.abort();
  await rig.clock.advance(10_000);
  expect([b.elector.isLeader, b.elector.hasSeenOtherLeader]).toEqual([true, true]);
});

test("leadership survives short failures", async () => {
  const rig = await Rig.start();
  const a = rig.candidate("a");
  await rig.clock.advance(5000);
  rig.server.failNext(...Array.from({ length: 6 }, () => serviceUnavailable("busy")));
  await rig.clock.advance(60_000);
  expect([a.elector.isLeader, rig.steps]).toEqual([true, ["a starts"]]);
});

test("a silent holder's lease expires by our own clock, whatever times it shows", async () => {
  const rig = await Rig.start();
  const spec = {
    holderIdentity: "ghost",
    leaseDurationSeconds: 15,
    renewTime: "2001-01-01T00:00:00.000000Z",
    leaseTransitions: 4,
  };
  await rig.server.put(leases, { metadata: { name: "l", namespace: "kube-system" }, spec } as Lease);
  const a = rig.candidate("a");
  await rig.clock.advance(14_900);
  expect(a.elector.isLeader).toBe(false);
  await rig.clock.advance(5000);
  expect([a.elector.isLeader, (await rig.lease()).spec.leaseTransitions]).toEqual([true, 5]);
});

test("a lease that another took by force ends the leadership at the next renewal", async () => {
  const rig = await Rig.start();
  const a = rig.candidate("a");
  await rig.clock.advance(1000);
  const thief = { ...(await rig.lease()), spec: { ...(await rig.lease()).spec, holderIdentity: "thief" } };
  await rig.server.put(leases, thief);
  await rig.clock.advance(2000);
  await a.run;
  expect(rig.steps).toEqual(["a starts", "a ends", "a stopped"]);
  expect((await rig.lease()).spec.holderIdentity).toBe("thief");
});

test("a lease taken while the work winds down is not released", async () => {
  const rig = await Rig.start();
  const a = rig.candidate("a", { workEndsAfterMs: 3000 });
  await rig.clock.advance(1000);
  a.stop.abort();
  await rig.clock.advance(1000);
  const thief = { ...(await rig.lease()), spec: { ...(await rig.lease()).spec, holderIdentity: "thief" } };
  await rig.server.put(leases, thief);
  await rig.clock.advance(5000);
  await a.run;
  expect((await rig.lease()).spec.holderIdentity).toBe("thief");
});

test("durations that could make two leaders are refused", async () => {
  const rig = await Rig.start();
  const options = {
    client: createClient(loopbackTransport(rig.server.handler, { user: { username: "", groups: [] } })),
    clock: rig.clock,
    random: seededRandom(1),
    log: silentLog,
    name: "l",
    namespace: "n",
    identity: "a",
    onStarted: () => {},
  };
  expect(() => createLeaderElector({ ...options, renewDeadlineMs: 15_000 })).toThrow("renewDeadline");
  expect(() => createLeaderElector({ ...options, retryPeriodMs: 9000 })).toThrow("retryPeriod");
});
