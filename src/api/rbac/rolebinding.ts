/**
 * RoleBindings. They are stored; nothing in this cluster asks them, because every known user may do everything.
 */
import type { Resource } from "../../machinery/index.ts";
import type { RoleBinding } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const rolebindings: Resource<RoleBinding> = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "rolebindings",
  kind: "RoleBinding",
  namespaced: true,
};

export const roleBindingKind: Kind = defineKind({
  resource: rolebindings,
  schema: "rbac.v1.RoleBinding",
  allowsCreateOnUpdate: true,
  rules: { nameRule: "pathSegment" },
  unactedWarning: unacted("RoleBindings", "every known user may do everything"),
});
