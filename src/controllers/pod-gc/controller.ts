/**
 * Removes by force the pods that no kubelet will ever end (plan.ts says which), and the oldest finished ones above a limit.
 *
 *   Node deleted, or a pod on a node never seen ─▶ wait 40 s ─▶ still absent? ask the server: 404? ──▶ its pods go
 *                                                     └─ it came meanwhile: nothing
 *
 * The wait is upstream's: whoever registers again under the name within it keeps the pods. The cache only raises the
 * question, the server answers it.
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
  type ReconcileResult,
} from "../../client/index.ts";
import { formatTime, isConflict, isNotFound, keyOf } from "../../machinery/index.ts";
import { FinishedPods } from "./finished-pods.ts";
import { isOutOfService, lastStatus, reasonToRemove, type Reason } from "./plan.ts";

export interface PodGcOptions {
  /** Finished pods kept in the whole cluster. Default 12,500 as upstream; 0 keeps all. */
  readonly finishedPodsMax?: number;
  /** How long a node may be absent. Default 40,000 as upstream, which looks every 20 s, and so takes up to 80 s. */
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
  /** Nodes that are absent, and may have pods -> since when. */
  readonly #absentSinceMs = new Map<string, number>();
  /** UIDs of pods that were bound to a node before the server itself said that it has no such node. */
  readonly #doomed = new Set<string>();

  constructor(options: PodGcOptions, context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    this.#quarantineMs = options.quarantineMs ?? quarantineMsDefault;
    this.#finished = new FinishedPods((options.finishedPodsMax ?? finishedPodsMaxDefault) || Infinity);
    const reconcile = (key: Key): Promise<ReconcileResult> => this.#reconcile(key);
    this.#controller = createController({ name: "pod-gc", workers, reconcile }, context);
    this.#pods = informers.for(pods);
    this.#nodes = informers.for(nodes);
    indexPodsByNode(this.#pods);
    this.#nodes.addHandler({
      added: (node) => {
        this.#absentSinceMs.delete(node.metadata.name ?? "");
        this.#nodeSeen(undefined, node);
      },
      updated: (before, node) => this.#nodeSeen(before, node),
      deleted: (node) => this.#nodeAbsent(node.metadata.name ?? ""),
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
      this.#nodeAbsent(nodeName);
    }
  }

  #nodeAbsent(name: string): void {
    if (this.#absentSinceMs.has(name)) return;
    this.#absentSinceMs.set(name, this.#context.clock.monotonicMs());
    this.#controller.queue.addAfter(`node/${name}`, this.#quarantineMs);
  }

  async #reconcile(key: Key): Promise<ReconcileResult> {
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

  async #reconcileNode(name: string): Promise<ReconcileResult> {
    const sinceMs = this.#absentSinceMs.get(name);
    // It came, and may have gone again since: then it has its whole time.
    if (sinceMs === undefined) return;
    const leftMs = sinceMs + this.#quarantineMs - this.#context.clock.monotonicMs();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const doomed = this.#pods.lister.byIndex(podsByNode, name);
    const isGone = doomed.length > 0 && (await this.#isGone(name));
    this.#absentSinceMs.delete(name);
    if (!isGone) return;
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
