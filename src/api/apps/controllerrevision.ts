/**
 * ControllerRevisions: the history of DaemonSets and StatefulSets. Not here: how revisions are made (controllers/daemonset).
 * Upstream: kubernetes v1.35, pkg/apis/apps/validation/validation.go (ValidateControllerRevision),
 * pkg/printers/internalversion/printers.go (printControllerRevision).
 */
import { controllerOf, type FieldError, required, type Resource } from "../../machinery/index.ts";
import type { ControllerRevision } from "../generated/types.gen.ts";
import { checkImmutable, checkNotNegative, type Errors } from "../parts/checks.ts";
import { ageColumn, ageOf, column, integerColumn, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const controllerrevisions: Resource<ControllerRevision> = {
  group: "apps",
  version: "v1",
  resource: "controllerrevisions",
  kind: "ControllerRevision",
  namespaced: true,
};

export const controllerRevisionKind: Kind = defineKind({
  resource: controllerrevisions,
  schema: "apps.v1.ControllerRevision",
  rules: {
    validate: validateControllerRevision,
    validateUpdate: (object, before) => [
      ...checkImmutable("data", object.data, before.data),
      ...validateControllerRevision(object),
    ],
  },
  table: {
    columns: [
      nameColumn,
      column("Controller", "What the revision belongs to."),
      integerColumn("Revision", "Number of the revision."),
      ageColumn,
    ],
    cells: (object, nowMs) => [nameOf(object), controllerName(object), object.revision, ageOf(object, nowMs)],
  },
});

function validateControllerRevision(object: ControllerRevision): Errors {
  const errors: FieldError[] = [];
  if (object.data === undefined || object.data === null) errors.push(required("data", "data is mandatory"));
  return [...errors, ...checkNotNegative("revision", object.revision)];
}

/** `daemonset.apps/agent`. */
function controllerName(object: ControllerRevision): string {
  const owner = controllerOf(object);
  if (owner === undefined) return "<none>";
  const slash = owner.apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
