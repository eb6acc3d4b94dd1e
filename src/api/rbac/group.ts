/** The table of the group rbac.authorization.k8s.io: one line for each kind, with the constant of its resource. */
export { clusterRoleKind, clusterroles } from "./clusterrole.ts";
export { clusterRoleBindingKind, clusterrolebindings } from "./clusterrolebinding.ts";
export { roleKind, roles } from "./role.ts";
export { roleBindingKind, rolebindings } from "./rolebinding.ts";
