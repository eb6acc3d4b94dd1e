/**
 * Face of `api`: generated types, resource constants, kinds with their rules and tables, placement, pod helpers.
 * `@public` marks names that no room uses yet.
 */
export {
  /** @public */
  setPodSpecDefaults,
} from "./defaults/pod.ts";
export {
  daemonSetAnnotationWarnings,
  maxUnreachableAnnotation,
  maxUnreachableOf,
} from "./daemonset-annotations.ts";
export { kinds } from "./kind-table.ts";
export type { Kind, Subresource, TableColumn, TableLayout, WriteContext } from "./kinds.ts";
export { openApiDocument } from "./openapi/document.ts";
export {
  daemonTolerations,
  matchesNodeAffinity,
  matchesNodeSelectorTerm,
  nodeShouldRunDaemonPod,
  toleratesTaint,
  untoleratedTaint,
} from "./placement.ts";
export {
  /** @public */
  isPodAvailable,
  isPodReady,
  isPodTerminal,
  podCondition,
  podRequests,
  /** @public */
  qosClass,
  targetNodeName,
} from "./pod-helpers.ts";
export * from "./resources.ts";
export { schemas } from "./schemas.ts";
export type * from "./generated/types.gen.ts";
export { type NameRule, validateObjectMeta, validateObjectMetaUpdate } from "./validation/meta.ts";
export {
  /** @public */
  validatePodTemplate,
} from "./validation/pod-spec.ts";
export { systemPriorities } from "./validation/cluster.ts";
