/**
 * The Node object and status of a simulated machine, as a kubelet on a small Linux server would report them.
 * Pure. Not here: when it is written (node-agent.ts).
 */
import type { Node, NodeCondition, NodeStatus } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { NodeTrouble } from "../runtime/simulated/behaviour.ts";
import { annotationKeys } from "../runtime/simulated/behaviour.ts";
import { internalIpOf } from "../runtime/simulated/network.ts";
import { stableHex } from "../runtime/simulated/stable-hex.ts";

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
      machineID: stableHex(facts.name, 4),
      operatingSystem: "linux",
      osImage: "Lares simulated Linux",
      systemUUID: stableHex(`${facts.name}/system`, 4),
    },
  };
}
