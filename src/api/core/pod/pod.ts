/**
 * Pods: the kind, its defaults and its warnings.
 * Beside this file: strategy.ts (first status, addresses, grace), validation.ts, table.ts, and the questions that other
 * rooms ask about pods (status.ts, requests.ts). Not here: what pods share with templates (parts/pod-spec.ts).
 * Upstream: kubernetes v1.35, pkg/apis/core/v1/defaults.go (SetDefaults_Pod), pkg/registry/core/pod/strategy.go.
 */
import type { Draft, Resource } from "../../../machinery/index.ts";
import type { Container, Pod } from "../../generated/types.gen.ts";
import { defineKind } from "../../parts/define-kind.ts";
import type { Kind } from "../../parts/kinds.ts";
import { setPodSpecDefaults } from "../../parts/pod-spec.ts";
import { nameWarnings, podWarnings } from "../../parts/pod-warnings.ts";
import { graceSeconds, preparePodForCreate, preparePodForStatusUpdate } from "./strategy.ts";
import { podTable } from "./table.ts";
import { validatePodCreate, validatePodStatusUpdate, validatePodUpdate } from "./validation.ts";

export const pods: Resource<Pod> = {
  group: "",
  version: "v1",
  resource: "pods",
  kind: "Pod",
  namespaced: true,
};

export const podKind: Kind = defineKind({
  resource: pods,
  schema: "core.v1.Pod",
  shortNames: ["po"],
  categories: ["all"],
  subresources: [
    { name: "binding", kind: "Binding", verbs: ["create"] },
    { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    { name: "log", kind: "Pod", verbs: ["get"] },
  ],
  hasGeneration: true,
  hasStatus: true,
  deleteReturnsObject: true,
  rules: {
    setDefaults: setPodDefaults,
    prepareForCreate: preparePodForCreate,
    prepareForStatusUpdate: preparePodForStatusUpdate,
    graceSeconds,
    validate: validatePodCreate,
    validateUpdate: validatePodUpdate,
    validateStatusUpdate: validatePodStatusUpdate,
    warnings: (pod) => [
      ...nameWarnings(pod.metadata.name, "this is used in the Pod's hostname, which"),
      ...podWarnings("", pod),
    ],
    selectableFields: {
      "spec.nodeName": (pod) => pod.spec.nodeName ?? "",
      "spec.host": (pod) => pod.spec.nodeName ?? "",
      "spec.restartPolicy": (pod) => pod.spec.restartPolicy ?? "",
      "spec.schedulerName": (pod) => pod.spec.schedulerName ?? "",
      "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "",
      "spec.hostNetwork": (pod) => String(pod.spec.hostNetwork ?? false),
      "status.phase": (pod) => pod.status?.phase ?? "",
      "status.podIP": (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "",
      "status.podIPs": () => "",
      "status.nominatedNodeName": (pod) => pod.status?.nominatedNodeName ?? "",
    },
    indexedField: "spec.nodeName",
  },
  table: podTable,
});

/** The defaults of the spec, and those that only pods have. */
function setPodDefaults(pod: Draft<Pod>): void {
  pod.spec ??= { containers: [] };
  const { spec } = pod;
  setPodSpecDefaults(spec);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    setRequestsFromLimits(container);
    if (!spec.hostNetwork) continue;
    for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}

function setRequestsFromLimits(container: Draft<Container>): void {
  const limits = container.resources?.limits;
  if (container.resources === undefined || limits === undefined || Object.keys(limits).length === 0) return;
  const requests = (container.resources.requests ??= {});
  for (const [name, quantity] of Object.entries(limits)) requests[name] ??= quantity;
}
