/** Measures that several checks use. */
import { expect, test } from "vitest";
import { byteLength } from "./checks.ts";

test.each(["", "abc", "é", "€", "😀", "a\ud800", "\u07ff\u0800"])("bytes of %j", (text) => {
  expect(byteLength(text)).toBe(new TextEncoder().encode(text).length);
});
