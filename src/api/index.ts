/**
 * Face of `api`: generated types, resource constants, kinds with their rules and tables, placement, pod helpers.
 * `@public` marks names that no room uses yet.
 */
export {
  /** @public */
  setPodSpecDefaults,
} from "./parts/pod-defaults.ts";
export {
  daemonSetAnnotationWarnings,
  maxUnreachableAnnotation,
  maxUnreachableOf,
} from "./apps/daemonset/annotations.ts";
export { kinds } from "./kind-table.ts";
export type { Kind, Subresource, TableColumn, TableLayout, WriteContext } from "./parts/kinds.ts";
export { openApiDocument } from "./openapi.ts";
export {
  daemonTolerations,
  matchesNodeAffinity,
  matchesNodeSelectorTerm,
  nodeShouldRunDaemonPod,
  toleratesTaint,
  untoleratedTaint,
} from "./parts/placement.ts";
export {
  /** @public */
  isPodReady,
  isPodTerminal,
  podCondition,
  podRequests,
  /** @public */
  qosClass,
  targetNodeName,
} from "./core/pod/requests.ts";
export * from "./resources.ts";
export { schemas } from "./schemas.ts";
export type * from "./generated/types.gen.ts";
export { type NameRule, validateObjectMeta, validateObjectMetaUpdate } from "./parts/metadata.ts";
export {
  /** @public */
  validatePodTemplate,
} from "./parts/pod-spec.ts";
export { systemPriorities } from "./validation/cluster.ts";
