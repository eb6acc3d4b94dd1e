/** The ways of placement by the names that users know, and what the DaemonSet controller calls them. */
import type { PlacementMode } from "../controllers/daemonset/index.ts";

export type Placement = "affinity" | "nodename" | "nodename-legacy";

export const placementModes: Readonly<Record<Placement, PlacementMode>> = {
  affinity: "scheduler",
  nodename: "controller",
  "nodename-legacy": "controller-legacy",
};
