/**
 * The garbage collector: objects whose owners are gone go too.
 *
 *   informers of all kinds ─▶ graph ─▶ work ─▶ owners asked of the server ─▶ plan ─▶ delete or patch
 *
 * Deletions carry the UID and the resourceVersion that the decision was made for: if the object changed meanwhile (say, was
 * adopted), the server refuses and the object is looked at anew. Foreground and orphan policies are finalizers.
 * Not here: the decision (plan.ts), who owns whom (graph.ts).
 * Upstream: kubernetes v1.35, pkg/controller/garbagecollector. Differs: owners that were orphaned are remembered, so that
 * a dependent that is seen late is released too instead of being deleted.
 */
import { createLimiter } from "../../base/index.ts";
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
  isConflict,
  isNotFound,
  type KubeObject,
  type OwnerReference,
  type Resource,
} from "../../machinery/index.ts";
import { RecentSet } from "./absent-owners.ts";
import { foregroundFinalizer, Graph, type GraphObject, orphanFinalizer, type Work } from "./graph.ts";
import { type Decision, type OwnerState, plan } from "./plan.ts";

/** Objects looked at once: enough to fill a group commit. */
const workers = 32;
/** Dependents of one owner released at once. */
const orphanCallsMax = 16;
/** When to look again at an object whose owner's kind is not known here: kinds may be served later. */
const unknownKindRetryMs = 60_000;
/** When to look again at an object whose owner the server has but the cache has not: its deletion might go unseen. */
const unseenOwnerRetryMs = 30_000;
/** When to look again after the object changed under us. */
const conflictRetryMs = 100;

/** Resources whose objects own nothing and are owned by nobody; as upstream's. */
const ignoredResources = new Set(["/events", "events.k8s.io/events"]);

function isCollected({ group, resource, verbs }: ApiResource): boolean {
  if (ignoredResources.has(`${group}/${resource}`)) return false;
  return ["list", "watch", "delete"].every((verb) => verbs.includes(verb));
}

/** Collects objects of whatever the server serves. */
export function createGarbageCollector(context: ControllerContext): Controller {
  return new GarbageCollector(context);
}

class GarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #graph = new Graph();
  readonly #controller: QueueController<Work>;
  readonly #informers = new Map<Resource, Informer<KubeObject>>();
  readonly #absent = new RecentSet();
  /** UIDs of owners whose dependents were released. */
  readonly #orphaned = new RecentSet();
  #hasSynced = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#controller = createController<Work>(
      {
        name: "garbage-collector",
        workers,
        reconcile: (work) => this.#reconcile(work),
        begin: () => this.#begin(),
      },
      context,
    );
    context.informers.resources.addHandler({
      added: (resource) => {
        if (isCollected(resource)) this.#follow(resource);
      },
      removed: (resource) => this.#forget(resource),
    });
  }

  #follow(resource: ApiResource): void {
    const informer = this.#context.informers.for(resource);
    this.#informers.set(resource, informer);
    informer.addHandler({
      added: (object) => this.#enqueue(this.#graph.put(resource, object)),
      updated: (_before, object) => this.#enqueue(this.#graph.put(resource, object)),
      deleted: (object) => this.#enqueue(this.#graph.remove(object.metadata.uid ?? "")),
    });
  }

  /** Nobody can see its objects, so no owner waits for them. Their dependents stay: the kind of their owner is not known. */
  #forget(resource: Resource): void {
    const informer = this.#informers.get(resource);
    if (informer === undefined) return;
    this.#informers.delete(resource);
    for (const { metadata } of informer.lister.list()) this.#enqueue(this.#graph.remove(metadata.uid ?? ""));
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  #begin(): void {
    this.#hasSynced = true;
    this.#enqueue(this.#graph.withAbsentOwner());
  }

  /** Before all kinds are known nearly every owner looks absent; those are looked at once, after the first lists. */
  #enqueue(work: readonly Work[]): void {
    for (const item of work) {
      if (
        this.#hasSynced ||
        item.startsWith("orphan/") ||
        this.#graph.get(item.slice(7))?.isDeletingDependents
      ) {
        this.#controller.queue.add(item);
      }
    }
  }

  async #reconcile(work: Work): Promise<ReconcileResult> {
    const item = this.#graph.get(work.slice(7));
    if (item === undefined) return;
    if (work.startsWith("orphan/")) return this.#orphan(item);
    const cached = this.#informers.get(item.resource)!.lister.get(addressKey(item));
    if (cached?.metadata.uid === item.uid) {
      const result = await this.#attemptToDelete(item, cached);
      if (result !== "conflict") return result;
    }
    const live = await this.#live(item);
    if (live === undefined) return;
    const result = await this.#attemptToDelete(item, live);
    return result === "conflict" ? { requeueAfterMs: conflictRetryMs } : result;
  }

  /** `object` is the item as it was at some time; every write is refused if it is older than the server's. */
  async #attemptToDelete(item: GraphObject, object: KubeObject): Promise<ReconcileResult | "conflict"> {
    const isForeground = object.metadata.finalizers?.includes(foregroundFinalizer) ?? false;
    if (object.metadata.deletionTimestamp !== undefined) {
      return isForeground ? this.#finishForeground(item, object) : undefined;
    }
    const owners = await Promise.all(
      (object.metadata.ownerReferences ?? []).map(async (reference) => ({
        reference,
        state: await this.#stateOf(item, object, reference),
      })),
    );
    const dependents = this.#graph.dependentsOf(item.uid);
    const hasWaitingDependent = [...dependents].some((dependent) => dependent.isDeletingDependents);
    const decision = plan({ object, owners, hasDependents: dependents.size > 0, hasWaitingDependent });
    const isUnjudged = owners.some(
      ({ reference, state }) => state === "unjudged" && !this.#resourceOf(reference),
    );
    if (isUnjudged) return { requeueAfterMs: unknownKindRetryMs };
    const isUnseen = owners.some(
      ({ reference, state }) => state === "present" && !this.#graph.get(reference.uid),
    );
    const result = await this.#apply(item, object, decision);
    return (
      result ?? (isUnseen && decision.do === "keep" ? { requeueAfterMs: unseenOwnerRetryMs } : undefined)
    );
  }

  async #stateOf(item: GraphObject, object: KubeObject, reference: OwnerReference): Promise<OwnerState> {
    if (this.#orphaned.has(reference.uid)) return "orphaned";
    const resource = this.#resourceOf(reference);
    if (resource === undefined || (resource.namespaced && item.namespace === "")) return "unjudged";
    const namespace = resource.namespaced ? item.namespace : "";
    const seen = this.#graph.get(reference.uid);
    const isSeen =
      seen?.resource === resource && seen.namespace === namespace && seen.name === reference.name;
    // A cached owner can only lead to keeping the object, which is always safe; its deletion will be seen.
    if (isSeen && !seen.isDeletingDependents) return "present";
    const place = `${reference.apiVersion} ${reference.kind} ${namespace}/${reference.name} ${reference.uid}`;
    if (this.#absent.has(place)) return "absent";
    const owner = await this.#get(resource, { namespace, name: reference.name });
    if (owner?.metadata.uid === reference.uid) {
      const isWaiting =
        owner.metadata.deletionTimestamp && owner.metadata.finalizers?.includes(foregroundFinalizer);
      return isWaiting ? "waiting" : "present";
    }
    this.#absent.add(place);
    if (seen !== undefined && seen.namespace !== namespace)
      this.#reportInvalidNamespace(item, object, reference);
    return "absent";
  }

  #resourceOf(reference: OwnerReference): Resource | undefined {
    const resource = this.#context.informers.resources.ofKind(reference.apiVersion, reference.kind);
    return resource !== undefined && this.#informers.has(resource) ? resource : undefined;
  }

  #reportInvalidNamespace(item: GraphObject, object: KubeObject, reference: OwnerReference): void {
    const { apiVersion, kind, name, uid } = reference;
    const place = `[${apiVersion}/${kind}, namespace: ${item.namespace}, name: ${name}, uid: ${uid}]`;
    const message = `ownerRef ${place} does not exist in namespace "${item.namespace}"`;
    this.#context.recorder.event(object, "Warning", "OwnerRefInvalidNamespace", message);
  }

  async #apply(
    item: GraphObject,
    object: KubeObject,
    decision: Decision,
  ): Promise<ReconcileResult | "conflict"> {
    switch (decision.do) {
      case "keep":
        return;
      case "drop-references":
        return this.#dropReferences(item, decision.uids);
      case "delete": {
        if (decision.unblockOwners) await this.#unblockOwners(item, object);
        const { uid, resourceVersion } = object.metadata;
        const preconditions = {
          uid: uid!,
          ...(decision.unblockOwners ? {} : { resourceVersion: resourceVersion! }),
        };
        return this.#write(() =>
          this.#context.client.delete(item.resource, addressOf(item), {
            preconditions,
            propagationPolicy: decision.policy,
          }),
        );
      }
    }
  }

  /** The owner waits: when no blocking dependent is left, its finalizer goes; else the dependents are looked at. */
  async #finishForeground(item: GraphObject, object: KubeObject): Promise<ReconcileResult | "conflict"> {
    if (this.#graph.blockingDependents(item.uid) === 0) {
      return this.#removeFinalizer(item, object, foregroundFinalizer);
    }
    for (const dependent of this.#graph.dependentsOf(item.uid)) {
      if (!dependent.isDeleting) this.#controller.queue.add(`delete/${dependent.uid}`);
    }
    return;
  }

  /** Releases all dependents, then lets the owner go. Remembered first, so that late dependents are released too. */
  async #orphan(item: GraphObject): Promise<ReconcileResult> {
    const owner = await this.#live(item);
    if (owner?.metadata.deletionTimestamp === undefined) return;
    if (!owner.metadata.finalizers?.includes(orphanFinalizer)) return;
    this.#orphaned.add(item.uid);
    const limiter = createLimiter(orphanCallsMax);
    const dependents = [...this.#graph.dependentsOf(item.uid)];
    await Promise.all(
      dependents.map((dependent) => limiter.run(() => this.#dropReferences(dependent, [item.uid]))),
    );
    const result = await this.#removeFinalizer(item, owner, orphanFinalizer);
    return result === "conflict" ? { requeueAfterMs: conflictRetryMs } : result;
  }

  #dropReferences(item: GraphObject, uids: readonly string[]): Promise<ReconcileResult | "conflict"> {
    const ownerReferences = uids.map((uid) => ({ $patch: "delete", uid }));
    const body = { metadata: { uid: item.uid, ownerReferences } };
    return this.#write(() =>
      this.#context.client.patch(item.resource, addressOf(item), { type: "strategic", body }),
    );
  }

  /** Two objects that wait for each other would wait for ever: this one lets its owners go first. */
  #unblockOwners(item: GraphObject, object: KubeObject): Promise<ReconcileResult | "conflict"> {
    const ownerReferences = (object.metadata.ownerReferences ?? []).map((owner) => ({
      ...owner,
      blockOwnerDeletion: false,
    }));
    const body = { metadata: { uid: item.uid, ownerReferences } };
    return this.#write(() =>
      this.#context.client.patch(item.resource, addressOf(item), { type: "strategic", body }),
    );
  }

  #removeFinalizer(
    item: GraphObject,
    object: KubeObject,
    finalizer: string,
  ): Promise<ReconcileResult | "conflict"> {
    const finalizers = (object.metadata.finalizers ?? []).filter((other) => other !== finalizer);
    const body = {
      metadata: { uid: item.uid, resourceVersion: object.metadata.resourceVersion, finalizers },
    };
    return this.#write(() =>
      this.#context.client.patch(item.resource, addressOf(item), { type: "merge", body }),
    );
  }

  /** Gone is as good as done; a conflict means that the decision was made for an older object. */
  async #write(call: () => Promise<object>): Promise<"conflict" | undefined> {
    try {
      await call();
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isConflict(error)) return "conflict";
      throw error;
    }
  }

  async #live(item: GraphObject): Promise<KubeObject | undefined> {
    const object = await this.#get(item.resource, item);
    return object?.metadata.uid === item.uid ? object : undefined;
  }

  async #get(
    resource: Resource,
    at: { readonly namespace: string; readonly name: string },
  ): Promise<KubeObject | undefined> {
    try {
      return await this.#context.client.get(resource, addressOf(at));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function addressOf({ namespace, name }: { readonly namespace: string; readonly name: string }): {
  namespace?: string;
  name: string;
} {
  return namespace === "" ? { name } : { namespace, name };
}

function addressKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}
