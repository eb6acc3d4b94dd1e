/**
 * Empties namespaces that are being deleted, then lets them go.
 *
 *   Terminating ─▶ delete its pods ─▶ any left? ─ no ─▶ delete everything else ─▶ anything left? ─ no ─▶ PUT /finalize
 *        ▲                               │ yes                                        │ yes      without our finalizer
 *        └──── an object in it goes, or 15 s: conditions say what ────────────────────┘
 *
 * Keys are names of namespaces. Pods end gracefully: their nodes get the usual time, and until then the pods keep their
 * configuration, their secrets and their owners. New objects cannot come in, the server refuses them.
 * Not here: what is said and when it may go (plan.ts). Upstream: kubernetes v1.35, pkg/controller/namespace.
 */
import { createLimiter } from "../../base/index.ts";
import { namespaces, type Namespace } from "../../api/index.ts";
import {
  type ApiResource,
  type Controller,
  type ControllerContext,
  createController,
  type Informer,
  type QueueController,
  type ReconcileResult,
} from "../../client/index.ts";
import {
  formatTime,
  isConflict,
  isMethodNotAllowed,
  isNotFound,
  type KubeObject,
  type Resource,
} from "../../machinery/index.ts";
import { type Findings, isToEmpty, plan } from "./plan.ts";

/** Namespaces worked on at once; upstream's concurrent-namespace-syncs. */
const workers = 10;
/** Deletions under way at once for one namespace. */
const deletionsMax = 32;
/** Objects asked for in one list; what is beyond is counted by the server. */
const pageMax = 500;
/** Most lists of one kind in one pass. Each follows the deletion of the one before; together 100,000 objects that no cache holds. */
const pagesMax = 200;
/** When to look again if nothing is seen to go: something holds the rest. */
const recheckMs = 15_000;
/** When to look again after something went while we looked, or the namespace changed under us. */
const gatherMs = 100;

/** Of these objects come by the thousand, and nothing holds them up: they are listed when their namespace goes. */
const uncachedResources = new Set(["/events", "events.k8s.io/events"]);

function isEmptied({ namespaced, verbs }: ApiResource): boolean {
  return namespaced && ["list", "delete"].every((verb) => verbs.includes(verb));
}

/** Empties namespaces of whatever the server serves. */
export function createNamespaceController(context: ControllerContext): Controller {
  return new NamespaceController(context);
}

class NamespaceController implements Controller {
  readonly #context: ControllerContext;
  readonly #namespaces: Informer<Namespace>;
  /** What may be in a namespace; absent where it is not cached. */
  readonly #caches = new Map<Resource, Informer<KubeObject> | undefined>();
  readonly #controller: QueueController<string>;
  /** Namespaces being emptied -> objects that the last look left; undefined while we look. */
  readonly #left = new Map<string, number | undefined>();

  constructor(context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    const reconcile = (name: string): Promise<ReconcileResult> => this.#reconcile(name);
    this.#controller = createController({ name: "namespace", workers, reconcile }, context);
    this.#namespaces = informers.for(namespaces);
    const seen = (namespace: Namespace): void => {
      if (isToEmpty(namespace)) this.#controller.queue.add(namespace.metadata.name ?? "");
    };
    this.#namespaces.addHandler({
      added: seen,
      updated: (before, after) => {
        if (!isToEmpty(before)) seen(after);
      },
      deleted: (namespace) => this.#left.delete(namespace.metadata.name ?? ""),
    });
    informers.resources.addHandler({
      added: (resource) => {
        if (isEmptied(resource)) this.#follow(resource);
      },
      removed: (resource) => this.#caches.delete(resource),
    });
  }

  #follow(resource: ApiResource): void {
    const { group, resource: name, verbs } = resource;
    const isCached = verbs.includes("watch") && !uncachedResources.has(`${group}/${name}`);
    const informer = isCached ? this.#context.informers.for<KubeObject>(resource) : undefined;
    this.#caches.set(resource, informer);
    informer?.addHandler({ deleted: (object) => this.#objectGone(object.metadata.namespace ?? "") });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  /** O(1): a look is due when all that the last one left has gone, or when something went during a look. */
  #objectGone(namespace: string): void {
    if (!this.#left.has(namespace)) return;
    const left = this.#left.get(namespace);
    if (left === undefined) this.#controller.queue.addAfter(namespace, gatherMs);
    else {
      this.#left.set(namespace, left - 1);
      if (left === 1) this.#controller.queue.add(namespace);
    }
  }

  async #reconcile(name: string): Promise<ReconcileResult> {
    const namespace = this.#namespaces.lister.get(name);
    if (namespace === undefined || !isToEmpty(namespace)) return;
    const { client, clock } = this.#context;
    this.#left.set(name, undefined);
    const known = [...this.#caches.keys()];
    const findings = await this.#empty(name);
    let left = findings.pods;
    for (const count of findings.remaining.values()) left += count;
    this.#left.set(name, left);
    const step = plan(namespace, findings, formatTime(clock.nowMs()));
    try {
      let latest = namespace;
      if (step.isChanged) {
        const status = { ...namespace.status, conditions: step.conditions };
        latest = await client.update(namespaces, { ...namespace, status }, { subresource: "status" });
      }
      if (step.do === "finalize") {
        // A resource may have come since discovery was read, and hold objects of this namespace.
        await this.#context.informers.resources.readAnew();
        if (this.#mayHoldMore(known)) return { requeueAfterMs: gatherMs };
        const spec = { ...latest.spec, finalizers: step.finalizers };
        await client.update(namespaces, { ...latest, spec }, { subresource: "finalize" });
        return;
      }
      return { requeueAfterMs: recheckMs };
    } catch (error) {
      if (isNotFound(error)) return;
      // The namespace changed meanwhile; its new state is on its way to us.
      if (isConflict(error)) return { requeueAfterMs: gatherMs };
      throw error;
    }
  }

  #mayHoldMore(known: readonly Resource[]): boolean {
    const { unknown } = this.#context.informers.resources;
    return unknown.length > 0 || [...this.#caches.keys()].some((resource) => !known.includes(resource));
  }

  /** Asks for the deletion of the pods in the namespace, and when they are gone of everything else. Finds what is left. */
  async #empty(namespace: string): Promise<Findings> {
    const findings = {
      pods: 0,
      remaining: new Map<string, number>(),
      finalizers: new Map<string, number>(),
      failures: [] as string[],
      undiscovered: this.#context.informers.resources.unknown,
    };
    for (const resource of podsFirst(this.#caches.keys())) {
      try {
        const { items, count } = await this.#emptyOf(resource, namespace);
        if (isPods(resource) && count > 0) return { ...findings, pods: count };
        if (count > 0) findings.remaining.set(`${resource.resource}.${resource.group}`, count);
        for (const finalizer of items.flatMap((object) => object.metadata.finalizers ?? [])) {
          findings.finalizers.set(finalizer, (findings.finalizers.get(finalizer) ?? 0) + 1);
        }
      } catch (error) {
        // Kinds that the server does not serve hold nothing.
        if (isNotFound(error) || isMethodNotAllowed(error)) continue;
        findings.failures.push(error instanceof Error ? error.message : String(error));
        if (isPods(resource)) return findings;
      }
    }
    return findings;
  }

  /** The cache says what to delete; the server says what is left, which is what counts. */
  async #emptyOf(
    resource: Resource,
    namespace: string,
  ): Promise<{ readonly items: readonly KubeObject[]; readonly count: number }> {
    const { client } = this.#context;
    await this.#removeAll(resource, this.#caches.get(resource)?.lister.list(namespace) ?? []);
    for (let pages = 1; ; pages++) {
      const { items, metadata } = await client.list(resource, { namespace, limit: pageMax });
      const count = items.length + (metadata.remainingItemCount ?? 0);
      const wasFresh = await this.#removeAll(resource, items);
      if (!wasFresh || pages === pagesMax) return { items, count };
    }
  }

  /** @returns true when any of them was not being deleted yet. */
  async #removeAll(resource: Resource, objects: readonly KubeObject[]): Promise<boolean> {
    const fresh = objects.filter((object) => object.metadata.deletionTimestamp === undefined);
    const limiter = createLimiter(deletionsMax);
    await Promise.all(fresh.map((object) => limiter.run(() => this.#remove(resource, object))));
    return fresh.length > 0;
  }

  async #remove(resource: Resource, object: KubeObject): Promise<void> {
    const { name = "", namespace = "", uid } = object.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      const options = { propagationPolicy: "Background", ...preconditions } as const;
      await this.#context.client.delete(resource, { name, namespace }, options);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

function isPods({ group, resource }: Resource): boolean {
  return group === "" && resource === "pods";
}

function podsFirst(resources: Iterable<Resource>): readonly Resource[] {
  const all = [...resources];
  return [...all.filter(isPods), ...all.filter((resource) => !isPods(resource))];
}
