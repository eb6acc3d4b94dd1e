/**
 * What a node says of itself: the labels of its host and the status of its Node object, with a kubelet's reasons and words. Pure.
 * Not here: when it is written (node-agent.ts), where the facts come from (runtime/machine.ts, runtime/pod-runtime.ts).
 */
import type { NodeCondition, NodeStatus } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { MachineDescription, Platform, Pressure } from "../runtime/machine.ts";
import type { ImageFound } from "../runtime/pod-runtime.ts";

/** Images listed in a node's status at most. Upstream's figure. */
const imagesMax = 50;
/** Where a kubelet answers the API server. */
const kubeletPort = 10250;

export interface NodeFacts {
  readonly name: string;
  readonly hostIP: string;
  readonly nowMs: number;
  /** Of the agent. */
  readonly kubeletVersion: string;
  readonly platform: Platform;
  readonly machine: MachineDescription;
  readonly pressures: ReadonlySet<Pressure>;
  readonly runtimeVersion: string;
  /** Why no pods can be run; undefined when they can. */
  readonly runtimeTrouble?: string | undefined;
  readonly images: readonly ImageFound[];
  readonly before?: NodeStatus | undefined;
}

/** The whole status. Conditions keep their transition times as long as their status stays. */
export function nodeStatus(facts: NodeFacts): NodeStatus {
  const { platform } = facts;
  const { capacity, allocatable, system } = facts.machine;
  return {
    addresses: [
      { type: "InternalIP", address: facts.hostIP },
      { type: "Hostname", address: facts.name },
    ],
    capacity,
    allocatable,
    conditions: conditions(facts),
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    images: facts.images.slice(0, imagesMax).map(({ name, sizeBytes }) => ({ names: [name], sizeBytes })),
    nodeInfo: {
      architecture: platform.architecture,
      bootID: system.bootID,
      containerRuntimeVersion: facts.runtimeVersion,
      kernelVersion: system.kernelVersion,
      kubeProxyVersion: facts.kubeletVersion,
      kubeletVersion: facts.kubeletVersion,
      machineID: system.machineID,
      operatingSystem: platform.operatingSystem,
      osImage: system.osImage,
      systemUUID: system.systemUUID,
    },
  };
}

/** Labels that a kubelet sets on its own node. */
export function hostLabels(
  name: string,
  { architecture, operatingSystem }: Platform,
): Readonly<Record<string, string>> {
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": operatingSystem,
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": operatingSystem,
  };
}

type Words = readonly [status: "True" | "False", reason: string, message: string];

interface PressureWords {
  readonly type: string;
  readonly pressure: Pressure;
  readonly well: Words;
  readonly ill: Words;
}

const pressureWords: readonly PressureWords[] = [
  {
    type: "MemoryPressure",
    pressure: "memory",
    well: ["False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ill: ["True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
  },
  {
    type: "DiskPressure",
    pressure: "disk",
    well: ["False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ill: ["True", "KubeletHasDiskPressure", "kubelet has disk pressure"],
  },
  {
    type: "PIDPressure",
    pressure: "pid",
    well: ["False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ill: ["True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
  },
];

function conditions(facts: NodeFacts): readonly NodeCondition[] {
  const ready: Words =
    facts.runtimeTrouble === undefined
      ? ["True", "KubeletReady", "kubelet is posting ready status"]
      : ["False", "KubeletNotReady", facts.runtimeTrouble];
  return [
    ...pressureWords.map(({ type, pressure, well, ill }) =>
      condition(facts, type, facts.pressures.has(pressure) ? ill : well),
    ),
    condition(facts, "Ready", ready),
  ];
}

function condition(facts: NodeFacts, type: string, [status, reason, message]: Words): NodeCondition {
  const now = formatTime(facts.nowMs);
  const before = facts.before?.conditions?.find((one) => one.type === type);
  const since = before?.status === status ? before.lastTransitionTime : undefined;
  return {
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: since ?? now,
  };
}
