/** Which objects a DaemonSet keeps, releases, adopts and leaves alone: the table of upstream's TestClaimPods. */
import { describe, expect, test } from "vitest";
import { selectorFromLabelSelector } from "../../machinery/index.ts";
import { decideClaim } from "./claim.ts";

describe("TestClaimPods", () => {
  const selector = selectorFromLabelSelector({ matchLabels: { app: "x" } });
  const candidate = (change: {
    readonly owner?: string;
    readonly app?: string;
    readonly terminating?: boolean;
  }) => ({
    metadata: {
      labels: { app: change.app ?? "x" },
      ...(change.owner === undefined
        ? {}
        : {
            ownerReferences: [
              { apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: change.owner, controller: true },
            ],
          }),
      ...(change.terminating ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
  });
  const cases = [
    ["matching orphan", {}, "adopt"],
    ["mismatched orphan", { app: "y" }, "ignore"],
    ["terminating orphan", { terminating: true }, "ignore"],
    ["owned and matching", { owner: "me" }, "keep"],
    ["owned, matching, terminating", { owner: "me", terminating: true }, "keep"],
    ["owned and mismatched", { owner: "me", app: "y" }, "release"],
    ["owned by somebody else", { owner: "other" }, "ignore"],
  ] as const;
  for (const [name, change, wanted] of cases) {
    test(name, () => expect(decideClaim(candidate(change), "me", selector)).toBe(wanted));
  }
});
