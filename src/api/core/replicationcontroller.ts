/**
 * ReplicationControllers. They are stored; no controller of ours acts on them.
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go and pkg/apis/core/validation/validation.go.
 */
import { type Draft, required, type Resource } from "../../machinery/index.ts";
import type { ReplicationController } from "../generated/types.gen.ts";
import { addAll, checkNotNegative, type Errors } from "../parts/checks.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { checkSelectorMatches, setPodTemplateDefaults, validatePodTemplate } from "../parts/pod-template.ts";
import { podNameWarnings, podWarnings } from "../parts/pod-warnings.ts";

export const replicationcontrollers: Resource<ReplicationController> = {
  group: "",
  version: "v1",
  resource: "replicationcontrollers",
  kind: "ReplicationController",
  namespaced: true,
};

export const replicationControllerKind: Kind = defineKind({
  resource: replicationcontrollers,
  schema: "core.v1.ReplicationController",
  shortNames: ["rc"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  unactedWarning: unacted("ReplicationControllers", "no pods are created"),
  rules: {
    warnings: ({ metadata, spec: { template } }) => [
      ...podNameWarnings(metadata.name),
      ...(template === undefined ? [] : podWarnings("spec.template", template)),
    ],
    setDefaults: setReplicationControllerDefaults,
    prepareForCreate(object) {
      object.status = { replicas: 0 };
    },
    orphansByDefault: { warning: "" },
    validate: validateReplicationController,
    validateUpdate: validateReplicationController,
  },
});

/** Selector and labels follow the labels of the template where they are empty. */
function setReplicationControllerDefaults(object: Draft<ReplicationController>): void {
  const { spec } = object;
  spec.replicas ??= 1;
  if (spec.template === undefined) return;
  setPodTemplateDefaults(spec.template);
  const labels = spec.template.metadata?.labels ?? {};
  if (Object.keys(labels).length === 0) return;
  if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
  if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
}

function validateReplicationController(object: ReplicationController): Errors {
  const { selector, template, replicas } = object.spec;
  const errors = checkNotNegative("spec.replicas", replicas);
  if (Object.keys(selector ?? {}).length === 0) errors.push(required("spec.selector"));
  if (template === undefined) return [...errors, required("spec.template")];
  addAll(
    errors,
    checkSelectorMatches("spec.template.metadata.labels", { matchLabels: selector ?? {} }, template),
  );
  return [...errors, ...validatePodTemplate("spec.template", template)];
}
