/**
 * What is added to or refused from a new object because of other objects: its namespace, priority classes, service accounts.
 * Not here: rules that look at the object alone (api/).
 * Upstream: kubernetes v1.34, plugin/pkg/admission/{namespace/lifecycle,nodetaint,priority,serviceaccount}.
 */
import type { Namespace, Node, Pod, PriorityClass } from "../../api/index.ts";
import { namespaces, nodes, pods, priorityclasses, serviceaccounts } from "../../api/index.ts";
import {
  type Draft,
  forbidden,
  type KubeObject,
  notFound,
  type Resource,
  StatusError,
} from "../../machinery/index.ts";
import type { Admission } from "../registry/writes.ts";
import type { Served, ServedResources } from "../registry/served.ts";

/** Upstream's: without them a cluster does not work. */
const lastingNamespaces = new Set(["default", "kube-system", "kube-public"]);

/** Keeps pods away until the node life cycle has seen the node Ready and takes it off. */
const notReadyTaint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

export interface AdmissionOptions {
  /** New nodes get the not-ready taint. Only where a node life cycle controller runs: nobody else takes it off. */
  readonly taintsNewNodes: boolean;
}

export class AdmissionPlugins implements Admission {
  readonly #served: ServedResources;
  readonly #options: AdmissionOptions;

  constructor(served: ServedResources, options: AdmissionOptions) {
    this.#served = served;
    this.#options = options;
  }

  /** Completes and checks a new object, after defaults and before validation. @throws StatusError 403, 404. */
  admitCreate(served: Served, object: Draft<KubeObject>): void {
    const { resource } = served.storage;
    if (resource.namespaced) this.#checkNamespace(resource, object);
    if (resource.resource === pods.resource && resource.group === pods.group)
      this.#completePod(object as Draft<Pod>);
    if (
      this.#options.taintsNewNodes &&
      resource.resource === nodes.resource &&
      resource.group === nodes.group
    )
      taintNode(object as Draft<Node>);
  }

  /** @throws StatusError 403 for namespaces that must stay. */
  admitDelete(served: Served, name: string): void {
    if (served.kind.resource.resource !== namespaces.resource || !lastingNamespaces.has(name)) return;
    throw forbidden(namespaces, name, "this namespace may not be deleted");
  }

  #checkNamespace(resource: Resource, object: Draft<KubeObject>): void {
    const name = object.metadata.namespace ?? "";
    const state = this.#served.of(namespaces).cache.get(undefined, name);
    if (state === undefined) throw notFound(namespaces, name);
    if ((state.object as Namespace).metadata.deletionTimestamp === undefined) return;
    const detail = `unable to create new content in namespace ${name} because it is being terminated`;
    const { status } = forbidden(resource, object.metadata.name ?? "", detail);
    const cause = {
      reason: "NamespaceTerminating",
      message: `namespace ${name} is being terminated`,
      field: "metadata.namespace",
    };
    throw new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
  }

  #completePod(pod: Draft<Pod>): void {
    const { spec } = pod;
    if (spec === undefined) return;
    this.#setPriority(pod, spec);
    this.#checkServiceAccount(pod, spec);
  }

  #setPriority(pod: Draft<Pod>, spec: NonNullable<Draft<Pod>["spec"]>): void {
    const found = this.#priorityClass(pod, spec.priorityClassName ?? "");
    const value = found?.value ?? 0;
    if (spec.priority !== undefined && spec.priority !== value) {
      const detail = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
      throw forbidden(pods, pod.metadata.name ?? "", detail);
    }
    if (found !== undefined) spec.priorityClassName = found.metadata.name!;
    spec.priority = value;
    spec.preemptionPolicy ??= found?.preemptionPolicy ?? "PreemptLowerPriority";
  }

  /** The named class, or the default one if there is any. */
  #priorityClass(pod: Draft<Pod>, name: string): PriorityClass | undefined {
    const { cache } = this.#served.of(priorityclasses);
    if (name !== "") {
      const state = cache.get(undefined, name);
      if (state === undefined)
        throw forbidden(pods, pod.metadata.name ?? "", `no PriorityClass with name ${name} was found`);
      return state.object as PriorityClass;
    }
    let best: PriorityClass | undefined;
    for (const state of cache.candidates({})) {
      const candidate = state.object as PriorityClass;
      // Several defaults can only come from a race; the lowest wins, as upstream.
      if (
        candidate.globalDefault === true &&
        (best === undefined || (candidate.value ?? 0) < (best.value ?? 0))
      )
        best = candidate;
    }
    return best;
  }

  /** `default` may not be there yet in a young namespace and is let through; any other name must exist. */
  #checkServiceAccount(pod: Draft<Pod>, spec: NonNullable<Draft<Pod>["spec"]>): void {
    const name = spec.serviceAccountName ?? spec.serviceAccount ?? "default";
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
    if (name === "default") return;
    const namespace = pod.metadata.namespace ?? "";
    if (this.#served.of(serviceaccounts).cache.get(namespace, name) !== undefined) return;
    const detail = `error looking up service account ${namespace}/${name}: ${notFound(serviceaccounts, name).message.replace("serviceaccounts", "serviceaccount")}`;
    throw forbidden(pods, pod.metadata.name ?? "", detail);
  }
}

function taintNode({ spec }: Draft<Node>): void {
  spec.taints ??= [];
  const hasTaint = spec.taints.some(
    ({ key, effect }) => key === notReadyTaint.key && effect === notReadyTaint.effect,
  );
  if (!hasTaint) spec.taints.push({ ...notReadyTaint });
}
