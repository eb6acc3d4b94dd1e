/**
 * PersistentVolumeClaims. They are stored; no controller of ours binds or provisions them.
 * Not here: their defaults, which templates of claims share (parts/volume-claim.ts).
 */
import type { Resource } from "../../machinery/index.ts";
import type { PersistentVolumeClaim } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { setVolumeClaimDefaults, storageClassWarnings } from "../parts/volume-claim.ts";
import { byteWarnings } from "../parts/pod-warnings.ts";

export const persistentvolumeclaims: Resource<PersistentVolumeClaim> = {
  group: "",
  version: "v1",
  resource: "persistentvolumeclaims",
  kind: "PersistentVolumeClaim",
  namespaced: true,
};

export const persistentVolumeClaimKind: Kind = defineKind({
  resource: persistentvolumeclaims,
  schema: "core.v1.PersistentVolumeClaim",
  shortNames: ["pvc"],
  hasStatus: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("PersistentVolumeClaims", "no volume is provisioned"),
  rules: {
    warnings: ({ metadata, spec }) => [
      ...storageClassWarnings(metadata.annotations),
      ...byteWarnings("spec.resources.requests", spec.resources?.requests),
    ],
    setDefaults: setVolumeClaimDefaults,
    prepareForCreate(object) {
      object.status = { phase: "Pending" };
    },
  },
});
