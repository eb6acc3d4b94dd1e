/** Face of the DaemonSet controller. */
export {
  createDaemonSetController,
  type DaemonSetController,
  type DaemonSetControllerDependencies,
  type DaemonSetControllerOptions,
} from "./controller.ts";
export type { Verdict } from "./explain.ts";
export type { Action, Snapshot } from "./plan.ts";
export type { Planning } from "./reconcile.ts";
export type { PlacementMode } from "./template.ts";
