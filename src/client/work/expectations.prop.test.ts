/** Properties of expectations, against a model that remembers every call. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/index.ts";
import { createExpectations, expectationsTimeoutMs } from "./expectations.ts";

const name = fc.constantFrom("p1", "p2", "p3", "foreign");
/** One is no number: it is never reached, and reaches nothing. */
const version = fc.constantFrom("3", "9", "10", "x");
const step = fc.oneof(
  fc.record({ do: fc.constant("expectCreations" as const), count: fc.nat(3) }),
  fc.record({
    do: fc.constant("expectDeletions" as const),
    uids: fc.uniqueArray(fc.constantFrom("u1", "u2", "u3")),
  }),
  fc.record({ do: fc.constant("returned" as const), name, version }),
  fc.record({ do: fc.constant("observed" as const), name }),
  fc.record({ do: fc.constant("cached" as const), version }),
  fc.record({ do: fc.constant("gone" as const), uid: fc.constantFrom("u1", "u2", "u3", "foreign") }),
  fc.record({ do: fc.constant("lower" as const), count: fc.nat(2) }),
  fc.record({ do: fc.constant("delete" as const) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1000, expectationsTimeoutMs + 1) }),
);

interface Model {
  expected: number;
  lowered: number;
  seen: Set<string>;
  returned: Map<string, string>;
  uids: Set<string>;
  setAt: number;
}

function modelSatisfied(model: Model | undefined, now: number): boolean {
  if (model === undefined || now - model.setAt > expectationsTimeoutMs) return true;
  const isWaiting = [...model.returned.keys()].some((n) => !model.seen.has(n));
  return model.expected - model.lowered - model.seen.size <= 0 && !isWaiting && model.uids.size === 0;
}

test("satisfied says what the calls so far imply", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const clock = new SimulatedClock();
      const real = createExpectations({ clock });
      let model: Model | undefined;
      const renew = (): Model => {
        model ??= {
          expected: 0,
          lowered: 0,
          seen: new Set(),
          returned: new Map(),
          uids: new Set(),
          setAt: 0,
        };
        model.setAt = clock.monotonicMs();
        return model;
      };
      for (const call of steps) {
        if (call.do === "expectCreations") {
          Object.assign(renew(), { expected: call.count, lowered: 0, seen: new Set(), returned: new Map() });
          real.expectCreations("k", call.count);
        } else if (call.do === "expectDeletions") {
          renew().uids = new Set(call.uids);
          real.expectDeletions("k", call.uids);
        } else if (call.do === "wait") await clock.advance(call.ms);
        else if (call.do === "returned") {
          if (model?.seen.has(call.name) === false) model.returned.set(call.name, call.version);
          real.creationReturned("k", call.name, call.version);
        } else if (call.do === "cached") {
          for (const [returned, at] of model?.returned ?? [])
            if (Number(at) <= Number(call.version)) model?.seen.add(returned);
          real.satisfied("k", call.version);
        } else if (call.do === "observed") {
          model?.seen.add(call.name);
          real.creationObserved("k", call.name);
        } else if (call.do === "gone") {
          model?.uids.delete(call.uid);
          real.deletionObserved("k", call.uid);
        } else if (call.do === "lower") {
          if (model !== undefined) model.lowered += call.count;
          real.lowerCreations("k", call.count);
        } else if (call.do === "delete") {
          model = undefined;
          real.delete("k");
        }
        expect(real.satisfied("k")).toBe(modelSatisfied(model, clock.monotonicMs()));
        expect(real.satisfied("other")).toBe(true);
      }
    }),
  );
});

test("an event that comes twice counts once, and the deletion of another pod not at all", () => {
  const expectations = createExpectations({ clock: new SimulatedClock() });
  expectations.expectCreations("k", 2);
  expectations.creationObserved("k", "p1");
  expectations.creationObserved("k", "p1");
  expect(expectations.satisfied("k")).toBe(false);
  expectations.creationObserved("k", "p2");
  expect(expectations.satisfied("k")).toBe(true);
  expectations.expectDeletions("k", ["u1"]);
  expectations.deletionObserved("k", "u2");
  expect(expectations.satisfied("k")).toBe(false);
  expectations.deletionObserved("k", "u1");
  expect(expectations.satisfied("k")).toBe(true);
});

test("a pod of another creator does not fulfil an expectation whose name the API returned", () => {
  const expectations = createExpectations({ clock: new SimulatedClock() });
  expectations.expectCreations("k", 1);
  expectations.creationReturned("k", "ours");
  expectations.creationObserved("k", "theirs");
  expect(expectations.satisfied("k")).toBe(false);
  expectations.creationObserved("k", "ours");
  expect(expectations.satisfied("k")).toBe(true);
});
