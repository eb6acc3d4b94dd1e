/** Quantities: canonical texts and arithmetic against exact values. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { replay } from "../testing/replay.ts";
import { addQuantities, canonicalQuantity, compareQuantities, quantityMilli } from "./quantity.ts";

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

/** A binary quantity of whole thousands has no suffix. Read again it is a decimal one, and becomes `50240k`; as upstream. */
const changesFormat = (text: string, canonical: string): boolean =>
  text.endsWith("i") && canonical.endsWith("000");

it("canonical quantities are stable, keep the value and hold no fraction", () => {
  fc.assert(
    fc.property(amount, ({ text }) => {
      const canonical = canonicalQuantity(text) ?? "";
      expect(canonical).toMatch(/^(0|-?[1-9][0-9]*(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e-?[0-9]+)?)$/);
      const again = canonicalQuantity(canonical) ?? "";
      if (!changesFormat(text, canonical)) expect(again).toBe(canonical);
      expect(canonicalQuantity(again)).toBe(again);
      expect(compareQuantities(canonical, text)).toBe(0);
    }),
    { numRuns: 1000, ...replay() },
  );
});

it("quantities compare and add as their exact values do", () => {
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
