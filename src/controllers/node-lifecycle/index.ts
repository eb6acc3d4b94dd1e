/** Face of `controllers/node-lifecycle`: watches over nodes, and evicts pods from nodes that repel them. */
export { createNodeLifecycleController, type NodeLifecycleOptions } from "./controller.ts";
export { createTaintEvictionController } from "./taint-eviction.ts";
