/** Face of the DaemonSet controller. */
export {
  burstDefault,
  createDaemonSetController,
  type DaemonSetController,
  type DaemonSetControllerDependencies,
  type DaemonSetControllerOptions,
  workersDefault,
} from "./controller.ts";
export type { PlacementMode } from "./template.ts";
