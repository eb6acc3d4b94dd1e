/**
 * Table layouts of the core kinds but pods and events.
 * Upstream: kubernetes v1.35, pkg/printers/internalversion/printers.go.
 */
import type { TableLayout } from "../parts/kinds.ts";
import type {
  ConfigMap,
  Lease,
  Namespace,
  Node,
  PodDisruptionBudget,
  PriorityClass,
  Secret,
  Service,
  ServiceAccount,
} from "../generated/types.gen.ts";
import {
  ageColumn,
  ageOf,
  column,
  formatLabels,
  integerColumn,
  nameColumn,
  nameOf,
  orNone,
  orUnknown,
  wide,
} from "../parts/columns.ts";

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return node.spec.unschedulable ? `${word},SchedulingDisabled` : word;
}

const rolePrefix = "node-role.kubernetes.io/";

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === "kubernetes.io/role" && value !== "") roles.add(value);
  }
  return roles.size === 0 ? "<none>" : [...roles].sort().join(",");
}

function nodeAddress(node: Node, type: string): string {
  return orNone(node.status?.addresses?.find((address) => address.type === type)?.address);
}

export const nodeTable: TableLayout<Node> = {
  columns: [
    nameColumn,
    column("Status", "Whether the node is ready and takes pods."),
    column("Roles", "Roles from the node's labels."),
    ageColumn,
    column("Version", "Version of the node's agent."),
    wide("Internal-IP", "First internal address."),
    wide("External-IP", "First external address."),
    wide("OS-Image", "Operating system, as it names itself."),
    wide("Kernel-Version", "Kernel, as it names itself."),
    wide("Container-Runtime", "Container runtime and its version."),
  ],
  cells: (node, nowMs) => [
    nameOf(node),
    nodeStatus(node),
    nodeRoles(node),
    ageOf(node, nowMs),
    node.status?.nodeInfo?.kubeletVersion ?? "",
    nodeAddress(node, "InternalIP"),
    nodeAddress(node, "ExternalIP"),
    orUnknown(node.status?.nodeInfo?.osImage),
    orUnknown(node.status?.nodeInfo?.kernelVersion),
    orUnknown(node.status?.nodeInfo?.containerRuntimeVersion),
  ],
};

export const namespaceTable: TableLayout<Namespace> = {
  columns: [nameColumn, column("Status", "Active, or Terminating while its objects are deleted."), ageColumn],
  cells: (object, nowMs) => [nameOf(object), object.status?.phase ?? "", ageOf(object, nowMs)],
};

export const leaseTable: TableLayout<Lease> = {
  columns: [nameColumn, column("Holder", "Who holds the lease."), ageColumn],
  cells: (object, nowMs) => [nameOf(object), object.spec?.holderIdentity ?? "", ageOf(object, nowMs)],
};

const sizeOf = (map: object | undefined): number => Object.keys(map ?? {}).length;

export const configMapTable: TableLayout<ConfigMap> = {
  columns: [nameColumn, integerColumn("Data", "Number of keys."), ageColumn],
  cells: (object, nowMs) => [
    nameOf(object),
    sizeOf(object.data) + sizeOf(object.binaryData),
    ageOf(object, nowMs),
  ],
};

export const secretTable: TableLayout<Secret> = {
  columns: [
    nameColumn,
    column("Type", "What the secret is for."),
    integerColumn("Data", "Number of keys."),
    ageColumn,
  ],
  cells: (object, nowMs) => [nameOf(object), object.type ?? "", sizeOf(object.data), ageOf(object, nowMs)],
};

export const serviceAccountTable: TableLayout<ServiceAccount> = {
  columns: [
    nameColumn,
    integerColumn("Secrets", "Number of secrets that pods of the account may use."),
    ageColumn,
  ],
  cells: (object, nowMs) => [nameOf(object), object.secrets?.length ?? 0, ageOf(object, nowMs)],
};

function externalIps(service: Service): string {
  const { spec } = service;
  const own = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ExternalName":
      return orNone(spec.externalName);
    case "LoadBalancer": {
      const ingress = service.status?.loadBalancer?.ingress ?? [];
      const all = [...ingress.map((entry) => entry.ip || entry.hostname || ""), ...own].filter(
        (ip) => ip !== "",
      );
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    default:
      return own.length === 0 ? "<none>" : own.join(",");
  }
}

function servicePorts(service: Service): string {
  const ports = (service.spec.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol ?? "TCP"}` : `${port}/${protocol ?? "TCP"}`,
  );
  return ports.length === 0 ? "<none>" : ports.join(",");
}

export const serviceTable: TableLayout<Service> = {
  columns: [
    nameColumn,
    column("Type", "How the service is exposed."),
    column("Cluster-IP", "Address inside the cluster."),
    column("External-IP", "Addresses outside the cluster."),
    column("Port(s)", "Ports, with the node port where there is one."),
    ageColumn,
    wide("Selector", "Labels of the pods behind the service."),
  ],
  cells: (object, nowMs) => [
    nameOf(object),
    object.spec.type ?? "",
    orNone(object.spec.clusterIPs?.[0] ?? object.spec.clusterIP),
    externalIps(object),
    servicePorts(object),
    ageOf(object, nowMs),
    formatLabels(object.spec.selector),
  ],
};

export const podDisruptionBudgetTable: TableLayout<PodDisruptionBudget> = {
  columns: [
    nameColumn,
    column("Min Available", "Pods that must stay available."),
    column("Max Unavailable", "Pods that may be unavailable."),
    integerColumn("Allowed Disruptions", "Pods that may be evicted now."),
    ageColumn,
  ],
  cells: (object, nowMs) => [
    nameOf(object),
    String(object.spec.minAvailable ?? "N/A"),
    String(object.spec.maxUnavailable ?? "N/A"),
    object.status?.disruptionsAllowed ?? 0,
    ageOf(object, nowMs),
  ],
};

export const priorityClassTable: TableLayout<PriorityClass> = {
  columns: [
    nameColumn,
    integerColumn("Value", "Priority of pods of this class."),
    {
      name: "Global-Default",
      type: "boolean",
      description: "Whether pods without a class get it.",
      priority: 0,
    },
    ageColumn,
    column("PreemptionPolicy", "Whether pods of this class make room for themselves."),
  ],
  cells: (object, nowMs) => [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    ageOf(object, nowMs),
    object.preemptionPolicy ?? "",
  ],
};
