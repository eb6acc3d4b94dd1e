/**
 * Evicts pods from nodes with NoExecute taints that they do not tolerate, at once or after their tolerationSeconds.
 * Keys are pods. The time of an eviction is set when a pod first meets the taints. It stays as it is until the pod tolerates
 * them for ever, they go, or a taint comes that it does not tolerate.
 * Not here: who sets the taints (controller.ts). Upstream: kubernetes v1.35, pkg/controller/tainteviction.
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
import { formatTime, isConflict, isNotFound, keyOf, semanticEqual } from "../../machinery/index.ts";
import { noExecuteTaints, stayMs } from "./eviction-plan.ts";

/** Pods evicted at once: two writes each. */
const workers = 8;

export function createTaintEvictionController(
  _options: Readonly<Record<string, never>>,
  context: ControllerContext,
): Controller {
  return new TaintEviction(context);
}

class TaintEviction implements Controller {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #controller: QueueController<string>;
  /** UIDs of pods that are to be evicted later -> when. */
  readonly #dueMs = new Map<string, number>();

  constructor(context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    const reconcile = (key: string): Promise<ReconcileResult> => this.#reconcile(key);
    this.#controller = createController({ name: "taint-eviction", workers, reconcile }, context);
    this.#nodes = informers.for(nodes);
    this.#pods = informers.for(pods);
    indexPodsByNode(this.#pods);
    this.#nodes.addHandler({
      added: (node) => this.#taintsChanged(undefined, node),
      updated: (before, node) => this.#taintsChanged(before, node),
    });
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(undefined, pod),
      updated: (before, pod) => this.#podChanged(before, pod),
      deleted: (pod) => this.#dueMs.delete(pod.metadata.uid ?? ""),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  #taintsChanged(before: Node | undefined, node: Node): void {
    if (before !== undefined && before.spec.taints === node.spec.taints) return;
    if (semanticEqual(noExecuteTaints(before), noExecuteTaints(node))) return;
    for (const pod of this.#pods.lister.byIndex(podsByNode, node.metadata.name ?? ""))
      this.#controller.queue.add(keyOf(pod));
  }

  #podChanged(before: Pod | undefined, pod: Pod): void {
    const { nodeName } = pod.spec;
    if (!nodeName || noExecuteTaints(this.#nodes.lister.get(nodeName)).length === 0) return;
    const isSame =
      before?.spec.nodeName === nodeName && semanticEqual(before.spec.tolerations, pod.spec.tolerations);
    if (!isSame) this.#controller.queue.add(keyOf(pod));
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const pod = this.#pods.lister.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const uid = pod.metadata.uid ?? "";
    const staysMs = stayMs(pod, noExecuteTaints(this.#nodes.lister.get(pod.spec.nodeName ?? "")));
    if (staysMs === Infinity) return this.#cancel(pod, uid);
    if (staysMs === undefined) this.#cancel(pod, uid);
    else {
      const nowMs = this.#context.clock.monotonicMs();
      const dueMs = this.#dueMs.get(uid) ?? nowMs + staysMs;
      if (dueMs > nowMs) {
        this.#dueMs.set(uid, dueMs);
        return { requeueAfterMs: dueMs - nowMs };
      }
    }
    await this.#evict(pod);
    this.#dueMs.delete(uid);
  }

  #cancel(pod: Pod, uid: string): undefined {
    if (!this.#dueMs.delete(uid)) return;
    const message = `Cancelling deletion of Pod ${keyOf(pod)}`;
    this.#context.recorder.event(pod, "Normal", "TaintManagerEviction", message);
  }

  async #evict(pod: Pod): Promise<void> {
    const { client, clock, recorder } = this.#context;
    const { name = "", namespace = "", uid, generation } = pod.metadata;
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      lastTransitionTime: formatTime(clock.nowMs()),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    recorder.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${keyOf(pod)}`);
    try {
      const body = { metadata: { uid }, status: { conditions: [condition] } };
      await client.patch(pods, { name, namespace, subresource: "status" }, { type: "strategic", body });
      await client.delete(pods, { name, namespace }, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
