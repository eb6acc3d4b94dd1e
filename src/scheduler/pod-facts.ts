/**
 * What the scheduler has to know of a pod, worked out once: requests as numbers, host ports, pinned nodes, shape.
 * Not here: whether a node suits it (filters.ts). Amounts: cpu in thousandths, everything else in whole units.
 * Upstream: kubernetes v1.35, pkg/scheduler/framework/types.go (calculateResource, GetHostPorts).
 */
import { type Container, isPodTerminal, type Pod, podRequests } from "../api/index.ts";
import { quantityMilli, quantityValue } from "../machinery/index.ts";

export interface HostPort {
  readonly ip: string;
  /** `TCP/8080`. */
  readonly port: string;
}

export interface PodFacts {
  readonly key: string;
  readonly uid: string;
  readonly priority: number;
  readonly requests: readonly (readonly [resource: string, amount: number])[];
  /** Requests as the score sees them: pods that ask for nothing still weigh something. */
  readonly scoreCpu: number;
  readonly scoreMemory: number;
  readonly hostPorts: readonly HostPort[];
}

/** Weight of a pod without a cpu request, in thousandths; upstream's DefaultMilliCPURequest. */
const scoreCpuDefault = 100;
/** Weight of a pod without a memory request, in bytes; upstream's DefaultMemoryRequest. */
const scoreMemoryDefault = 200 * 1024 * 1024;

/** cpu in thousandths, others in units rounded up; requests are small enough for doubles (2^53). */
export function amountOf(resource: string, quantity: string): number {
  return resource === "cpu" ? quantityMilli(quantity) : quantityValue(quantity);
}

/** Amounts of a resource list, zeros left out. */
function amountsOf(list: Readonly<Record<string, string>> | undefined): [string, number][] {
  const amounts: [string, number][] = [];
  for (const [resource, quantity] of Object.entries(list ?? {})) {
    const amount = amountOf(resource, quantity);
    if (amount > 0) amounts.push([resource, amount]);
  }
  return amounts;
}

export function factsOf(pod: Pod): PodFacts {
  const requests = amountsOf(podRequests(pod.spec));
  return {
    key: `${pod.metadata.namespace ?? ""}/${pod.metadata.name ?? ""}`,
    uid: pod.metadata.uid ?? "",
    priority: pod.spec.priority ?? 0,
    requests,
    scoreCpu: requests.find(([resource]) => resource === "cpu")?.[1] ?? scoreCpuDefault,
    scoreMemory: requests.find(([resource]) => resource === "memory")?.[1] ?? scoreMemoryDefault,
    hostPorts: hostPortsOf(pod),
  };
}

/** Host ports of containers that run all the time: main containers and sidecars. */
function hostPortsOf(pod: Pod): HostPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter(
    (container) => container.restartPolicy === "Always",
  );
  const ports: HostPort[] = [];
  const containers: readonly Container[] =
    sidecars.length === 0 ? pod.spec.containers : [...pod.spec.containers, ...sidecars];
  for (const container of containers) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (!hostPort) continue;
      ports.push({ ip: hostIP || anyAddress, port: `${protocol ?? "TCP"}/${hostPort}` });
    }
  }
  return ports;
}

/** A host port without an address takes the port on every address. */
export const anyAddress = "0.0.0.0";

/**
 * The nodes that required affinity on the field `metadata.name` leaves over, or undefined when it names none.
 * A term without such a field leaves every node over. Daemon pods have exactly one.
 */
export function pinnedNodes(pod: Pod): ReadonlySet<string> | undefined {
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const pinned = new Set<string>();
  for (const term of terms) {
    let ofTerm: Set<string> | undefined;
    for (const field of term.matchFields ?? []) {
      if (field.key !== "metadata.name" || field.operator !== "In") continue;
      const values = field.values ?? [];
      ofTerm = new Set(ofTerm === undefined ? values : values.filter((value) => ofTerm!.has(value)));
    }
    if (ofTerm === undefined) return undefined;
    for (const name of ofTerm) pinned.add(name);
  }
  return pinned;
}

/** Pods of equal shape suit the same nodes and may drive out the same pods: what fails for one fails for all of them. */
export function shapeOf(pod: Pod, { priority, requests, hostPorts }: PodFacts): string {
  const { nodeSelector, affinity, tolerations, preemptionPolicy } = pod.spec;
  const placement = [nodeSelector, affinity?.nodeAffinity, tolerations];
  return JSON.stringify([...placement, requests, hostPorts, priority, preemptionPolicy]);
}

/** True when the scheduler named in the pod is `schedulerName` and the pod still needs a node. */
export function isToSchedule(pod: Pod, schedulerName: string): boolean {
  return (
    !pod.spec.nodeName &&
    pod.metadata.deletionTimestamp === undefined &&
    (pod.spec.schedulerName ?? "default-scheduler") === schedulerName &&
    !isPodTerminal(pod)
  );
}

export function isGated(pod: Pod): boolean {
  return (pod.spec.schedulingGates?.length ?? 0) > 0;
}
