/**
 * Nodes. Not here: which pods a node takes (parts/placement.ts).
 * Upstream: kubernetes v1.35, pkg/registry/core/node/strategy.go, pkg/apis/core/v1/defaults.go,
 * pkg/apis/core/validation/validation.go (ValidateNode), pkg/printers/internalversion/printers.go (printNode).
 */
import {
  childPath,
  type Draft,
  duplicateValue,
  type FieldError,
  forbiddenField,
  indexPath,
  invalidValue,
  type Resource,
} from "../../machinery/index.ts";
import type { Node } from "../generated/types.gen.ts";
import { parseCidr, cidrWarnings } from "../parts/addresses.ts";
import { addAll, type Errors } from "../parts/checks.ts";
import { ageColumn, ageOf, column, nameColumn, nameOf, orNone, orUnknown, wide } from "../parts/columns.ts";
import { defineKind } from "../parts/define-kind.ts";
import type { Kind } from "../parts/kinds.ts";
import { checkAmounts } from "../parts/resource-requirements.ts";
import { checkTaints } from "../parts/selectors.ts";

export const nodes: Resource<Node> = {
  group: "",
  version: "v1",
  resource: "nodes",
  kind: "Node",
  namespaced: false,
};

export const nodeKind: Kind = defineKind({
  resource: nodes,
  schema: "core.v1.Node",
  shortNames: ["no"],
  hasStatus: true,
  rules: {
    warnings: ({ spec: { externalID, podCIDRs = [] } }) => [
      ...(externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
      ...podCIDRs.flatMap((cidr, index) => cidrWarnings(`spec.podCIDRs[${index}]`, cidr)),
    ],
    setDefaults: setNodeDefaults,
    prepareForCreate(object) {
      // A node agent registers with its status in one call, so the status of a new node stays.
      object.status ??= {};
    },
    validate: validateNode,
    validateUpdate: validateNodeChange,
    validateStatusUpdate: validateNodeChange,
    selectableFields: { "spec.unschedulable": (object) => String(object.spec.unschedulable ?? false) },
  },
  table: {
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
  },
});

/** `podCIDR` and `podCIDRs[0]` are one thing; allocatable follows capacity. */
function setNodeDefaults(object: Draft<Node>): void {
  const spec = (object.spec ??= {});
  if (spec.podCIDR && (spec.podCIDRs ?? []).length === 0) spec.podCIDRs = [spec.podCIDR];
  else if (!spec.podCIDR && spec.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
  const status = object.status;
  if (status?.capacity === undefined) return;
  const allocatable = (status.allocatable ??= {});
  if (Object.keys(allocatable).length > 0) return;
  for (const [name, quantity] of Object.entries(status.capacity)) allocatable[name] = quantity;
}

function validateNode(node: Node): Errors {
  const errors = checkTaints("metadata.taints", node.spec.taints);
  if ((node.spec.podCIDRs ?? []).length > 0) addAll(errors, checkPodCidrs(node.spec.podCIDRs ?? []));
  addAll(errors, checkAmounts("status.capacity", node.status?.capacity, childPath));
  addAll(errors, checkAmounts("status.allocatable", node.status?.allocatable, childPath));
  return errors;
}

function checkPodCidrs(cidrs: readonly string[]): FieldError[] {
  const path = "spec.podCIDRs";
  const errors: FieldError[] = [];
  for (const [index, cidr] of cidrs.entries()) {
    if (parseCidr(cidr) !== undefined) continue;
    const text = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    errors.push(invalidValue(indexPath(path, index), cidr, text));
  }
  const families = new Set(cidrs.map((cidr) => cidr.includes(":")));
  if (cidrs.length > 2 || families.size < cidrs.length) {
    errors.push(invalidValue(path, cidrs, "may specify no more than one CIDR for each IP family"));
  }
  return errors;
}

/** A change of the main resource or of the status. */
function validateNodeChange(node: Node, before: Node): Errors {
  const errors: FieldError[] = [...validateNode(node)];
  const seen = new Set<string>();
  for (const [index, address] of (node.status?.addresses ?? []).entries()) {
    const id = `${address.type} ${address.address}`;
    if (seen.has(id)) errors.push(duplicateValue(indexPath("status.addresses", index), address));
    seen.add(id);
  }
  const cidrs = before.spec.podCIDRs ?? [];
  if (cidrs.length > 0 && cidrs.join() !== (node.spec.podCIDRs ?? []).join()) {
    errors.push(setOnce("podCIDRs", "podCIDR"));
  } else if (before.spec.podCIDR && before.spec.podCIDR !== node.spec.podCIDR) {
    errors.push(setOnce("podCIDR", "podCIDR"));
  }
  if (before.spec.providerID && before.spec.providerID !== node.spec.providerID) {
    errors.push(setOnce("providerID", "providerID"));
  }
  return errors;
}

/** The error of a field that is set once. Upstream's text says `podCIDR` of `podCIDRs` too. */
function setOnce(field: string, name: string): FieldError {
  return forbiddenField(`spec.${field}`, `node updates may not change ${name} except from "" to valid`);
}

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
