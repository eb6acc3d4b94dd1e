/**
 * Empties namespaces that are being deleted, then lets them go.
 *
 *   Terminating ─▶ delete everything in it ─▶ anything left? ── no ─▶ PUT /finalize without our finalizer
 *        ▲                                        │ yes: conditions say what
 *        └──── an object in it goes, or 15 s ─────┘
 *
 * Keys are names of namespaces. Pods end gracefully: their nodes get the usual time. New objects cannot come in, the server refuses them.
 * Not here: what is said and when it may go (plan.ts). Upstream: kubernetes v1.35, pkg/controller/namespace.
 */
import { createLimiter, type Clock, type Log, type Metrics, type Random } from "../../base/index.ts";
import { type Kind, kinds, namespaces, type Namespace } from "../../api/index.ts";
import {
  type Client,
  createWorkqueue,
  type EventRecorder,
  type InformerFactory,
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

export interface NamespaceOptions {
  /** Kinds that may be in a namespace. Default: all namespaced ones that can be listed and deleted. */
  readonly resources?: readonly Resource[];
}

export interface NamespaceDependencies {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder: EventRecorder;
}

/** Namespaces worked on at once; upstream's concurrent-namespace-syncs. */
const workers = 10;
/** Deletions under way at once for one namespace. */
const deletionsMax = 32;
/** Objects asked for in one list. */
const pageMax = 500;
/** When to look again if nothing is seen to go: something holds the rest. */
const recheckMs = 15_000;
/** Deletions seen within this time cause one look together. */
const gatherMs = 100;

export function emptiedResources(all: readonly Kind[]): readonly Resource[] {
  return all
    .filter((kind) => kind.resource.namespaced && kind.storedAs === undefined)
    .filter((kind) => ["list", "delete"].every((verb) => kind.verbs.includes(verb)))
    .map((kind) => kind.resource);
}

export function createNamespaceController(
  options: NamespaceOptions,
  dependencies: NamespaceDependencies,
): { run(signal: AbortSignal): Promise<void> } {
  const { client, informers, clock, log, metrics } = dependencies;
  const resources = options.resources ?? emptiedResources(kinds);
  const queue = createWorkqueue({ name: "namespace", clock, log, metrics });
  const informer = informers.for(namespaces);
  const seen = (namespace: Namespace): void => {
    if (isToEmpty(namespace)) queue.add(namespace.metadata.name ?? "");
  };
  informer.addHandler({ added: seen, updated: (_before, after) => seen(after) });
  for (const resource of resources) {
    if (resource.resource === "events") continue;
    informers.for(resource).addHandler({
      deleted: ({ metadata: { namespace = "" } }) => {
        const owner = informer.lister.get(namespace);
        if (owner !== undefined && isToEmpty(owner)) queue.addAfter(namespace, gatherMs);
      },
    });
  }

  const reconcile = async (name: string): Promise<ReconcileResult> => {
    const namespace = informer.lister.get(name);
    if (namespace === undefined || !isToEmpty(namespace)) return;
    const findings = await empty(client, resources, name);
    const step = plan(namespace, findings, formatTime(clock.nowMs()));
    try {
      if (step.do === "finalize") {
        const spec = { ...namespace.spec, finalizers: step.finalizers };
        await client.update(namespaces, { ...namespace, spec }, { subresource: "finalize" });
        return;
      }
      const status = { ...namespace.status, conditions: step.conditions };
      if (step.isChanged)
        await client.update(namespaces, { ...namespace, status }, { subresource: "status" });
      return { requeueAfterMs: recheckMs };
    } catch (error) {
      // The namespace changed meanwhile; its new state is on its way to us.
      if (isNotFound(error)) return;
      if (isConflict(error)) return { requeueAfterMs: gatherMs };
      throw error;
    }
  };

  return {
    run: async (signal) => {
      await informers.waitForSync(signal);
      await queue.run({ workers, reconcile, signal });
    },
  };
}

/** Asks for the deletion of everything in the namespace, then counts what is left. */
async function empty(client: Client, resources: readonly Resource[], namespace: string): Promise<Findings> {
  const findings = {
    remaining: new Map<string, number>(),
    finalizers: new Map<string, number>(),
    failures: [] as string[],
  };
  const limiter = createLimiter(deletionsMax);
  for (const resource of resources) {
    try {
      const found = await listAll(client, resource, namespace);
      const fresh = found.filter((object) => object.metadata.deletionTimestamp === undefined);
      await Promise.all(fresh.map((object) => limiter.run(() => remove(client, resource, object))));
      const left = fresh.length === 0 ? found : await listAll(client, resource, namespace);
      if (left.length > 0) findings.remaining.set(`${resource.resource}.${resource.group}`, left.length);
      for (const object of left) {
        for (const finalizer of object.metadata.finalizers ?? []) {
          findings.finalizers.set(finalizer, (findings.finalizers.get(finalizer) ?? 0) + 1);
        }
      }
    } catch (error) {
      // Kinds that the server does not serve hold nothing.
      if (!isNotFound(error) && !isMethodNotAllowed(error))
        findings.failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return findings;
}

async function listAll(
  client: Client,
  resource: Resource,
  namespace: string,
): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = [];
  for (let next: string | undefined; ;) {
    const page = await client.list(resource, {
      namespace,
      limit: pageMax,
      ...(next ? { continue: next } : {}),
    });
    objects.push(...page.items);
    next = page.metadata.continue;
    if (!next) return objects;
  }
}

async function remove(client: Client, resource: Resource, object: KubeObject): Promise<void> {
  const { name = "", namespace = "", uid } = object.metadata;
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  try {
    await client.delete(resource, { name, namespace }, { propagationPolicy: "Background", ...preconditions });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
