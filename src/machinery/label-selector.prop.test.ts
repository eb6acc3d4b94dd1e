/** Label selectors: printing, parsing and matching of any requirements. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { replay } from "../testing/replay.ts";
import {
  type LabelRequirement,
  parseLabelSelector,
  selectorFromLabelSelector,
  selectorFromRequirements,
} from "./label-selector.ts";

const key = fc.constantFrom("a", "b", "in", "notin", "example.com/a.b", "C-3");
const value = fc.constantFrom("", "a", "b", "in", "x.y_z", "7", "12");
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom("exists" as const, "!" as const), values: fc.constant([]) }),
  fc.record({
    key,
    operator: fc.constantFrom("=" as const, "==" as const, "!=" as const),
    values: fc.tuple(value),
  }),
  fc.record({
    key,
    operator: fc.constantFrom("in" as const, "notin" as const),
    values: fc.uniqueArray(value, { minLength: 1 }).map((values) => values.sort()),
  }),
  fc.record({
    key,
    operator: fc.constantFrom("gt" as const, "lt" as const),
    values: fc.tuple(fc.integer({ min: 0, max: 20 }).map(String)),
  }),
);
const labels = fc.dictionary(key, value);

/** The meaning of a requirement, written independently. */
function naiveMatch(
  { key: name, operator, values }: LabelRequirement,
  set: Readonly<Record<string, string>>,
): boolean {
  const found = new Map(Object.entries(set)).get(name);
  const isIn = found !== undefined && new Set(values).has(found);
  const integer = found !== undefined && /^[0-9]+$/.test(found) ? Number(found) : NaN;
  const answers: Readonly<Record<LabelRequirement["operator"], boolean>> = {
    exists: found !== undefined,
    "!": found === undefined,
    "=": isIn,
    "==": isIn,
    in: isIn,
    "!=": !isIn,
    notin: !isIn,
    gt: integer > Number(values[0]),
    lt: integer < Number(values[0]),
  };
  return answers[operator];
}

it("a printed selector parses to itself and matches as the grammar says", () => {
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 4 }), labels, (requirements, set) => {
      const selector = selectorFromRequirements(requirements);
      const again = parseLabelSelector(selector.toString());
      expect(again.requirements).toEqual(selector.requirements);
      expect(again.toString()).toBe(selector.toString());
      const expected = requirements.every((each) => naiveMatch(each, set));
      expect(again.matches(set)).toBe(expected);
    }),
    { numRuns: 500, ...replay() },
  );
});

it("a selector made of labels matches every set that contains them", () => {
  fc.assert(
    fc.property(labels, labels, (wanted, others) => {
      const greater = { ...others, ...wanted };
      expect(selectorFromLabelSelector({ matchLabels: wanted }).matches(greater)).toBe(true);
    }),
    replay(),
  );
});
