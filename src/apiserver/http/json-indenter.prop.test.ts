/** Indented pieces together are what JSON.stringify indents at once, wherever the document is cut. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonIndenter } from "./json-indenter.ts";

it("equals JSON.stringify with two spaces, cut anywhere", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.nat(500), { maxLength: 5 }), (value, cuts) => {
      const text = Buffer.from(JSON.stringify(value));
      const indenter = new JsonIndenter();
      const ends = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
      const pieces: Uint8Array[] = [];
      let from = 0;
      for (const end of [...ends, text.length]) {
        pieces.push(indenter.push(text.subarray(from, end)));
        from = end;
      }
      expect(Buffer.concat(pieces).toString()).toBe(JSON.stringify(JSON.parse(text.toString()), null, 2));
    }),
  );
});
