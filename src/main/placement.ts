/** The values of `--placement`, and the DaemonSet controller's name for each. */
import type { PlacementMode } from "../controllers/daemonset/index.ts";

export type Placement = "affinity" | "nodename" | "nodename-legacy";

export const placementModes: Readonly<Record<Placement, PlacementMode>> = {
  affinity: "scheduler",
  nodename: "controller",
  "nodename-legacy": "controller-legacy",
};
