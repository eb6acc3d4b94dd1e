/**
 * PersistentVolumes. They are stored; no controller of ours binds or provisions them.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, SetDefaults_PersistentVolume.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { PersistentVolume } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { storageClassWarnings } from "../parts/volume-claim.ts";

const recycleWarning =
  "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";

export const persistentvolumes: Resource<PersistentVolume> = {
  group: "",
  version: "v1",
  resource: "persistentvolumes",
  kind: "PersistentVolume",
  namespaced: false,
};

export const persistentVolumeKind: Kind = defineKind({
  resource: persistentvolumes,
  schema: "core.v1.PersistentVolume",
  shortNames: ["pv"],
  hasStatus: true,
  deleteReturnsObject: true,
  unactedWarning: unacted("PersistentVolumes", "they are bound to no claim"),
  rules: {
    warnings: ({ metadata, spec }) => [
      ...storageClassWarnings(metadata.annotations),
      ...(spec.persistentVolumeReclaimPolicy === "Recycle" ? [recycleWarning] : []),
    ],
    setDefaults: setPersistentVolumeDefaults,
    prepareForCreate(object) {
      object.status = { phase: "Pending" };
    },
  },
});

function setPersistentVolumeDefaults(object: Draft<PersistentVolume>): void {
  const spec = (object.spec ??= {});
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
  if (spec.hostPath !== undefined) spec.hostPath.type ??= "";
  (object.status ??= {}).phase ||= "Pending";
}
