/**
 * From the DaemonSet's template to the pod of one node (docs/spec/daemonset-controller.md#8), pure.
 * Not here: sending it (apply.ts), whether the node should get one (placement.ts).
 * Upstream: kubernetes v1.34, pkg/controller/daemon/util/daemonset_util.go, pkg/controller/controller_utils.go.
 */
import { withMembers } from "../../base/index.ts";
import { daemonTolerations, type DaemonSet, type NodeSelector, type Pod } from "../../api/index.ts";
import { dnsSubdomainErrors, type OwnerReference } from "../../machinery/index.ts";
import { hashLabel, templateGenerationLabel, templateGenerationOf } from "./facts.ts";

/**
 * `scheduler`: pinned by affinity, bound by a scheduler. `controller`: bound by this controller through spec.nodeName.
 * `controller-legacy`: so too, but only where ports and room suffice, and under upstream's old scheduler name (#19.2).
 */
export type PlacementMode = "scheduler" | "controller" | "controller-legacy";

/** Upstream's name for itself in pods that it bound. */
const legacySchedulerName = "kubernetes.io/daemonset-controller";

export interface PodTemplateOptions {
  readonly hash: string;
  readonly placement: PlacementMode;
}

/** The reference that every pod and revision of the DaemonSet carries. */
export function ownerReference(daemonSet: DaemonSet): OwnerReference {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    name: daemonSet.metadata.name ?? "",
    uid: daemonSet.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * Prepares the part that all nodes share; the answer makes the pod of one node. Shares subtrees with the template.
 * @throws Error when the template has no labels.
 */
export function podMaker(daemonSet: DaemonSet, options: PodTemplateOptions): (node: string) => Pod {
  const { template } = daemonSet.spec;
  const metadata = podMetadata(daemonSet, options.hash);
  if (Object.keys(template.metadata?.labels ?? {}).length === 0)
    throw new Error("unable to create pods, no labels");
  const spec = { ...template.spec!, tolerations: daemonTolerations(template.spec!) };
  return (node) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: placedSpec(spec, node, options.placement),
  });
}

/** Only labels, annotations and finalizers are taken over from the template. */
function podMetadata(daemonSet: DaemonSet, hash: string): Pod["metadata"] {
  const { metadata, spec } = daemonSet;
  const source = spec.template.metadata ?? {};
  const generation = templateGenerationOf(daemonSet);
  const prefix = `${metadata.name ?? ""}-`;
  return {
    generateName: dnsSubdomainErrors(prefix.slice(0, -1)).length === 0 ? prefix : (metadata.name ?? ""),
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    labels: {
      ...source.labels,
      ...(generation === undefined ? {} : { [templateGenerationLabel]: generation }),
      ...(hash === "" ? {} : { [hashLabel]: hash }),
    },
    ...(source.annotations === undefined ? {} : { annotations: source.annotations }),
    ...(source.finalizers === undefined ? {} : { finalizers: source.finalizers }),
    ownerReferences: [ownerReference(daemonSet)],
  };
}

/** The API refuses a node name beside scheduling gates, so a gated pod is pinned in both modes (#19.3). */
function placedSpec(spec: Pod["spec"], node: string, placement: PlacementMode): Pod["spec"] {
  const isPinned = placement === "scheduler" || (spec.schedulingGates?.length ?? 0) > 0;
  if (isPinned) return pinnedTo(spec, node);
  const bound = withMembers(spec, { nodeName: node });
  return placement === "controller-legacy" ? { ...bound, schedulerName: legacySchedulerName } : bound;
}

/** Replaces the required node affinity by one term for this node; placement has checked the user's terms (#8.3). */
export function pinnedTo(spec: Pod["spec"], node: string): Pod["spec"] {
  const required: NodeSelector = {
    nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
  };
  return withMembers(spec, {
    affinity: withMembers(spec.affinity ?? {}, {
      nodeAffinity: withMembers(spec.affinity?.nodeAffinity ?? {}, {
        requiredDuringSchedulingIgnoredDuringExecution: required,
      }),
    }),
  });
}
