/**
 * A simulated machine: a small Linux server that is as well as the annotations of its Node say.
 * Not here: its container runtime (runtime.ts), its addresses (network.ts).
 */
import type { Node } from "../../../api/index.ts";
import type { Machine, MachineDescription, Platform, Pressure } from "../machine.ts";
import { type NodeTrouble, nodeTroublesOf } from "./behaviour.ts";
import { internalIpOf, podCidrOf } from "./network.ts";
import { stableHex } from "./stable-hex.ts";

/** What its labels say, too. */
export const simulatedPlatform: Platform = { architecture: "amd64", operatingSystem: "linux" };
const capacity = { cpu: "4", "ephemeral-storage": "102400Mi", memory: "16Gi", pods: "110" } as const;
const allocatable = { cpu: "3900m", "ephemeral-storage": "92160Mi", memory: "15Gi", pods: "110" } as const;

/** Ids of machines have 32 digits, eight at a time. */
const idParts = 4;

const pressureOf: Readonly<Partial<Record<NodeTrouble, Pressure>>> = {
  "memory-pressure": "memory",
  "disk-pressure": "disk",
  "pid-pressure": "pid",
};

export class SimulatedMachine implements Machine {
  readonly index: number;
  #node: Node;

  constructor(node: Node, index: number) {
    this.#node = node;
    this.index = index;
  }

  /** As last seen. */
  get node(): Node {
    return this.#node;
  }

  get hostIP(): string {
    return internalIpOf(this.index);
  }

  get podCidr(): string {
    return podCidrOf(this.index);
  }

  get platform(): Platform {
    return simulatedPlatform;
  }

  /** What the Node object says of its capacity wins, so that a Node made by hand can be of any size. */
  describe(): MachineDescription {
    const { metadata, status } = this.#node;
    const hasOwnCapacity = status?.capacity !== undefined && Object.keys(status.capacity).length > 0;
    const own = hasOwnCapacity ? status.capacity! : capacity;
    return {
      capacity: own,
      allocatable: status?.allocatable ?? (hasOwnCapacity ? own : allocatable),
      system: {
        bootID: metadata.uid ?? "",
        kernelVersion: "6.1.0-simulated",
        machineID: stableHex(metadata.name!, idParts),
        osImage: "Lares simulated Linux",
        systemUUID: stableHex(`${metadata.name!}/system`, idParts),
      },
    };
  }

  pressures(): ReadonlySet<Pressure> {
    return new Set([...this.troubles()].flatMap((trouble) => pressureOf[trouble] ?? []));
  }

  isSilent(): boolean {
    return this.troubles().has("silent");
  }

  troubles(): ReadonlySet<NodeTrouble> {
    return nodeTroublesOf(this.#node);
  }

  update(node: Node): boolean {
    const before = this.troubles();
    this.#node = node;
    const now = this.troubles();
    return before.size !== now.size || [...now].some((trouble) => !before.has(trouble));
  }
}
