/**
 * Deployments. They are stored and checked; no controller of ours acts on them.
 * Upstream: kubernetes v1.35, pkg/apis/apps/v1/defaults.go, SetDefaults_Deployment.
 */
import type { Draft, Resource } from "../../machinery/index.ts";
import type { Deployment } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import {
  setPodTemplateDefaults,
  validateTemplateOwner,
  validateTemplateOwnerUpdate,
} from "../parts/pod-template.ts";
import { podNameWarnings, podWarnings } from "../parts/pod-warnings.ts";

export const deployments: Resource<Deployment> = {
  group: "apps",
  version: "v1",
  resource: "deployments",
  kind: "Deployment",
  namespaced: true,
};

export const deploymentKind: Kind = defineKind({
  resource: deployments,
  schema: "apps.v1.Deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("Deployments", "no pods are created"),
  rules: {
    warnings: ({ metadata, spec }) => [
      ...podNameWarnings(metadata.name),
      ...podWarnings("spec.template", spec.template),
    ],
    setDefaults: setDeploymentDefaults,
    prepareForCreate(object) {
      object.status = {};
    },
    validate: validateTemplateOwner,
    validateUpdate: validateTemplateOwnerUpdate,
  },
});

function setDeploymentDefaults(object: Draft<Deployment>): void {
  const { spec } = object;
  setPodTemplateDefaults(spec.template);
  spec.replicas ??= 1;
  const strategy = (spec.strategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rolling = (strategy.rollingUpdate ??= {});
    rolling.maxUnavailable ??= "25%";
    rolling.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}
