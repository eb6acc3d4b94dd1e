/**
 * Namespaces. Not here: how the contents of a deleted namespace are removed (controllers/namespace).
 * Upstream: kubernetes v1.35, pkg/registry/core/namespace/strategy.go, pkg/apis/core/validation/validation.go.
 */
import { type Draft, invalidValue, type Resource } from "../../machinery/index.ts";
import type { Namespace } from "../generated/types.gen.ts";
import type { Errors } from "../parts/checks.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const namespaces: Resource<Namespace> = {
  group: "",
  version: "v1",
  resource: "namespaces",
  kind: "Namespace",
  namespaced: false,
};

export const namespaceKind: Kind = defineKind({
  resource: namespaces,
  schema: "core.v1.Namespace",
  shortNames: ["ns"],
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: [{ name: "finalize", kind: "Namespace", verbs: ["update"] }],
  hasStatus: true,
  deleteReturnsObject: true,
  rules: {
    setDefaults: setNamespaceDefaults,
    prepareForCreate: prepareNamespaceForCreate,
    prepareForUpdate: keepFinalizers,
    prepareForDelete: (object) => (object.status = { ...object.status, phase: "Terminating" }),
    isHeldBack: ({ spec }) => (spec?.finalizers ?? []).length > 0,
    nameRule: "label",
    validateStatusUpdate: validateNamespaceStatus,
    selectableFields: { "status.phase": (object) => object.status?.phase ?? "" },
  },
  table: {
    columns: [
      nameColumn,
      column("Status", "Active, or Terminating while its objects are deleted."),
      ageColumn,
    ],
    cells: (object, nowMs) => [nameOf(object), object.status?.phase ?? "", ageOf(object, nowMs)],
  },
});

function setNamespaceDefaults(object: Draft<Namespace>): void {
  object.spec ??= {};
  const { name } = object.metadata;
  if (name) (object.metadata.labels ??= {})["kubernetes.io/metadata.name"] = name;
}

/** Holds a namespace until its contents are gone. It stands in the spec, not in the metadata. */
const namespaceFinalizer = "kubernetes";

function prepareNamespaceForCreate(object: Draft<Namespace>): void {
  object.status = { phase: "Active" };
  const finalizers = (object.spec.finalizers ??= []);
  if (!finalizers.includes(namespaceFinalizer)) finalizers.push(namespaceFinalizer);
}

/** Only the subresource `finalize` changes the finalizers of the spec. */
function keepFinalizers(object: Draft<Namespace>, before: Namespace): void {
  const { finalizers } = before.spec;
  if (finalizers === undefined) delete object.spec.finalizers;
  else object.spec.finalizers = [...finalizers];
}

function validateNamespaceStatus(namespace: Namespace): Errors {
  const phase = namespace.status?.phase ?? "";
  const isDeleting = namespace.metadata.deletionTimestamp !== undefined;
  const expected = isDeleting ? "Terminating" : "Active";
  if (phase === expected) return [];
  const state = isDeleting ? "is not empty" : "is empty";
  const text = `may only be '${expected}' if \`deletionTimestamp\` ${state}`;
  return [invalidValue("status.Phase", phase, text)];
}
