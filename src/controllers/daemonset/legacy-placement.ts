/**
 * Placement as the controller did it before a scheduler did (docs/spec/daemonset-controller.md#19.2): what the node
 * object says, then host ports and room beside all other pods of the node. Pure.
 * Not here: volumes, zones and attach limits, which simulated and small clusters do not have; the events (warnings.ts).
 * Upstream: kubernetes v1.11, pkg/controller/daemon/daemon_controller.go, nodeShouldRunDaemonPod, simulate.
 */
import { isPodTerminal, type Node, type Pod, podRequests, type PodSpec, qosClass } from "../../api/index.ts";
import {
  addQuantities,
  canonicalJson,
  compareQuantities,
  quantityMilli,
  semanticEqual,
} from "../../machinery/index.ts";
import type { Placement } from "./slots.ts";

export interface LegacyAnswer {
  readonly placement: Placement;
  /** Why no pod may be created though the node wants one; the node counts as desired all the same. */
  readonly refusal: string | undefined;
}

const nowhere: Placement = { shouldRun: false, shouldContinue: false };

/** @param others the pods of the node that are not the DaemonSet's. */
export function legacyAnswer(
  spec: PodSpec,
  node: Node,
  { basic, others }: { readonly basic: Placement; readonly others: readonly Pod[] },
): LegacyAnswer {
  if (!basic.shouldRun && !basic.shouldContinue) return { placement: basic, refusal: undefined };
  const running = others.filter((pod) => !isPodTerminal(pod));
  const ports = hostPorts(spec);
  const isTaken = running.some((pod) =>
    hostPorts(pod.spec).some((taken) => ports.some((port) => clash(taken, port))),
  );
  if (isTaken) return { placement: nowhere, refusal: undefined };
  const refusal = basic.shouldRun ? (pressure(spec, node) ?? lackOfRoom(spec, node, running)) : undefined;
  return { placement: basic, refusal };
}

/** Equal texts give equal answers for every node and its pods. */
export function legacyFingerprint(spec: PodSpec): string {
  return canonicalJson([podRequests(spec), hostPorts(spec), qosClass(spec)]);
}

/** Whether the node's status matters otherwise than before: room or pressure. */
export function roomChanged(before: Node, after: Node): boolean {
  const pressures = (node: Node): readonly boolean[] =>
    [...conditionTexts.keys()].map((type) => hasCondition(node, type));
  return (
    !semanticEqual(allocatable(before), allocatable(after)) ||
    !semanticEqual(pressures(before), pressures(after))
  );
}

/** Whether a pod counts on its node as it did before. */
export function countsAlike(before: Pod, after: Pod): boolean {
  return before.spec.nodeName === after.spec.nodeName && isPodTerminal(before) === isPodTerminal(after);
}

interface HostPort {
  readonly ip: string;
  readonly port: string;
}

const anyAddress = "0.0.0.0";

function hostPorts(spec: PodSpec): readonly HostPort[] {
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol, containerPort }) => {
      const port = hostPort || (spec.hostNetwork === true ? containerPort : 0);
      return port ? [{ ip: hostIP || anyAddress, port: `${protocol ?? "TCP"}/${port}` }] : [];
    }),
  );
}

function clash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress);
}

/** Upstream's texts. Memory pressure concerns only pods without requests and limits. */
const conditionTexts: ReadonlyMap<string, string> = new Map([
  ["DiskPressure", "node(s) had disk pressure"],
  ["MemoryPressure", "node(s) had memory pressure"],
]);

function pressure(spec: PodSpec, node: Node): string | undefined {
  for (const [type, text] of conditionTexts) {
    const matters = type !== "MemoryPressure" || qosClass(spec) === "BestEffort";
    if (matters && hasCondition(node, type)) return text;
  }
  return undefined;
}

function hasCondition(node: Node, wanted: string): boolean {
  return (node.status?.conditions ?? []).some(({ type, status }) => type === wanted && status === "True");
}

function allocatable(node: Node): Readonly<Record<string, string>> {
  return node.status?.allocatable ?? {};
}

/** The first resource that does not suffice, in upstream's words. A node that tells nothing of a resource has none. */
function lackOfRoom(spec: PodSpec, node: Node, running: readonly Pod[]): string | undefined {
  const capacity = allocatable(node);
  const requests = Object.entries({ pods: "1", ...podRequests(spec) });
  for (const [name, requested] of requests) {
    if (compareQuantities(requested, "0") === 0) continue;
    const used = running.reduce(
      (sum, pod) => addQuantities(sum, name === "pods" ? "1" : podRequests(pod.spec)[name]),
      "0",
    );
    if (compareQuantities(addQuantities(used, requested), capacity[name]) <= 0) continue;
    const [want, have, all] = [requested, used, capacity[name]].map((amount) => amountOf(name, amount));
    return `Node didn't have enough resource: ${name}, requested: ${want}, used: ${have}, capacity: ${all}`;
  }
  return undefined;
}

/** Processors are told in thousandths, as upstream does. */
function amountOf(name: string, amount: string | undefined): number {
  const milli = quantityMilli(amount);
  return name === "cpu" ? milli : Math.ceil(milli / 1000);
}
