/**
 * ReplicaSets. They are stored and checked; no controller of ours acts on them.
 * Upstream: kubernetes v1.35, pkg/apis/apps/v1/defaults.go, SetDefaults_ReplicaSet.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { ReplicaSet } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import {
  setPodTemplateDefaults,
  validateTemplateOwner,
  validateTemplateOwnerUpdate,
} from "../parts/pod-template.ts";
import { podNameWarnings, podWarnings } from "../parts/pod-warnings.ts";

export const replicasets: Resource<ReplicaSet> = {
  group: "apps",
  version: "v1",
  resource: "replicasets",
  kind: "ReplicaSet",
  namespaced: true,
};

export const replicaSetKind: Kind = defineKind({
  resource: replicasets,
  schema: "apps.v1.ReplicaSet",
  shortNames: ["rs"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("ReplicaSets", "no pods are created"),
  rules: {
    warnings: ({ metadata, spec: { template } }) => [
      ...podNameWarnings(metadata.name),
      ...(template === undefined ? [] : podWarnings("spec.template", template)),
    ],
    setDefaults: setReplicaSetDefaults,
    prepareForCreate(object) {
      object.status = { replicas: 0 };
    },
    validate: validateTemplateOwner,
    validateUpdate: validateTemplateOwnerUpdate,
  },
});

function setReplicaSetDefaults(object: Draft<ReplicaSet>): void {
  setPodTemplateDefaults((object.spec.template ??= { spec: { containers: [] } }));
  object.spec.replicas ??= 1;
}
