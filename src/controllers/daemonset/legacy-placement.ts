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
  keyOf,
  quantityMilli,
  semanticEqual,
} from "../../machinery/index.ts";
import type { RoomObstacle } from "./reasons.ts";
import type { Placement } from "./slots.ts";

export interface LegacyAnswer {
  readonly placement: Placement;
  /** Why no pod may be created though the node wants one; empty when it may. The node counts as desired all the same. */
  readonly refusal: readonly RoomObstacle[];
}

const nowhere: Placement = { shouldRun: false, shouldContinue: false };

/** @param others the pods of the node that are not the DaemonSet's. */
export function legacyAnswer(
  spec: PodSpec,
  node: Node,
  { basic, others }: { readonly basic: Placement; readonly others: readonly Pod[] },
): LegacyAnswer {
  if (!basic.shouldRun && !basic.shouldContinue) return { placement: basic, refusal: [] };
  if (takenPorts(spec, others).length > 0) return { placement: nowhere, refusal: [] };
  const refusal = basic.shouldRun ? [...pressures(spec, node), ...lacks(spec, node, others)] : [];
  return { placement: basic, refusal };
}

/** Host ports of the template that other pods of the node have. */
export function takenPorts(spec: PodSpec, others: readonly Pod[]): readonly RoomObstacle[] {
  const ports = hostPorts(spec);
  if (ports.length === 0) return [];
  return running(others).flatMap((pod) =>
    hostPorts(pod.spec)
      .filter((taken) => ports.some((port) => clash(taken, port)))
      .map(({ port }): RoomObstacle => ({ why: "HostPortTaken", port, by: keyOf(pod) })),
  );
}

function running(pods: readonly Pod[]): readonly Pod[] {
  return pods.filter((pod) => !isPodTerminal(pod));
}

/** Upstream's words for the event. */
export function refusalText(obstacle: RoomObstacle): string {
  switch (obstacle.why) {
    case "HostPortTaken":
      return `port ${obstacle.port} is taken by ${obstacle.by}`;
    case "NodePressure":
      return conditionTexts.get(obstacle.condition) ?? obstacle.condition;
    case "InsufficientResource": {
      const { resource, requested, used, capacity } = obstacle;
      return `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
    }
  }
}

/** Equal texts give equal answers for every node and its pods. */
export function legacyFingerprint(spec: PodSpec): string {
  return canonicalJson([podRequests(spec), hostPorts(spec), qosClass(spec)]);
}

/** Whether the node's status matters otherwise than before: room or pressure. */
export function roomChanged(before: Node, after: Node): boolean {
  const conditions = (node: Node): readonly boolean[] =>
    [...conditionTexts.keys()].map((type) => hasCondition(node, type));
  return (
    !semanticEqual(allocatable(before), allocatable(after)) ||
    !semanticEqual(conditions(before), conditions(after))
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

/** Upstream's texts, in its order. Memory pressure concerns only pods without requests and limits. */
const conditionTexts: ReadonlyMap<string, string> = new Map([
  ["DiskPressure", "node(s) had disk pressure"],
  ["MemoryPressure", "node(s) had memory pressure"],
]);

function pressures(spec: PodSpec, node: Node): readonly RoomObstacle[] {
  return [...conditionTexts.keys()]
    .filter((type) => type !== "MemoryPressure" || qosClass(spec) === "BestEffort")
    .filter((type) => hasCondition(node, type))
    .map((condition) => ({ why: "NodePressure", condition }));
}

function hasCondition(node: Node, wanted: string): boolean {
  return (node.status?.conditions ?? []).some(({ type, status }) => type === wanted && status === "True");
}

function allocatable(node: Node): Readonly<Record<string, string>> {
  return node.status?.allocatable ?? {};
}

/** Resources that do not suffice. A node that tells nothing of a resource has none of it. */
function lacks(spec: PodSpec, node: Node, others: readonly Pod[]): readonly RoomObstacle[] {
  const available = allocatable(node);
  const there = running(others);
  return Object.entries({ pods: "1", ...podRequests(spec) }).flatMap(
    ([resource, requested]): RoomObstacle[] => {
      if (compareQuantities(requested, "0") === 0) return [];
      const used = there.reduce(
        (sum, pod) => addQuantities(sum, resource === "pods" ? "1" : podRequests(pod.spec)[resource]),
        "0",
      );
      if (compareQuantities(addQuantities(used, requested), available[resource]) <= 0) return [];
      const amount = (quantity: string | undefined): number => amountOf(resource, quantity);
      return [
        {
          why: "InsufficientResource",
          resource,
          requested: amount(requested),
          used: amount(used),
          capacity: amount(available[resource]),
        },
      ];
    },
  );
}

/** Processors are told in thousandths, as upstream does. */
function amountOf(name: string, amount: string | undefined): number {
  const milli = quantityMilli(amount);
  return name === "cpu" ? milli : Math.ceil(milli / 1000);
}
