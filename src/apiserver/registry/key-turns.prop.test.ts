/**
 * Property: whatever writers of some keys do, one at a time has the turn of a key unless it was overtaken for taking too long; they
 * have it in order of arrival; nobody waits for another key; who goes away waits no longer; in the end nothing is left.
 */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { settleMicrotasks, SimulatedClock } from "../../base/index.ts";
import { statusOf } from "../../machinery/index.ts";
import { replay } from "../../testing/replay.ts";
import { type EndTurn, KeyTurns, turnMsMax, waitingForKeyMax } from "./key-turns.ts";

type Step =
  | { readonly do: "come"; readonly key: string }
  | { readonly do: "end" | "endAgain" | "leave"; readonly which: number }
  | { readonly do: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("come" as const), key: fc.constantFrom("a", "b", "c") }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "end" as const,
        "end" as const,
        "end" as const,
        "endAgain" as const,
        "leave" as const,
      ),
      which: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: turnMsMax }) }),
  },
);

interface Writer {
  readonly key: string;
  readonly caller: AbortController;
  state: "waits" | "writes" | "has ended" | "has gone";
  end: EndTurn | undefined;
  sinceMs: number;
}

class World {
  readonly clock = new SimulatedClock();
  readonly turns = new KeyTurns(this.clock);
  readonly writers: Writer[] = [];
  /** In the order in which they got their turns. */
  readonly served: Writer[] = [];

  of(state: Writer["state"], key?: string): Writer[] {
    return this.writers.filter((writer) => writer.state === state && (key ?? writer.key) === writer.key);
  }

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case "come":
        this.#come(step.key);
        break;
      case "end":
        this.#end(pick(this.of("writes"), step.which));
        break;
      case "endAgain":
        pick(this.of("has ended"), step.which)?.end?.();
        break;
      case "leave": {
        const leaving = pick(this.of("waits"), step.which);
        leaving?.caller.abort(new Error("gone"));
        break;
      }
      case "pass":
        await this.clock.advance(step.ms);
        break;
    }
    await settleMicrotasks();
  }

  #come(key: string): void {
    const isFree = this.of("writes", key).length === 0 && this.of("waits", key).length === 0;
    const writer: Writer = { key, caller: new AbortController(), state: "waits", end: undefined, sinceMs: 0 };
    this.writers.push(writer);
    const begin = (end: EndTurn): void => {
      Object.assign(writer, { state: "writes", end, sinceMs: this.clock.monotonicMs() });
      this.served.push(writer);
    };
    const atOnce = this.turns.tryTake(key);
    if (isFree) expect(atOnce).toBeDefined();
    if (atOnce !== undefined) return begin(atOnce);
    this.turns.take(key, writer.caller.signal).then(begin, () => (writer.state = "has gone"));
  }

  #end(writer: Writer | undefined): void {
    if (writer === undefined) return;
    writer.state = "has ended";
    writer.end!();
  }

  check(): void {
    for (const key of ["a", "b", "c"]) {
      const writing = this.of("writes", key);
      const waiting = this.of("waits", key);
      const nowMs = this.clock.monotonicMs();
      const inTime = writing.filter(({ sinceMs }) => nowMs - sinceMs < turnMsMax);
      expect(inTime.length, `writers of ${key} at a time`).toBeLessThanOrEqual(1);
      if (waiting.length > 0) expect(writing.length, `writers of ${key} while some wait`).toBeGreaterThan(0);
      const order = this.served.filter((writer) => writer.key === key);
      expect(order).toEqual(this.writers.filter((writer) => order.includes(writer)));
    }
  }

  async finish(): Promise<void> {
    for (let left = this.of("writes"); left.length > 0; left = this.of("writes")) {
      for (const writer of left) this.#end(writer);
      await settleMicrotasks();
    }
    expect(this.of("waits")).toEqual([]);
    expect(this.turns.size).toBe(0);
    expect(this.clock.untilNextMs()).toBeUndefined();
  }
}

function pick<T>(from: readonly T[], which: number): T | undefined {
  return from[which % Math.max(1, from.length)];
}

test("one at a time writes a key, in order of arrival, and nobody waits for ever", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World();
      for (const one of steps) {
        await world.do(one);
        world.check();
      }
      await world.finish();
    }),
    { numRuns: 300, ...replay() },
  );
});

it("a writer that takes too long is overtaken, one by one, and its end means nothing any more", async () => {
  const clock = new SimulatedClock();
  const turns = new KeyTurns(clock);
  const slow = turns.tryTake("k")!;
  const begun: string[] = [];
  const ends = ["b", "c"].map(async (name) => {
    const end = await turns.take("k");
    begun.push(name);
    return end;
  });
  await clock.advance(turnMsMax - 1);
  expect(begun).toEqual([]);
  await clock.advance(1);
  expect(begun).toEqual(["b"]);
  slow();
  await settleMicrotasks();
  expect(begun).toEqual(["b"]);
  await clock.advance(turnMsMax);
  expect(begun).toEqual(["b", "c"]);
  (await ends[1]!)();
  expect(turns.size).toBe(0);
});

describe("a full line", () => {
  it("refuses who comes, and takes the next as soon as one has left", async () => {
    const turns = new KeyTurns(new SimulatedClock());
    const end = turns.tryTake("k")!;
    const leaver = new AbortController();
    const left = turns.take("k", leaver.signal).catch((error: unknown) => error);
    const others = Array.from({ length: waitingForKeyMax - 1 }, () => turns.take("k"));
    const refused = await turns.take("k").catch((error: unknown) => error);
    expect(statusOf(refused).code).toBe(429);
    expect(turns.tryTake("other")).toBeDefined();
    leaver.abort(new Error("gone"));
    expect(await left).toEqual(new Error("gone"));
    const last = turns.take("k");
    end();
    for (const other of others) (await other)();
    (await last)();
    expect(turns.tryTake("k")).toBeDefined();
  });
});
