/** Face of `controllers/node-lifecycle`: watches over nodes, and evicts pods from nodes that repel them. */
export {
  createNodeLifecycleController,
  type NodeLifecycleDependencies,
  type NodeLifecycleOptions,
} from "./controller.ts";
export { createTaintEvictionController, type TaintEvictionDependencies } from "./taint-eviction.ts";
