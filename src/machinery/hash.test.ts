/** Hashes: FNV-1a and upstream's safe letters. */
import { describe, expect, it } from "vitest";
import { fnv1a32, safeEncode } from "./hash.ts";

describe("hashes", () => {
  it("is FNV-1a", () => {
    expect(fnv1a32("")).toBe(0x811c9dc5);
    expect(fnv1a32("a")).toBe(0xe40c292c);
    expect(fnv1a32("foobar")).toBe(0xbf9cf968);
    expect(fnv1a32(new Uint8Array([0x61]))).toBe(fnv1a32("a"));
    expect(fnv1a32("bar", fnv1a32("foo"))).toBe(fnv1a32("foobar"));
  });

  it("encodes bytes mod 27", () => {
    expect(safeEncode("0123456789")).toBe("456789bcdf");
    expect(safeEncode("")).toBe("");
  });
});
