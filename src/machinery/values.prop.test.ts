/** Laws of selectors, quantities and times. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { replay } from "../testing/replay.ts";
import {
  type LabelRequirement,
  parseLabelSelector,
  selectorFromLabelSelector,
  selectorFromRequirements,
} from "./label-selector.ts";
import { addQuantities, canonicalQuantity, compareQuantities, quantityMilli } from "./quantity.ts";
import { formatMicroTime, formatTime, parseTimeMs } from "./time.ts";

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

/** What the grammar means, said in another way. */
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

it("a selector is read as it was printed, and matches as the grammar says", () => {
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

it("a selector made of labels matches them and all greater sets", () => {
  fc.assert(
    fc.property(labels, labels, (wanted, others) => {
      const greater = { ...others, ...wanted };
      expect(selectorFromLabelSelector({ matchLabels: wanted }).matches(greater)).toBe(true);
    }),
    replay(),
  );
});

const factors: Readonly<Record<string, readonly [numerator: bigint, denominator: bigint]>> = {
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1000n],
  "": [1n, 1n],
  k: [1000n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  e3: [1000n, 1n],
  "e-2": [1n, 100n],
  Ki: [1024n, 1n],
  Mi: [1024n ** 2n, 1n],
  Gi: [1024n ** 3n, 1n],
};

interface Amount {
  readonly text: string;
  /** Exact value in units of 10^-15. */
  readonly exact: bigint;
}

const amount: fc.Arbitrary<Amount> = fc
  .record({
    digits: fc.integer({ min: 0, max: 2_000_000 }),
    decimals: fc.integer({ min: 0, max: 4 }),
    suffix: fc.constantFrom(...Object.keys(factors)),
    isNegative: fc.boolean(),
  })
  .map(({ digits, decimals, suffix, isNegative }) => {
    const padded = String(digits).padStart(decimals + 1, "0");
    const split = padded.length - decimals;
    const number = decimals === 0 ? padded : `${padded.slice(0, split)}.${padded.slice(split)}`;
    const [numerator, denominator] = factors[suffix] ?? [1n, 1n];
    const exact = (BigInt(digits) * numerator * 10n ** 15n) / (denominator * 10n ** BigInt(decimals));
    return { text: `${isNegative ? "-" : ""}${number}${suffix}`, exact: isNegative ? -exact : exact };
  });

/** Units of 10^-15 in the smallest step of a quantity. */
const step = 10n ** 6n;
const milliStep = 10n ** 12n;
const isExact = ({ exact }: Amount): boolean => exact % step === 0n;

it("canonical quantities are stable, keep the value and hold no fraction", () => {
  fc.assert(
    fc.property(amount, ({ text }) => {
      const canonical = canonicalQuantity(text) ?? "";
      expect(canonical).toMatch(/^(0|-?[1-9][0-9]*(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e-?[0-9]+)?)$/);
      expect(canonicalQuantity(canonical)).toBe(canonical);
      expect(compareQuantities(canonical, text)).toBe(0);
    }),
    { numRuns: 1000, ...replay() },
  );
});

it("order and sums are those of the exact values", () => {
  fc.assert(
    fc.property(amount.filter(isExact), amount.filter(isExact), (a, b) => {
      expect(compareQuantities(a.text, b.text)).toBe(a.exact < b.exact ? -1 : a.exact > b.exact ? 1 : 0);
      const sum = addQuantities(a.text, b.text);
      expect(compareQuantities(sum, addQuantities(b.text, a.text))).toBe(0);
      const total = a.exact + b.exact;
      const magnitude = ((total < 0n ? -total : total) + milliStep - 1n) / milliStep;
      expect(quantityMilli(sum)).toBe(Number(total < 0n ? -magnitude : magnitude));
    }),
    { numRuns: 500, ...replay() },
  );
});

it("times are read as they were printed", () => {
  const earliest = Date.UTC(1, 0, 1);
  fc.assert(
    fc.property(fc.integer({ min: earliest, max: Date.UTC(9999, 11, 31) }), fc.nat(999), (ms, micros) => {
      const micro = formatMicroTime(ms + micros / 1000);
      expect(formatMicroTime(parseTimeMs(micro) ?? NaN)).toBe(micro);
      expect(parseTimeMs(formatTime(ms))).toBe(Math.floor(ms / 1000) * 1000);
    }),
    replay(),
  );
});
