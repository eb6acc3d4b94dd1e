/**
 * Defaults of volume claims: PersistentVolumeClaims, templates of StatefulSets, ephemeral volumes of pods.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go, SetDefaults_PersistentVolumeClaim and ...ClaimSpec.
 */
import type { Draft } from "../../machinery/index.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../generated/types.gen.ts";

export function setVolumeClaimDefaults(claim: Draft<PersistentVolumeClaim>): void {
  setVolumeClaimSpecDefaults((claim.spec ??= {}));
  (claim.status ??= {}).phase ||= "Pending";
}

export function setVolumeClaimSpecDefaults(spec: Draft<PersistentVolumeClaimSpec>): void {
  spec.resources ??= {};
  spec.volumeMode ??= "Filesystem";
}

const storageClassAnnotation = "volume.beta.kubernetes.io/storage-class";

/** Of claims and volumes that name their class as of old. */
export function storageClassWarnings(annotations: Readonly<Record<string, string>> | undefined): string[] {
  if (annotations === undefined || !Object.hasOwn(annotations, storageClassAnnotation)) return [];
  const at = `metadata.annotations[${storageClassAnnotation}]`;
  return [`${at}: deprecated since v1.8; use "storageClassName" attribute instead`];
}
