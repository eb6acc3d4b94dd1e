/** Times: printing and parsing of any time. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { replay } from "../testing/replay.ts";
import { formatMicroTime, formatTime, parseTimeMs } from "./time.ts";

it("a printed time parses to itself", () => {
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
