/**
 * Face of `api`: generated types, resource constants, kinds with their rules and tables, placement, questions about pods.
 * `@public` marks names that no room uses yet.
 */
export { kinds } from "./kind-table.ts";
export type { Kind, Subresource, TableColumn, TableLayout, WriteContext } from "./parts/kinds.ts";
export { schemas } from "./schemas.ts";
export type * from "./generated/types.gen.ts";
export { type DocumentedKind, openApiDocument } from "./openapi.ts";
export * from "./core/group.ts";
export * from "./apps/group.ts";
export * from "./batch/group.ts";
export * from "./coordination/group.ts";
export * from "./discovery/group.ts";
export * from "./events/group.ts";
export * from "./networking/group.ts";
export * from "./policy/group.ts";
export * from "./rbac/group.ts";
export * from "./scheduling/group.ts";

export {
  daemonSetAnnotationWarnings,
  maxUnreachableAnnotation,
  maxUnreachableOf,
} from "./apps/daemonset/annotations.ts";
export {
  podRequests,
  /** @public */
  qosClass,
} from "./core/pod/requests.ts";
export { completeFamilies, type Families } from "./core/service/families.ts";
export {
  clusterIpsOf,
  isHeadless,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
} from "./core/service/needs.ts";
export { isPodReady, isPodTerminal, podCondition, targetNodeName } from "./core/pod/status.ts";
export {
  type Cidr,
  formatCidr,
  formatIp,
  type IpAddress,
  parseCidr,
  parseIp,
  rangeOf,
} from "./parts/addresses.ts";
export { validateObjectMeta, validateObjectMetaUpdate } from "./parts/metadata.ts";
export {
  daemonTolerations,
  findPlacementObstacles,
  matchesNodeAffinity,
  matchesNodeSelectorTerm,
  mayStayDespite,
  nodeShouldRunDaemonPod,
  type PlacementObstacle,
  toleratesTaint,
  untoleratedTaint,
} from "./parts/placement.ts";
export {
  /** @public */
  setPodSpecDefaults,
} from "./parts/pod-spec.ts";
export {
  /** @public */
  validatePodTemplate,
} from "./parts/pod-template.ts";
export { servedCidrName } from "./networking/servicecidr.ts";
export { systemPriorities } from "./scheduling/priorityclass.ts";
