/** PersistentVolumes: defaults, and the first status. */
import { expect, test } from "vitest";
import { created, decoded } from "../../testing/kind-fixtures.ts";
import type { PersistentVolume } from "../generated/types.gen.ts";

test("defaults, and no status of a client", () => {
  const object = created<PersistentVolume>("core.v1.PersistentVolume", {
    metadata: { name: "v" },
    spec: { hostPath: { path: "/data" } },
    status: { phase: "Bound" },
  });
  expect(object.spec).toEqual({
    persistentVolumeReclaimPolicy: "Retain",
    volumeMode: "Filesystem",
    hostPath: { path: "/data", type: "" },
  });
  expect(object.status).toEqual({ phase: "Pending" });
  const { status } = decoded<PersistentVolume>("core.v1.PersistentVolume", { metadata: { name: "v" } });
  expect(status).toEqual({ phase: "Pending" });
});
