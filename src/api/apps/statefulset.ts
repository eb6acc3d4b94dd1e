/**
 * StatefulSets. They are stored and checked; no controller of ours acts on them.
 * Upstream: kubernetes v1.35, pkg/apis/apps/v1/defaults.go, SetDefaults_StatefulSet.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { StatefulSet } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import {
  setPodTemplateDefaults,
  validateTemplateOwner,
  validateTemplateOwnerUpdate,
} from "../parts/pod-template.ts";
import { setVolumeClaimDefaults } from "../parts/volume-claim.ts";
import { podWarnings } from "../parts/pod-warnings.ts";

export const statefulsets: Resource<StatefulSet> = {
  group: "apps",
  version: "v1",
  resource: "statefulsets",
  kind: "StatefulSet",
  namespaced: true,
};

export const statefulSetKind: Kind = defineKind({
  resource: statefulsets,
  schema: "apps.v1.StatefulSet",
  shortNames: ["sts"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("StatefulSets", "no pods are created"),
  rules: {
    warnings: ({ spec }) => podWarnings("spec.template", spec.template),
    setDefaults: setStatefulSetDefaults,
    prepareForCreate(object) {
      object.status = { replicas: 0, availableReplicas: 0 };
    },
    validate: validateTemplateOwner,
    validateUpdate: validateTemplateOwnerUpdate,
  },
});

function setStatefulSetDefaults(object: Draft<StatefulSet>): void {
  const { spec } = object;
  setPodTemplateDefaults(spec.template);
  spec.podManagementPolicy ||= "OrderedReady";
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rolling = (strategy.rollingUpdate ??= {});
    rolling.partition ??= 0;
  }
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ||= "Retain";
  retention.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  for (const claim of spec.volumeClaimTemplates ?? []) setVolumeClaimDefaults(claim);
}
