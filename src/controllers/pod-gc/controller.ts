/**
 * Removes by force the pods that no kubelet will ever end (plan.ts says which), and the oldest finished ones above a limit.
 *
 *   Node deleted (watched) ──▶ ask the server: 404? ──▶ every pod bound to that name goes, at once
 *   pod on a node never seen ─▶ wait 40 s ─▶ ask the server: 404? ──▶ the same
 *
 * Why removal at once is safe after a watched deletion: the question is asked of the server after the event, so the
 * Node is gone, not unseen; pods bound before are of the old Node, each is deleted by its UID, and a kubelet that
 * comes back under the name registers a new Node and kills containers whose pods it no longer finds. Upstream waits
 * because it polls caches that may know a pod before its node; that case keeps upstream's 40 s here.
 * Not here: eviction by taints (node-lifecycle).
 */
import { type Node, nodes, type Pod, pods } from "../../api/index.ts";
import {
  type Controller,
  type ControllerContext,
  createController,
  indexPodsByNode,
  type Informer,
  podsByNode,
  type QueueController,
} from "../../client/index.ts";
import { formatTime, isConflict, isNotFound, keyOf } from "../../machinery/index.ts";
import { FinishedPods } from "./finished-pods.ts";
import { isOutOfService, lastStatus, reasonToRemove, type Reason } from "./plan.ts";

export interface PodGcOptions {
  /** Finished pods kept in the whole cluster. Default 12,500 as upstream; 0 keeps all. */
  readonly finishedPodsMax?: number;
  /** How long a node that was never seen may take to appear. Default 40,000 as upstream. */
  readonly quarantineMs?: number;
}

const finishedPodsMaxDefault = 12_500;
const quarantineMsDefault = 40_000;
/** Pods removed at once: two writes each. */
const workers = 16;

type Key = `node/${string}` | `pod/${string}` | `finished/${string}`;

export function createPodGcController(options: PodGcOptions, context: ControllerContext): Controller {
  return new PodGc(options, context);
}

class PodGc implements Controller {
  readonly #context: ControllerContext;
  readonly #controller: QueueController<Key>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #quarantineMs: number;
  readonly #finished: FinishedPods;
  /** UIDs of pods that were bound to a node before the server itself said that it has no such node. */
  readonly #doomed = new Set<string>();

  constructor(options: PodGcOptions, context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    this.#quarantineMs = options.quarantineMs ?? quarantineMsDefault;
    this.#finished = new FinishedPods((options.finishedPodsMax ?? finishedPodsMaxDefault) || Infinity);
    const reconcile = (key: Key): Promise<void> => this.#reconcile(key);
    this.#controller = createController({ name: "pod-gc", workers, reconcile }, context);
    this.#pods = informers.for(pods);
    this.#nodes = informers.for(nodes);
    indexPodsByNode(this.#pods);
    this.#nodes.addHandler({
      added: (node) => this.#nodeSeen(undefined, node),
      updated: (before, node) => this.#nodeSeen(before, node),
      deleted: (node) => this.#controller.queue.add(`node/${node.metadata.name ?? ""}`),
    });
    this.#pods.addHandler({
      added: (pod) => this.#podSeen(undefined, pod),
      updated: (before, pod) => this.#podSeen(before, pod),
      deleted: (pod) => {
        this.#finished.gone(pod);
        this.#doomed.delete(pod.metadata.uid ?? "");
      },
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  #nodeSeen(before: Node | undefined, node: Node): void {
    if (!isOutOfService(node) || (before !== undefined && isOutOfService(before))) return;
    for (const pod of this.#pods.lister.byIndex(podsByNode, node.metadata.name ?? ""))
      this.#controller.queue.add(`pod/${keyOf(pod)}`);
  }

  #podSeen(before: Pod | undefined, pod: Pod): void {
    for (const key of this.#finished.seen(pod)) this.#controller.queue.add(`finished/${key}`);
    const { nodeName } = pod.spec;
    if (pod.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined) {
      this.#controller.queue.add(`pod/${keyOf(pod)}`);
    }
    if (nodeName && before?.spec.nodeName !== nodeName && this.#nodes.lister.get(nodeName) === undefined) {
      this.#controller.queue.addAfter(`node/${nodeName}`, this.#quarantineMs);
    }
  }

  async #reconcile(key: Key): Promise<void> {
    const slash = key.indexOf("/");
    const kind = key.slice(0, slash);
    const name = key.slice(slash + 1);
    if (kind === "node") return this.#reconcileNode(name);
    const pod = this.#pods.lister.get(name);
    if (pod === undefined) return;
    if (kind === "finished") return this.#remove(pod, "finished");
    const reason = reasonToRemove({ pod, node: this.#nodeOf(pod) });
    if (reason !== undefined) await this.#remove(pod, reason);
  }

  #nodeOf(pod: Pod): Node | "gone" | "unknown" {
    if (this.#doomed.has(pod.metadata.uid ?? "")) return "gone";
    return this.#nodes.lister.get(pod.spec.nodeName ?? "") ?? "unknown";
  }

  /** The cache only raises the question; the server answers it. */
  async #reconcileNode(name: string): Promise<void> {
    if (this.#nodes.lister.get(name) !== undefined) return;
    const doomed = this.#pods.lister.byIndex(podsByNode, name);
    if (doomed.length === 0 || !(await this.#isGone(name))) return;
    for (const pod of doomed) {
      this.#doomed.add(pod.metadata.uid ?? "");
      this.#controller.queue.add(`pod/${keyOf(pod)}`);
    }
    this.#context.log.info("node is gone, removing its pods", { node: name, pods: doomed.length });
  }

  async #isGone(name: string): Promise<boolean> {
    try {
      await this.#context.client.get(nodes, { name });
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }

  /** A pod that is gone, or is another one by now, needs nothing. */
  async #remove(pod: Pod, reason: Reason): Promise<void> {
    const { client, clock } = this.#context;
    const { name = "", namespace = "", uid } = pod.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      const status = lastStatus(pod, reason, formatTime(clock.nowMs()));
      if (status !== undefined) {
        const body = { metadata: { uid }, status };
        await client.patch(pods, { name, namespace, subresource: "status" }, { type: "strategic", body });
      }
      await client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0, ...preconditions });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
