/**
 * Unconfirmed writes alone: stale-read protection, names of creates, own deletes, revisions. The life of the part itself,
 * one per DaemonSet and UID, is in upstream/claiming.test.ts.
 * Rules by number: docs/spec/daemonset-controller.md.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ControllerRevision } from "../../api/index.ts";
import { compareVersions } from "./resource-versions.ts";
import { UnconfirmedWrites } from "./unconfirmed-writes.ts";

describe("versions written (#4)", () => {
  const seen =
    (pods: string, daemonsets = "0") =>
    (resource: string): string =>
      resource === "pods" ? pods : daemonsets;

  test("a cache is behind until it has seen the highest version written", () => {
    const writes = new UnconfirmedWrites();
    writes.written("pods", "9");
    writes.written("pods", "10");
    writes.written("pods", "8");
    expect(writes.behind(seen("9"))).toBe("pods");
    expect(writes.behind(seen("10"))).toBeUndefined();
    expect(writes.behind(seen("1"))).toBeUndefined();
  });

  test("every kind counts, and versions that are no integers are ignored", () => {
    const writes = new UnconfirmedWrites();
    writes.written("daemonsets", "7");
    expect(writes.behind(seen("99", "6"))).toBe("daemonsets");
    expect(writes.behind(seen("99", "7"))).toBeUndefined();
    writes.written("pods", "opaque");
    expect(writes.behind(seen("1"))).toBeUndefined();
    writes.written("pods", "7");
    expect(writes.behind(seen("opaque"))).toBeUndefined();
  });

  test("versions compare as numbers of any size", () => {
    expect(compareVersions("9", "10")).toBeLessThan(0);
    expect(compareVersions("18446744073709551616", "18446744073709551615")).toBeGreaterThan(0);
    expect(compareVersions("5", "5")).toBe(0);
    expect(compareVersions("05", "5")).toBeUndefined();
  });
});

test("the name of a create without an answer is kept for its node until an answer comes", () => {
  const writes = new UnconfirmedWrites();
  writes.createUnanswered("a", "foo-1");
  writes.createUnanswered("b", "foo-2");
  writes.createAnswered("b");
  expect([writes.nameFor("a"), writes.nameFor("b")]).toEqual(["foo-1", undefined]);
});

test("a delete is our own from its sending until the pod is gone", () => {
  const writes = new UnconfirmedWrites();
  writes.deleteSent("u1");
  expect([writes.isDeleting("u1"), writes.isDeleting("u2")]).toEqual([true, false]);
  writes.podGone("u1");
  expect(writes.isDeleting("u1")).toBe(false);
});

test("the DaemonSet is gone for the version under which it was found gone, not for a newer one", () => {
  const writes = new UnconfirmedWrites();
  expect([writes.isGone("3"), writes.isGone(undefined)]).toEqual([false, false]);
  writes.foundGone("3");
  expect([writes.isGone("3"), writes.isGone("4")]).toEqual([true, false]);
});

describe("revisions", () => {
  const revision = (name: string, version: number): ControllerRevision => ({
    metadata: { name, resourceVersion: String(version) },
    revision: 1,
  });

  test("unseen are exactly those whose last write is newer than all that the cache has seen", () => {
    const write = fc.record({
      name: fc.constantFrom("a", "b", "c"),
      version: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 12 }), fc.array(fc.nat(20)), (script, looks) => {
        const writes = new UnconfirmedWrites();
        const last = new Map<string, number>();
        for (const [index, { name, version }] of script.entries()) {
          writes.revisionWritten(revision(name, version));
          last.set(name, version);
          const seen = looks[index];
          if (seen === undefined) continue;
          for (const [known, at] of last) if (at <= seen) last.delete(known);
          expect([...writes.unseenRevisions(String(seen)).keys()].sort()).toEqual([...last.keys()].sort());
        }
      }),
    );
  });

  test("a write without an answer is in doubt until the server's list has been taken in", () => {
    const writes = new UnconfirmedWrites();
    writes.revisionUnanswered();
    expect(writes.isRevisionUnanswered).toBe(true);
    writes.revisionsListed([revision("a", 7)]);
    expect(writes.isRevisionUnanswered).toBe(false);
    expect([...writes.unseenRevisions("6").keys()]).toEqual(["a"]);
    expect(writes.unseenRevisions("7").size).toBe(0);
  });
});

test("nothing that an older server has never had is waited for, each cache for itself", () => {
  const writes = new UnconfirmedWrites();
  const revision = { metadata: { name: "r", resourceVersion: "9" }, revision: 1 };
  const tell = (): void => {
    writes.written("pods", "9");
    writes.written("daemonsets", "9");
    writes.revisionWritten(revision);
    writes.deleteSent("u");
    writes.foundGone("7");
  };
  const waits = (): unknown[] => [
    writes.behind((resource) => (resource === "pods" ? "5" : "9")),
    writes.behind((resource) => (resource === "pods" ? "9" : "5")),
    writes.unseenRevisions("5").size,
    writes.isDeleting("u"),
    writes.isGone("7"),
  ];
  tell();
  expect(waits()).toEqual(["pods", "daemonsets", 1, true, true]);
  writes.rewound("pods");
  expect(waits()).toEqual([undefined, undefined, 1, false, true]);
  tell();
  writes.rewound("daemonsets");
  expect(waits()).toEqual(["pods", undefined, 1, true, false]);
  tell();
  writes.rewound("controllerrevisions");
  expect(waits()).toEqual(["pods", "daemonsets", 0, true, true]);
});
