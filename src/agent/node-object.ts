/** The Node object with which a simulated node registers. Pure. Not here: who creates it (node/registration.ts, main/up.ts). */
import type { Node } from "../api/index.ts";
import { hostLabels } from "./node/node-status.ts";
import { annotationKeys } from "./runtime/simulated/behaviour.ts";
import { simulatedPlatform } from "./runtime/simulated/machine.ts";

export interface NodeWish {
  readonly name: string;
  readonly role?: "control-plane";
  /** Who drives the node; absent or "" is the default fleet. */
  readonly fleet?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The server's defaults and the agent's reports complete it. */
export function nodeObject(wish: NodeWish): Node {
  const isControlPlane = wish.role === "control-plane";
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: wish.name,
      labels: {
        ...hostLabels(wish.name, simulatedPlatform),
        ...(isControlPlane ? { "node-role.kubernetes.io/control-plane": "" } : {}),
        ...wish.labels,
      },
      annotations: {
        [annotationKeys.simulated]: "true",
        ...(wish.fleet ? { [annotationKeys.fleet]: wish.fleet } : {}),
      },
    },
    spec: isControlPlane
      ? { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] }
      : {},
  };
}
