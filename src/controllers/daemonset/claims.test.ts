/** Claims alone: each pod stands where its last state belongs, and nowhere else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod } from "../../api/index.ts";
import { selectorFromLabelSelector } from "../../machinery/index.ts";
import { pinnedTo } from "./template.ts";
import { Claims } from "./claims.ts";

const selector = selectorFromLabelSelector({ matchLabels: { app: "foo" } });

interface PodState {
  readonly uid: string;
  readonly app: string;
  /** Bound, pinned by affinity, or neither. */
  readonly place: "bound" | "pinned" | "nowhere";
  readonly isTerminating: boolean;
}

function podOf({ uid, app, place, isTerminating }: PodState): Pod {
  const spec = { containers: [] };
  return {
    metadata: {
      uid,
      labels: { app },
      ...(isTerminating ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: place === "bound" ? { ...spec, nodeName: "n1" } : place === "pinned" ? pinnedTo(spec, "n1") : spec,
  };
}

const uid = fc.constantFrom("u1", "u2", "u3");
const state: fc.Arbitrary<PodState> = fc.record({
  uid,
  app: fc.constantFrom("foo", "foo", "bar"),
  place: fc.constantFrom("bound", "pinned", "nowhere"),
  isTerminating: fc.boolean(),
});
type Event =
  | { readonly kind: "own"; readonly pod: PodState }
  | { readonly kind: "orphan"; readonly pod: PodState }
  | { readonly kind: "drop" | "adopted" | "released" | "remember"; readonly uid: string };
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant("own" as const), pod: state }),
  fc.record({ kind: fc.constant("orphan" as const), pod: state }),
  fc.record({
    kind: fc.constantFrom("drop" as const, "adopted" as const, "released" as const, "remember" as const),
    uid,
  }),
);

type Place = "orphans" | "notMatching" | "withoutNode" | "slot";

/** The same by rules, with one place per UID. */
class Model {
  readonly places = new Map<string, Place>();
  readonly #remembered = new Set<string>();

  apply(event: Event): void {
    if (event.kind === "own") {
      const { uid, app, place } = event.pod;
      if (app !== "foo") this.places.set(uid, "notMatching");
      else this.places.set(uid, place !== "nowhere" || this.#remembered.has(uid) ? "slot" : "withoutNode");
      return;
    }
    if (event.kind === "orphan") {
      const { uid, app, isTerminating } = event.pod;
      this.#remembered.delete(uid);
      if (app === "foo" && !isTerminating) this.places.set(uid, "orphans");
      else this.places.delete(uid);
      return;
    }
    if (event.kind === "remember") this.#remembered.add(event.uid);
    if (event.kind === "drop") this.#remembered.delete(event.uid);
    const at = this.places.get(event.uid);
    const isLeft = { drop: true, adopted: at === "orphans", released: at === "notMatching", remember: false };
    if (isLeft[event.kind]) this.places.delete(event.uid);
  }
}

function apply(claims: Claims, event: Event): string | undefined {
  switch (event.kind) {
    case "own":
      return claims.own(podOf(event.pod)).node;
    case "orphan":
      claims.orphan(podOf(event.pod));
      return undefined;
    case "drop":
      claims.drop(event.uid);
      return undefined;
    case "adopted":
      claims.adopted(event.uid);
      return undefined;
    case "released":
      claims.released(event.uid);
      return undefined;
    case "remember":
      claims.rememberNode(event.uid, "n1");
      return undefined;
  }
}

test("after any script each pod stands where its last state belongs, and nowhere else", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40, size: "max" }), (script) => {
      const claims = new Claims(selector);
      const model = new Model();
      for (const step of script) {
        const node = apply(claims, step);
        model.apply(step);
        if (step.kind === "own")
          expect(node).toBe(model.places.get(step.pod.uid) === "slot" ? "n1" : undefined);
        for (const place of ["orphans", "notMatching", "withoutNode"] as const) {
          const wanted = [...model.places].filter(([, at]) => at === place).map(([of]) => of);
          expect([...claims[place].keys()].sort(), place).toEqual(wanted.sort());
        }
        for (const one of ["u1", "u2", "u3"]) {
          const isKept = ["notMatching", "withoutNode"].includes(model.places.get(one) ?? "");
          expect(claims.owned(one) !== undefined).toBe(isKept);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("the last state of a pod is what is kept", () => {
  const claims = new Claims(selector);
  const first = podOf({ uid: "u1", app: "bar", place: "bound", isTerminating: false });
  const last = podOf({ uid: "u1", app: "bar", place: "bound", isTerminating: true });
  claims.own(first);
  claims.own(last);
  expect(claims.notMatching.get("u1")).toBe(last);
});

describe("what matches", () => {
  const object = (labels?: Record<string, string>): { metadata: { labels?: Record<string, string> } } => ({
    metadata: labels === undefined ? {} : { labels },
  });

  test("an orphan without labels, and any orphan for an empty selector, matches nothing", () => {
    const claims = new Claims(selector);
    expect([
      claims.matches(object({ app: "foo" })),
      claims.matches(object({})),
      claims.matches(object()),
    ]).toEqual([true, false, false]);
    expect(new Claims(selectorFromLabelSelector({})).matches(object({ app: "foo" }))).toBe(false);
  });

  test("another selector begins with empty lists, and keeps the nodes that were remembered", () => {
    const claims = new Claims(selector);
    claims.rememberNode("u1", "n7");
    for (const [index, app] of ["foo", "bar"].entries())
      claims.own(podOf({ uid: `u${index + 2}`, app, place: "nowhere", isTerminating: false }));
    claims.orphan(podOf({ uid: "u4", app: "foo", place: "bound", isTerminating: false }));
    claims.reset(selectorFromLabelSelector({ matchLabels: { app: "bar" } }));
    expect([claims.orphans.size, claims.notMatching.size, claims.withoutNode.size]).toEqual([0, 0, 0]);
    expect(claims.own(podOf({ uid: "u1", app: "bar", place: "nowhere", isTerminating: false })).node).toBe(
      "n7",
    );
  });
});
