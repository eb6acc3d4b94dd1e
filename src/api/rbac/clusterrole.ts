/**
 * ClusterRoles. They are stored; nothing in this cluster asks them, because every known user may do everything.
 */
import type { Resource } from "../../machinery/index.ts";
import type { ClusterRole } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const clusterroles: Resource<ClusterRole> = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "clusterroles",
  kind: "ClusterRole",
  namespaced: false,
};

export const clusterRoleKind: Kind = defineKind({
  resource: clusterroles,
  schema: "rbac.v1.ClusterRole",
  allowsCreateOnUpdate: true,
  rules: { nameRule: "pathSegment" },
  unactedWarning: unacted("ClusterRoles", "every known user may do everything"),
});
