/**
 * What a pod asks for: requests of the whole pod, and its quality of service.
 * Not here: what a node has left (scheduler).
 * Upstream: kubernetes v1.35, component-helpers/resource/helpers.go, pkg/apis/core/v1/helper/qos.
 */
import { addQuantities, compareQuantities } from "../../../machinery/index.ts";
import type { Container, PodSpec } from "../../generated/types.gen.ts";

/** A map and not an object, because clients choose the names, and `constructor` is one. */
type Quantities = Map<string, string>;

function addAll(into: Quantities, more: Iterable<readonly [string, string]>): void {
  for (const [name, quantity] of more) {
    const sum = into.get(name);
    into.set(name, sum === undefined ? quantity : addQuantities(sum, quantity));
  }
}

function raiseTo(into: Quantities, least: Quantities): void {
  for (const [name, quantity] of least) {
    const now = into.get(name);
    if (now === undefined || compareQuantities(now, quantity) < 0) into.set(name, quantity);
  }
}

function requestsOf(container: Container): [string, string][] {
  return Object.entries(container.resources?.requests ?? {});
}

/**
 * What the pod needs at once, by resource name. That is the sum of its containers and sidecars, or the largest need during its
 * initialization if that is more. Where the pod itself has a request, that request counts instead. Overhead comes on top.
 */
export function podRequests(spec: PodSpec): Readonly<Record<string, string>> {
  const total: Quantities = new Map();
  for (const container of spec.containers ?? []) addAll(total, requestsOf(container));
  const sidecars: Quantities = new Map();
  const whileInitializing: Quantities = new Map();
  for (const container of spec.initContainers ?? []) {
    const own: Quantities = new Map(requestsOf(container));
    if (container.restartPolicy === "Always") {
      addAll(total, own);
      addAll(sidecars, own);
      raiseTo(whileInitializing, sidecars);
    } else {
      addAll(own, sidecars);
      raiseTo(whileInitializing, own);
    }
  }
  raiseTo(total, whileInitializing);
  for (const [name, quantity] of Object.entries(spec.resources?.requests ?? {})) total.set(name, quantity);
  addAll(total, Object.entries(spec.overhead ?? {}));
  return Object.fromEntries(total);
}

type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const isZero = (quantity: string | undefined): boolean =>
  quantity === undefined || compareQuantities(quantity, "0") === 0;

/** By cpu and memory of the pod itself if it says them, else of all containers and init containers. */
export function qosClass(spec: PodSpec): QosClass {
  const containers: readonly Pick<Container, "resources">[] =
    spec.resources?.requests !== undefined || spec.resources?.limits !== undefined
      ? [{ resources: spec.resources }]
      : [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  let hasAny = false;
  let isGuaranteed = true;
  for (const { resources } of containers) {
    for (const name of ["cpu", "memory"]) {
      const request = resources?.requests?.[name];
      const limit = resources?.limits?.[name];
      if (!isZero(request) || !isZero(limit)) hasAny = true;
      if (isZero(limit) || (request !== undefined && compareQuantities(request, limit ?? "0") !== 0)) {
        isGuaranteed = false;
      }
    }
  }
  if (!hasAny) return "BestEffort";
  return isGuaranteed ? "Guaranteed" : "Burstable";
}
