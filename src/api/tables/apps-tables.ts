/**
 * Table layouts of DaemonSets and ControllerRevisions.
 * Upstream: kubernetes v1.35, pkg/printers/internalversion/printers.go.
 */
import { controllerOf, formatLabelSelector } from "../../machinery/index.ts";
import type { TableLayout } from "../parts/kinds.ts";
import type { ControllerRevision, DaemonSet } from "../generated/types.gen.ts";
import {
  ageColumn,
  ageOf,
  column,
  formatLabels,
  integerColumn,
  nameColumn,
  nameOf,
  wide,
} from "../parts/columns.ts";

export const daemonSetTable: TableLayout<DaemonSet> = {
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
};

function controllerName(object: ControllerRevision): string {
  const owner = controllerOf(object);
  if (owner === undefined) return "<none>";
  const slash = owner.apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const controllerRevisionTable: TableLayout<ControllerRevision> = {
  columns: [
    nameColumn,
    column("Controller", "What the revision belongs to."),
    integerColumn("Revision", "Number of the revision."),
    ageColumn,
  ],
  cells: (object, nowMs) => [nameOf(object), controllerName(object), object.revision, ageOf(object, nowMs)],
};
