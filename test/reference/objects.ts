/**
 * REFERENCE, not shipped: facts about pods and revisions, the pod of a node, claiming. See controller.ts.
 * From docs/spec/daemonset-controller.md#6 to #8 and #11.1; shares nothing with src/controllers/daemonset.
 */
import {
  type ControllerRevision,
  daemonsets,
  type DaemonSet,
  daemonTolerations,
  type Node,
  nodeShouldRunDaemonPod,
  type Pod,
} from "../../src/api/index.ts";
import type { Client } from "../../src/client/index.ts";
import {
  controllerOf,
  isInvalid,
  isNotFound,
  type KubeObject,
  type OwnerReference,
  parseTimeMs,
  type Resource,
  type Selector,
  selectorFromLabelSelector,
} from "../../src/machinery/index.ts";

export const hashLabel = "controller-revision-hash";
const generationLabel = "pod-template-generation";
const generationAnnotation = "deprecated.daemonset.template.generation";

export interface Placement {
  readonly shouldRun: boolean;
  readonly shouldContinue: boolean;
}

/** Answers for many nodes; upstream copies the template for each, which is spared here. */
export function placer(daemonSet: DaemonSet): (node: Node) => Placement {
  const spec = daemonSet.spec.template.spec!;
  const tolerations = daemonTolerations(spec);
  return (node) => nodeShouldRunDaemonPod(spec, node, tolerations);
}

export function addressOf({ metadata }: KubeObject): { readonly name: string; readonly namespace: string } {
  return { name: metadata.name!, namespace: metadata.namespace! };
}

export function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

export function hashOf(object: KubeObject): string {
  return object.metadata.labels?.[hashLabel] ?? "";
}

export const isTerminating = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

export function selectorOf(daemonSet: DaemonSet): Selector {
  return selectorFromLabelSelector(daemonSet.spec.selector);
}

export function isEmptySelector({ spec }: DaemonSet): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function generationOf(daemonSet: DaemonSet): string | undefined {
  const text = daemonSet.metadata.annotations?.[generationAnnotation];
  return text !== undefined && /^-?\d+$/.test(text) ? text : undefined;
}

export function isUpdated(daemonSet: DaemonSet, hash: string): (pod: Pod) => boolean {
  const generation = generationOf(daemonSet);
  return ({ metadata: { labels } }) =>
    (hash !== "" && labels?.[hashLabel] === hash) ||
    (generation !== undefined && labels?.[generationLabel] === generation);
}

/** #9.2: bound, older, name. */
export function comparePods(a: Pod, b: Pod): number {
  const isBound = (pod: Pod): number => (pod.spec.nodeName ? 0 : 1);
  const created = (pod: Pod): number => parseTimeMs(pod.metadata.creationTimestamp ?? "") ?? 0;
  return isBound(a) - isBound(b) || created(a) - created(b) || (a.metadata.name! < b.metadata.name! ? -1 : 1);
}

export function ownerReference({ metadata }: DaemonSet): OwnerReference {
  const { name, uid } = metadata;
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    name: name!,
    uid: uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The pod of one node, placed by the scheduler (mode S). */
export function podTemplate(daemonSet: DaemonSet, hash: string): (node: string) => Pod {
  const { template } = daemonSet.spec;
  const { labels = {}, annotations, finalizers } = template.metadata ?? {};
  if (Object.keys(labels).length === 0) throw new Error("unable to create pods, no labels");
  const generation = generationOf(daemonSet);
  const metadata = {
    generateName: `${daemonSet.metadata.name}-`,
    namespace: daemonSet.metadata.namespace!,
    labels: {
      ...labels,
      ...(generation === undefined ? {} : { [generationLabel]: generation }),
      [hashLabel]: hash,
    },
    ...(annotations === undefined ? {} : { annotations }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ownerReferences: [ownerReference(daemonSet)],
  };
  const spec = { ...template.spec!, tolerations: daemonTolerations(template.spec!) };
  return (node) => {
    const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
    const nodeAffinity = {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    };
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity } },
    };
  };
}

/** #6: what of the candidates belongs to the DaemonSet after releasing and adopting. */
export async function claim<T extends Pod | ControllerRevision>(
  client: Client,
  daemonSet: DaemonSet,
  resource: Resource<T>,
  candidates: readonly T[],
): Promise<T[]> {
  const { uid } = daemonSet.metadata;
  const selector = selectorOf(daemonSet);
  const claimed: T[] = [];
  const errors: unknown[] = [];
  let mayAdopt: Promise<void> | undefined;
  const patch = async (object: T, ownerReferences: object[]): Promise<T | undefined> => {
    const body = { metadata: { uid: object.metadata.uid, ownerReferences } };
    try {
      return await client.patch(resource, addressOf(object), { type: "strategic", body });
    } catch (error) {
      const isRelease = "$patch" in ownerReferences[0]!;
      if (!isNotFound(error) && !(isRelease && isInvalid(error))) errors.push(error);
      return undefined;
    }
  };
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = selector.matches(object.metadata.labels ?? {});
    if (controller !== undefined) {
      if (controller.uid !== uid) continue;
      if (matches) claimed.push(object);
      else await patch(object, [{ $patch: "delete", uid }]);
    } else if (matches && !isTerminating(object)) {
      mayAdopt ??= checkOwner(client, daemonSet);
      try {
        await mayAdopt;
      } catch (error) {
        errors.push(error);
        continue;
      }
      if ((await patch(object, [ownerReference(daemonSet)])) !== undefined) claimed.push(object);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, `claiming ${resource.resource} failed`);
  return claimed;
}

async function checkOwner(client: Client, daemonSet: DaemonSet): Promise<void> {
  const live = await client.get(daemonsets, addressOf(daemonSet));
  if (live.metadata.uid !== daemonSet.metadata.uid) throw new Error("the original DaemonSet is gone");
  if (isTerminating(live)) throw new Error("the DaemonSet has just been deleted");
}
