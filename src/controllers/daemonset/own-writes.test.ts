/** Stale-read protection: whether a cache has seen what the controller wrote. */
import { describe, expect, test } from "vitest";
import { compareVersions, OwnWrites } from "./own-writes.ts";

describe("own writes (section 4)", () => {
  const seen =
    (pods: string, daemonsets = "0") =>
    (resource: string): string =>
      resource === "pods" ? pods : daemonsets;

  test("a cache is behind until it has seen the highest version written", () => {
    const writes = new OwnWrites();
    writes.raise({ key: "k", uid: "u" }, "pods", "9");
    writes.raise({ key: "k", uid: "u" }, "pods", "10");
    writes.raise({ key: "k", uid: "u" }, "pods", "8");
    expect(writes.behind("k", "u", seen("9"))).toBe("pods");
    expect(writes.behind("k", "u", seen("10"))).toBeUndefined();
    expect(writes.behind("k", "u", seen("1"))).toBeUndefined();
  });

  test("every kind counts, another UID does not, and versions that are no integers are ignored", () => {
    const writes = new OwnWrites();
    writes.raise({ key: "k", uid: "u" }, "daemonsets", "7");
    expect(writes.behind("k", "u", seen("99", "6"))).toBe("daemonsets");
    expect(writes.behind("k", "other", seen("99", "6"))).toBeUndefined();
    writes.raise({ key: "k", uid: "u" }, "pods", "opaque");
    expect(writes.behind("k", "u", seen("1"))).toBeUndefined();
    writes.raise({ key: "k", uid: "u" }, "pods", "7");
    expect(writes.behind("k", "u", seen("opaque"))).toBeUndefined();
  });

  test("versions compare as numbers of any size", () => {
    expect(compareVersions("9", "10")).toBeLessThan(0);
    expect(compareVersions("18446744073709551616", "18446744073709551615")).toBeGreaterThan(0);
    expect(compareVersions("5", "5")).toBe(0);
    expect(compareVersions("05", "5")).toBeUndefined();
  });
});
