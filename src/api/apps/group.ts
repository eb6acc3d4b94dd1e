/** The table of the group apps: one line for each kind, with the constant of its resource. */
export { controllerRevisionKind, controllerrevisions } from "./controllerrevision.ts";
export { daemonSetKind, daemonsets } from "./daemonset/daemonset.ts";
export { deploymentKind, deployments } from "./deployment.ts";
export { replicaSetKind, replicasets } from "./replicaset.ts";
export { statefulSetKind, statefulsets } from "./statefulset.ts";
