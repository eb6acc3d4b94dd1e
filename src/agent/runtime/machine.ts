/**
 * The seam to the machine below a node: what it is, and whether it is well. Made by runtime/simulated today.
 * Not here: what is made of it in the Node's status (node/node-status.ts), the container runtime (pod-runtime.ts).
 */
import type { Node, NodeStatus } from "../../api/index.ts";

export type Pressure = "memory" | "disk" | "pid";

export interface Machine {
  /** Its address, which pods on the host's network have too. */
  readonly hostIP: string;
  /** The network that its pods have addresses in, if the machine brings one. */
  readonly podCidr: string | undefined;
  readonly platform: Platform;
  /** Resources, and what the machine is: `cpu`, kernel, operating system. The versions of the agent are the agent's. */
  describe(): MachineDescription;
  pressures(): ReadonlySet<Pressure>;
  /** True while it is cut off from the network: nothing of this node may reach the server. A real machine never knows. */
  isSilent(): boolean;
  /** The Node object is another now. @returns whether the machine describes itself otherwise because of it. */
  update(node: Node): boolean;
}

export interface MachineDescription {
  readonly capacity: NonNullable<NodeStatus["capacity"]>;
  readonly allocatable: NonNullable<NodeStatus["allocatable"]>;
  readonly system: MachineSystem;
}

/** In Go's words, as labels and statuses say it: `amd64`, `linux`. */
export interface Platform {
  readonly architecture: string;
  readonly operatingSystem: string;
}

export interface MachineSystem {
  readonly bootID: string;
  readonly kernelVersion: string;
  readonly machineID: string;
  readonly osImage: string;
  readonly systemUUID: string;
}
