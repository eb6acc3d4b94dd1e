/**
 * REFERENCE, not shipped: which event enqueues which DaemonSet or node, and what it says to the expectations.
 * From docs/spec/daemonset-controller.md#2; shares nothing with src/controllers/daemonset. See controller.ts.
 */
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../src/api/index.ts";
import { isPodReady } from "../../src/api/index.ts";
import type { Informer, Lister, Workqueue } from "../../src/client/index.ts";
import { controllerOf, type KubeObject, semanticEqual } from "../../src/machinery/index.ts";
import type { CountingExpectations } from "./bookkeeping.ts";
import { isEmptySelector, isTerminating, keyOf, selectorOf } from "./objects.ts";

/** Pods by the UID of their controller; orphans in one bucket per namespace. */
const ownerIndex = "reference-owner";

export interface HandlerDependencies {
  readonly daemonSets: Lister<DaemonSet>;
  readonly queue: Workqueue;
  readonly nodeQueue: Workqueue;
  readonly expectations: CountingExpectations;
}

export class ReferenceHandlers {
  readonly #dependencies: HandlerDependencies;

  constructor(dependencies: HandlerDependencies) {
    this.#dependencies = dependencies;
  }

  watch(
    daemonSets: Informer<DaemonSet>,
    pods: Informer<Pod>,
    nodes: Informer<Node>,
    revisions: Informer<ControllerRevision>,
  ): void {
    const { queue, nodeQueue, expectations } = this.#dependencies;
    const forget = (daemonSet: DaemonSet): void => {
      expectations.delete(keyOf(daemonSet));
      queue.add(keyOf(daemonSet));
    };
    pods.addIndex(ownerIndex, ownerValues);
    daemonSets.addHandler({
      added: (daemonSet) => queue.add(keyOf(daemonSet)),
      updated: (before, after) => {
        if (before.metadata.uid !== after.metadata.uid) forget(before);
        queue.add(keyOf(after));
      },
      deleted: forget,
    });
    nodes.addHandler({
      added: ({ metadata }) => nodeQueue.add(metadata.name!),
      updated: (before, after) => {
        const isSame =
          semanticEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {}) &&
          semanticEqual(before.spec.taints ?? [], after.spec.taints ?? []);
        if (!isSame) nodeQueue.add(after.metadata.name!);
      },
    });
    pods.addHandler({
      added: (pod) => this.#podAdded(pod),
      updated: (before, after) => this.#podUpdated(before, after),
      deleted: (pod) => this.#podDeleted(pod),
    });
    revisions.addHandler({
      added: (revision) => {
        if (isTerminating(revision)) this.#enqueueOwner(revision);
        else if (controllerOf(revision) === undefined) this.#enqueueMatching(revision);
      },
      updated: (before, after) => this.#changed(before, after),
      deleted: (revision) => this.#enqueueOwner(revision),
    });
  }

  /** What a claim pass looks at: the DaemonSet's pods and the orphans of its namespace. */
  candidates(pods: Informer<Pod>, { metadata }: DaemonSet): readonly Pod[] {
    return [
      ...pods.lister.byIndex(ownerIndex, metadata.uid!),
      ...pods.lister.byIndex(ownerIndex, `orphan/${metadata.namespace}`),
    ];
  }

  #podAdded(pod: Pod): void {
    if (isTerminating(pod)) {
      this.#podDeleted(pod);
    } else if (controllerOf(pod) === undefined) this.#enqueueMatching(pod);
    else {
      const owner = this.#enqueueOwner(pod);
      if (owner !== undefined) this.#dependencies.expectations.lower(keyOf(owner), 1, 0);
    }
  }

  #podUpdated(before: Pod, after: Pod): void {
    if (isTerminating(after)) {
      this.#podDeleted(after);
      return;
    }
    const owner = this.#changed(before, after);
    if (owner === undefined || isPodReady(before) || !isPodReady(after)) return;
    const { minReadySeconds = 0 } = owner.spec;
    if (minReadySeconds > 0) this.#dependencies.queue.addAfter(keyOf(owner), (minReadySeconds + 1) * 1_000);
  }

  #podDeleted(pod: Pod): void {
    const owner = this.#enqueueOwner(pod);
    if (owner !== undefined) this.#dependencies.expectations.lower(keyOf(owner), 0, 1);
  }

  /** Enqueues the old owner if it is another one, the new one, or for an orphan whoever matches. @returns the owner. */
  #changed(before: KubeObject, after: KubeObject): DaemonSet | undefined {
    const isMoved = !semanticEqual(controllerOf(before), controllerOf(after));
    if (isMoved) this.#enqueueOwner(before);
    if (controllerOf(after) !== undefined) return this.#enqueueOwner(after);
    if (isMoved || !semanticEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {}))
      this.#enqueueMatching(after);
    return undefined;
  }

  #enqueueOwner(object: KubeObject): DaemonSet | undefined {
    const reference = controllerOf(object);
    if (reference?.kind !== "DaemonSet") return undefined;
    const owner = this.#dependencies.daemonSets.get(`${object.metadata.namespace}/${reference.name}`);
    if (owner?.metadata.uid !== reference.uid) return undefined;
    this.#dependencies.queue.add(keyOf(owner!));
    return owner;
  }

  #enqueueMatching({ metadata: { namespace, labels = {} } }: KubeObject): void {
    if (Object.keys(labels).length === 0) return;
    for (const daemonSet of this.#dependencies.daemonSets.list(namespace))
      if (!isEmptySelector(daemonSet) && selectorOf(daemonSet).matches(labels))
        this.#dependencies.queue.add(keyOf(daemonSet));
  }
}

function ownerValues(pod: Pod): readonly string[] {
  return [controllerOf(pod)?.uid ?? `orphan/${pod.metadata.namespace}`];
}
