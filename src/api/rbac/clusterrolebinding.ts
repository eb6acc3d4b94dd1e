/**
 * ClusterRoleBindings. They are stored; nothing in this cluster asks them, because every known user may do everything.
 */
import type { Resource } from "../../machinery/index.ts";
import type { ClusterRoleBinding } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const clusterrolebindings: Resource<ClusterRoleBinding> = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "clusterrolebindings",
  kind: "ClusterRoleBinding",
  namespaced: false,
};

export const clusterRoleBindingKind: Kind = defineKind({
  resource: clusterrolebindings,
  schema: "rbac.v1.ClusterRoleBinding",
  allowsCreateOnUpdate: true,
  rules: { nameRule: "pathSegment" },
  unactedWarning: unacted("ClusterRoleBindings", "every known user may do everything"),
});
