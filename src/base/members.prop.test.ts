/** The promise of `withMembers`: the same as the literal form. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { withMembers } from "./members.ts";

/** As a client may send them, with a member `__proto__`. */
const objects = fc
  .json({ maxDepth: 2 })
  .map((text) => JSON.parse(text) as unknown)
  .filter((value): value is object => typeof value === "object" && value !== null && !Array.isArray(value));

test("members are those of the literal form, in its order, and nothing else changes", () => {
  fc.assert(
    fc.property(objects, objects, (object, members) => {
      const before = JSON.stringify([object, members]);
      const made = withMembers(object, members);
      const expected = { ...object, ...members };
      expect(Object.entries(made)).toEqual(Object.entries(expected));
      expect(JSON.stringify(made)).toBe(JSON.stringify(expected));
      expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
      expect(JSON.stringify([object, members])).toBe(before);
    }),
  );
});

test("a member __proto__ is a member, not a prototype", () => {
  const hostile = JSON.parse('{"__proto__":{"isAdmin":true},"a":1}') as object;
  for (const made of [withMembers(hostile, { b: 2 }), withMembers({ b: 2 }, hostile)]) {
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(Object.keys(made)).toContain("__proto__");
    expect("isAdmin" in made).toBe(false);
  }
});
