/** PersistentVolumeClaims: defaults, and the first status. */
import { expect, test } from "vitest";
import { created, decoded, metadata } from "../../testing/kind-fixtures.ts";
import type { PersistentVolumeClaim } from "../generated/types.gen.ts";

test("defaults, and no status of a client", () => {
  const object = created<PersistentVolumeClaim>("core.v1.PersistentVolumeClaim", {
    metadata,
    status: { phase: "Bound" },
  });
  expect(object.spec).toEqual({ resources: {}, volumeMode: "Filesystem" });
  expect(object.status).toEqual({ phase: "Pending" });
  const { status } = decoded<PersistentVolumeClaim>("core.v1.PersistentVolumeClaim", { metadata });
  expect(status).toEqual({ phase: "Pending" });
});
