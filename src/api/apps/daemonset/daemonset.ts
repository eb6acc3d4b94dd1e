/**
 * DaemonSets: the kind, its defaults and its row. They have no scale subresource.
 * Beside this file: strategy.ts (status and template generation), validation.ts, annotations.ts (our own ones).
 * Upstream: kubernetes v1.35, pkg/apis/apps/v1/defaults.go (SetDefaults_DaemonSet),
 * pkg/printers/internalversion/printers.go (printDaemonSet).
 */
import { type Draft, formatLabelSelector, type Resource } from "../../../machinery/index.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";
import {
  ageColumn,
  ageOf,
  column,
  formatLabels,
  integerColumn,
  nameColumn,
  nameOf,
  wide,
} from "../../parts/columns.ts";
import { defineKind } from "../../parts/define-kind.ts";
import type { Kind } from "../../parts/kinds.ts";
import { setPodTemplateDefaults } from "../../parts/pod-template.ts";
import { podWarnings } from "../../parts/pod-warnings.ts";
import { daemonSetAnnotationWarnings } from "./annotations.ts";
import {
  prepareDaemonSetForCreate,
  prepareDaemonSetForStatusUpdate,
  prepareDaemonSetForUpdate,
} from "./strategy.ts";
import {
  validateDaemonSetCreate,
  validateDaemonSetStatusUpdate,
  validateDaemonSetUpdate,
} from "./validation.ts";

export const daemonsets: Resource<DaemonSet> = {
  group: "apps",
  version: "v1",
  resource: "daemonsets",
  kind: "DaemonSet",
  namespaced: true,
};

export const daemonSetKind: Kind = defineKind({
  resource: daemonsets,
  schema: "apps.v1.DaemonSet",
  shortNames: ["ds"],
  categories: ["all"],
  hasGeneration: true,
  hasStatus: true,
  rules: {
    setDefaults: setDaemonSetDefaults,
    prepareForCreate: prepareDaemonSetForCreate,
    prepareForUpdate: prepareDaemonSetForUpdate,
    prepareForStatusUpdate: prepareDaemonSetForStatusUpdate,
    validate: validateDaemonSetCreate,
    validateUpdate: validateDaemonSetUpdate,
    validateStatusUpdate: validateDaemonSetStatusUpdate,
    warnings: (object) => [
      ...daemonSetAnnotationWarnings(object),
      ...podWarnings("spec.template", object.spec.template),
    ],
  },
  table: {
    columns: [
      nameColumn,
      integerColumn("Desired", "Nodes that should run a pod."),
      integerColumn("Current", "Nodes that should run a pod and have one."),
      integerColumn("Ready", "Nodes whose pod is ready."),
      integerColumn("Up-to-date", "Nodes whose pod is of the current template."),
      integerColumn("Available", "Nodes whose pod has been ready long enough."),
      column("Node Selector", "Labels that nodes must have."),
      ageColumn,
      wide("Containers", "Names of the containers."),
      wide("Images", "Images of the containers."),
      wide("Selector", "Selects the pods."),
    ],
    cells(object, nowMs) {
      const { status, spec } = object;
      const containers = spec.template.spec.containers ?? [];
      return [
        nameOf(object),
        status?.desiredNumberScheduled ?? 0,
        status?.currentNumberScheduled ?? 0,
        status?.numberReady ?? 0,
        status?.updatedNumberScheduled ?? 0,
        status?.numberAvailable ?? 0,
        formatLabels(spec.template.spec.nodeSelector),
        ageOf(object, nowMs),
        containers.map((container) => container.name).join(","),
        containers.map((container) => container.image ?? "").join(","),
        formatLabelSelector(spec.selector),
      ];
    },
  },
});

function setDaemonSetDefaults(object: Draft<DaemonSet>): void {
  const { spec } = object;
  setPodTemplateDefaults(spec.template);
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rolling = (strategy.rollingUpdate ??= {});
    rolling.maxUnavailable ??= 1;
    rolling.maxSurge ??= 0;
  } else if (strategy.rollingUpdate !== undefined) {
    // Nobody uses them, but upstream's own form of the object has no way to leave them out.
    strategy.rollingUpdate.maxUnavailable ??= 0;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
}
