/**
 * Roles. They are stored; nothing in this cluster asks them, because every known user may do everything.
 */
import type { Resource } from "../../machinery/index.ts";
import type { Role } from "../generated/types.gen.ts";
import { defineKind, unacted } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";

export const roles: Resource<Role> = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "roles",
  kind: "Role",
  namespaced: true,
};

export const roleKind: Kind = defineKind({
  resource: roles,
  schema: "rbac.v1.Role",
  allowsCreateOnUpdate: true,
  rules: { nameRule: "pathSegment" },
  unactedWarning: unacted("Roles", "every known user may do everything"),
});
