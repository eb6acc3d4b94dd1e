/**
 * The Node object and status of a simulated machine, as a kubelet on a small Linux server would report them.
 * Pure. Not here: when it is written (node-agent.ts).
 *
 *   index i ─▶ InternalIP 172.16.0.0/12 + 2 + i,  podCIDR 10.<(i>>8)>.<i&255>.0/24 counted from 10.244.0.0
 */
import type { Node, NodeCondition, NodeStatus } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { NodeTrouble } from "../runtime/simulated/behaviour.ts";
import { annotationKeys } from "../runtime/simulated/behaviour.ts";

/** Nodes that can have addresses of their own: /24 networks in 10.0.0.0/8. */
export const nodeIndexMax = 65_535;

const firstNetwork = 244 << 8;

export function podCidrOf(index: number): string {
  const network = (firstNetwork + index) & 0xffff;
  return `10.${network >> 8}.${network & 255}.0/24`;
}

/** The index that `podCidrOf` gives this network for, or undefined when it is none of ours. */
export function indexOfPodCidr(podCidr: string): number | undefined {
  const match = /^10\.(\d{1,3})\.(\d{1,3})\.0\/24$/.exec(podCidr);
  if (match === null) return undefined;
  return ((Number(match[1]) << 8) + Number(match[2]) - firstNetwork) & 0xffff;
}

export function internalIpOf(index: number): string {
  const host = index + 2;
  return `172.${16 + ((host >> 16) & 15)}.${(host >> 8) & 255}.${host & 255}`;
}

/** The `slot`-th address of the node's pod network; slot 0 is the first, 253 the last before they repeat. */
export function podIpOf(index: number, slot: number): string {
  const network = (firstNetwork + index) & 0xffff;
  return `10.${network >> 8}.${network & 255}.${2 + (slot % 253)}`;
}

const nodeCapacity = {
  cpu: "4",
  "ephemeral-storage": "102400Mi",
  memory: "16Gi",
  pods: "110",
} as const;
const nodeAllocatable = {
  cpu: "3900m",
  "ephemeral-storage": "92160Mi",
  memory: "15Gi",
  pods: "110",
} as const;

export interface NodeWish {
  readonly name: string;
  readonly role?: "control-plane";
  readonly fleet?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The object with which a simulated node registers; the server's defaults and the fleet's status complete it. */
export function nodeObject(wish: NodeWish): Node {
  const isControlPlane = wish.role === "control-plane";
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: wish.name,
      labels: {
        ...hostLabels(wish.name),
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

/** Labels that a kubelet sets on its own node. */
export function hostLabels(name: string): Readonly<Record<string, string>> {
  return {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
  };
}

interface ConditionFacts {
  readonly type: string;
  readonly healthy: readonly [status: string, reason: string, message: string];
  readonly sick: readonly [status: string, reason: string, message: string];
  readonly trouble: NodeTrouble;
}

const conditionFacts: readonly ConditionFacts[] = [
  {
    type: "MemoryPressure",
    healthy: ["False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    sick: ["True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
    trouble: "memory-pressure",
  },
  {
    type: "DiskPressure",
    healthy: ["False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    sick: ["True", "KubeletHasDiskPressure", "kubelet has disk pressure"],
    trouble: "disk-pressure",
  },
  {
    type: "PIDPressure",
    healthy: ["False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    sick: ["True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
    trouble: "pid-pressure",
  },
  {
    type: "Ready",
    healthy: ["True", "KubeletReady", "kubelet is posting ready status"],
    sick: ["False", "KubeletNotReady", "container runtime is down (simulated by lares.dev/simulate)"],
    trouble: "not-ready",
  },
];

function conditions(facts: StatusFacts): readonly NodeCondition[] {
  const now = formatTime(facts.nowMs);
  return conditionFacts.map(({ type, healthy, sick, trouble }) => {
    const [status, reason, message] = facts.troubles.has(trouble) ? sick : healthy;
    const before = facts.before?.conditions?.find((condition) => condition.type === type);
    const isSame = before?.status === status && before.lastTransitionTime !== undefined;
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: now,
      lastTransitionTime: isSame ? before.lastTransitionTime! : now,
    };
  });
}

export interface ImageOnNode {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface StatusFacts {
  readonly name: string;
  readonly uid: string;
  readonly index: number;
  readonly nowMs: number;
  readonly kubeletVersion: string;
  readonly troubles: ReadonlySet<NodeTrouble>;
  readonly images: readonly ImageOnNode[];
  readonly before?: NodeStatus;
}

/** 32 hexadecimal digits that stay the same for the same name: machine and system ids. */
function stableId(text: string): string {
  let id = "";
  for (let part = 0; part < 4; part++) {
    let hash = 0x811c9dc5 ^ part;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    id += (hash >>> 0).toString(16).padStart(8, "0");
  }
  return id;
}

/** The whole status; conditions keep their transition times as long as their status stays. What the node's object says of capacity wins. */
export function nodeStatus(facts: StatusFacts): NodeStatus {
  const { before } = facts;
  const hasOwnCapacity = before?.capacity !== undefined && Object.keys(before.capacity).length > 0;
  const capacity = hasOwnCapacity ? before.capacity! : nodeCapacity;
  const allocatable = before?.allocatable ?? (hasOwnCapacity ? capacity : nodeAllocatable);
  return {
    addresses: [
      { type: "InternalIP", address: internalIpOf(facts.index) },
      { type: "Hostname", address: facts.name },
    ],
    capacity,
    allocatable,
    conditions: conditions(facts),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    images: facts.images.map(({ name, sizeBytes }) => ({ names: [name], sizeBytes })),
    nodeInfo: {
      architecture: "amd64",
      bootID: facts.uid,
      containerRuntimeVersion: "lares-simulated://0.1",
      kernelVersion: "6.1.0-simulated",
      kubeProxyVersion: facts.kubeletVersion,
      kubeletVersion: facts.kubeletVersion,
      machineID: stableId(facts.name),
      operatingSystem: "linux",
      osImage: "Lares simulated Linux",
      systemUUID: stableId(`${facts.name}/system`),
    },
  };
}
