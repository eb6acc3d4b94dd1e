/** Face of `api`: generated types, resource constants, kinds with their rules and tables, placement, pod helpers. */
export { templateGenerationAnnotation } from "./daemonset-rules.ts";
export { setPodDefaults, setPodSpecDefaults, setPodTemplateDefaults } from "./defaults/pod.ts";
export { kinds } from "./kind-table.ts";
export type { Kind, KindRules, Subresource, TableColumn, TableLayout, WriteContext } from "./kinds.ts";
export { openApiDocument } from "./openapi/document.ts";
export {
  daemonTolerations,
  matchesNodeAffinity,
  matchesNodeSelector,
  matchesNodeSelectorTerm,
  nodeShouldRunDaemonPod,
  type PlacementAnswer,
  type PlacementNode,
  toleratesTaint,
  untoleratedTaint,
} from "./placement.ts";
export {
  isPodAvailable,
  isPodReady,
  isPodTerminal,
  isPodTerminating,
  podCondition,
  podLimits,
  podRequests,
  type QosClass,
  qosClass,
  targetNodeName,
} from "./pod-helpers.ts";
export * from "./resources.ts";
export { schemas } from "./schemas.ts";
export type * from "./types.gen.ts";
export {
  type NameRule,
  type ObjectMetaOptions,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "./validation/meta.ts";
export { validatePodTemplate } from "./validation/pod-spec.ts";
export { systemPriorities } from "./validation/cluster.ts";
