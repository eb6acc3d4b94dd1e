/**
 * Watches over nodes: those that fall silent are marked and tainted, their pods are marked not Ready. Nodes that say
 * themselves that they are not ready are only tainted.
 *
 *   Lease renewed, status posted ─▶ one number (heartbeats.ts)
 *   every 5 s ─▶ who fell silent? whose NoExecute turn is it (zones.ts)? ─▶ queue of node names
 *   node changed ─▶ queue ─▶ conditions, taints (plan.ts), pods
 *
 * When no node at all is heard of, the fault may be on this side, so nothing is evicted (docs/spec/invariants.md#1.1.3).
 * Not here: deletion of pods on tainted nodes (taint-eviction.ts), of pods on deleted nodes (pod-gc).
 * Upstream: kubernetes v1.35, pkg/controller/nodelifecycle.
 */
import { createLimiter, type Gauge } from "../../base/index.ts";
import { isPodReady, type Lease, leases, type Node, nodes, type Pod, pods } from "../../api/index.ts";
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
import { Heartbeats } from "./heartbeats.ts";
import {
  conditionOf,
  notReadyKey,
  readinessOf,
  silentConditions,
  unreachableKey,
  wantedTaints,
} from "./plan.ts";
import { type ZoneFigures, zoneFigures, Zones } from "./zones.ts";

export interface NodeLifecycleOptions {
  /** How long a node may be silent. Default 50,000 as upstream since 1.32: a Lease of 40 s may run out first. */
  readonly monitorGraceMs?: number;
  /** The same for a node that has not posted a status yet. Default 60,000. */
  readonly startupGraceMs?: number;
  /** How often silence is looked for. Default 5,000. */
  readonly monitorPeriodMs?: number;
  readonly zones?: Partial<ZoneFigures>;
}

const monitorGraceMsDefault = 50_000;
const startupGraceMsDefault = 60_000;
const monitorPeriodMsDefault = 5_000;
/** Nodes worked on at once. */
const workers = 16;
/** Pods of one node marked at once. */
const podCallsMax = 8;
/** When to look again after the node changed under us. */
const conflictRetryMs = 50;
const leaseNamespace = "kube-node-lease";

export function createNodeLifecycleController(
  options: NodeLifecycleOptions,
  context: ControllerContext,
): Controller {
  return new NodeLifecycle(options, context);
}

class NodeLifecycle implements Controller {
  readonly #options: NodeLifecycleOptions;
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #controller: QueueController<string>;
  readonly #heartbeats = new Heartbeats();
  readonly #zones: Zones;
  readonly #unready: Gauge;
  /** Unready nodes whose turn for a NoExecute taint has come. */
  readonly #mayEvict = new Set<string>();
  /** Nodes whose pods have to be marked not Ready. */
  readonly #podsToMark = new Set<string>();
  #wasBlind = false;
  #isRunning = false;

  constructor(options: NodeLifecycleOptions, context: ControllerContext) {
    const { informers, metrics } = context;
    this.#options = options;
    this.#context = context;
    this.#zones = new Zones({ ...zoneFigures, ...options.zones });
    this.#controller = createController<string>(
      {
        name: "node-lifecycle",
        workers,
        reconcile: (name) => this.#reconcile(name),
        begin: () => this.#begin(),
        periodic: {
          everyMs: options.monitorPeriodMs ?? monitorPeriodMsDefault,
          work: () => this.#tick(),
        },
      },
      context,
    );
    this.#unready = metrics.gauge(
      "node_lifecycle_unready_nodes",
      "Nodes that are not ready, as last looked at.",
    );
    this.#nodes = informers.for(nodes);
    this.#pods = informers.for(pods);
    indexPodsByNode(this.#pods);
    this.#nodes.addHandler({
      added: (node, isInitial) => this.#nodeAdded(node, isInitial),
      updated: (before, node) => this.#nodeChanged(before, node),
      deleted: (node) => this.#nodeGone(node),
    });
    this.#pods.addHandler({
      added: (pod) => this.#podAssigned(pod),
      updated: (before, pod) => {
        if (before.spec.nodeName !== pod.spec.nodeName) this.#podAssigned(pod);
      },
    });
    informers.for(leases).addHandler({
      added: (lease) => this.#leaseSeen(undefined, lease),
      updated: (before, lease) => this.#leaseSeen(before, lease),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  #begin(): void {
    // Whatever happened while nobody listened: every node gets its full grace from here on.
    this.#heartbeats.hearAll(this.#now());
    this.#isRunning = true;
  }

  #tick(): void {
    const now = this.#now();
    for (const name of this.#heartbeats.expire(now)) {
      // The node was silent before a time in which no node was heard of, and still is. It queues again.
      if (!this.#countReadiness(this.#nodes.lister.get(name))) this.#zones.wait(name);
      this.#controller.queue.add(name);
    }
    this.#unready.set(this.#zones.unreadyCount);
    this.#watchBlindness(now);
    for (const name of this.#zones.due(now)) {
      this.#mayEvict.add(name);
      this.#controller.queue.add(name);
    }
  }

  /** Going blind takes all NoExecute taints back; seeing again gives every node its full grace. O(nodes), both rare. */
  #watchBlindness(now: number): void {
    const { isBlind } = this.#zones;
    if (isBlind === this.#wasBlind) return;
    this.#wasBlind = isBlind;
    this.#context.log.warn(isBlind ? "no node is ready, evictions stop" : "nodes are ready again", {
      nodes: this.#heartbeats.size,
    });
    if (isBlind) this.#mayEvict.clear();
    else {
      this.#heartbeats.hearAll(now);
      this.#zones.clearLines();
    }
    for (const node of this.#nodes.lister.list()) {
      this.#countReadiness(node);
      if (!isBlind && readinessOf(node) === "False") this.#zones.wait(node.metadata.name ?? "");
      this.#controller.queue.add(node.metadata.name ?? "");
    }
  }

  #nodeAdded(node: Node, isInitial: boolean): void {
    const name = node.metadata.name ?? "";
    this.#heartbeats.heard(name, this.#now(), this.#graceOf(node));
    // The taint stands already, so the turn was given before we started.
    if (node.spec.taints?.some((taint) => taint.effect === "NoExecute" && isReadinessKey(taint.key)))
      this.#mayEvict.add(name);
    if (readinessOf(node) === "False" || readinessOf(node) === "Unknown") this.#podsToMark.add(name);
    this.#countReadiness(node);
    this.#controller.queue.add(name);
    if (!isInitial) {
      const message = `Node ${name} event: Registered Node ${name} in Controller`;
      this.#context.recorder.event(node, "Normal", "RegisteredNode", message);
    }
  }

  #nodeChanged(before: Node, node: Node): void {
    const name = node.metadata.name ?? "";
    if (isHeartbeat(before, node) && this.#heartbeats.heard(name, this.#now(), this.#graceOf(node)))
      this.#controller.queue.add(name);
    if (before.spec === node.spec && before.status === node.status) return;
    this.#countReadiness(node);
    if (concernsUs(before, node)) this.#controller.queue.add(name);
  }

  #nodeGone(node: Node): void {
    const name = node.metadata.name ?? "";
    this.#heartbeats.forget(name);
    this.#zones.remove(name);
    this.#mayEvict.delete(name);
    this.#podsToMark.delete(name);
    const message = `Node ${name} event: Removing Node ${name} from Controller`;
    this.#context.recorder.event(node, "Normal", "RemovingNode", message);
  }

  /** The hot path: 15,000 nodes renew every 10 s. */
  #leaseSeen(before: Lease | undefined, lease: Lease): void {
    if (lease.metadata.namespace !== leaseNamespace || before?.spec.renewTime === lease.spec.renewTime)
      return;
    const name = lease.metadata.name ?? "";
    if (!this.#heartbeats.has(name)) return;
    const node = this.#nodes.lister.get(name);
    if (node !== undefined && this.#heartbeats.heard(name, this.#now(), this.#graceOf(node)))
      this.#controller.queue.add(name);
  }

  #podAssigned(pod: Pod): void {
    const node = pod.spec.nodeName ? this.#nodes.lister.get(pod.spec.nodeName) : undefined;
    if (node === undefined || !isPodReady(pod) || !isUnready(node)) return;
    this.#podsToMark.add(node.metadata.name ?? "");
    this.#controller.queue.add(node.metadata.name ?? "");
  }

  /** @returns false when this was known. */
  #countReadiness(node: Node | undefined): boolean {
    if (node === undefined) return true;
    const name = node.metadata.name ?? "";
    const isReady = !isUnready(node) && !this.#heartbeats.isSilent(name);
    if (isReady) this.#mayEvict.delete(name);
    return this.#zones.set(name, zoneOf(node), isReady);
  }

  async #reconcile(name: string): Promise<ReconcileResult> {
    const node = this.#nodes.lister.get(name);
    if (node === undefined || !this.#isRunning) return;
    try {
      if (this.#heartbeats.isSilent(name)) await this.#markSilent(node);
      await this.#setTaints(node);
      if (this.#podsToMark.has(name)) await this.#markPods(name);
    } catch (error) {
      if (isConflict(error)) return { requeueAfterMs: conflictRetryMs };
      if (!isNotFound(error)) throw error;
    }
  }

  /** A node that was ready has its pods marked. One that says itself that it is not has told it of its pods already. */
  async #markSilent(node: Node): Promise<void> {
    const conditions = silentConditions(node, this.#timeText());
    if (conditions.length === 0) return;
    const { name = "", uid } = node.metadata;
    const body = { metadata: { uid }, status: { conditions } };
    await this.#context.client.patch(nodes, { name, subresource: "status" }, { type: "strategic", body });
    this.#context.log.info("node is silent", { node: name });
    if (readinessOf(node) !== "True") return;
    this.#podsToMark.add(name);
    const message = `Node ${name} status is now: NodeNotReady`;
    this.#context.recorder.event(node, "Normal", "NodeNotReady", message);
  }

  /** The resourceVersion in the patch keeps taints that others set meanwhile. */
  async #setTaints(node: Node): Promise<void> {
    const { name = "", resourceVersion } = node.metadata;
    const mayEvict = this.#mayEvict.has(name) && !this.#zones.isBlind;
    const taints = wantedTaints(node, this.#timeText(), mayEvict);
    if (taints === undefined) return;
    const body = { metadata: { resourceVersion }, spec: { taints } };
    await this.#context.client.patch(nodes, { name }, { type: "merge", body });
  }

  async #markPods(name: string): Promise<void> {
    this.#podsToMark.delete(name);
    const limiter = createLimiter(podCallsMax);
    const ready = this.#pods.lister.byIndex(podsByNode, name).filter(isPodReady);
    try {
      await Promise.all(ready.map((pod) => limiter.run(() => this.#markPod(pod))));
    } catch (error) {
      this.#podsToMark.add(name);
      throw error;
    }
  }

  async #markPod(pod: Pod): Promise<void> {
    const { client, recorder } = this.#context;
    const { name = "", namespace = "", uid, generation } = pod.metadata;
    const condition = {
      type: "Ready",
      status: "False",
      lastTransitionTime: this.#timeText(),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      await client.patch(pods, { name, namespace, subresource: "status" }, { type: "strategic", body });
      recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready");
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      this.#context.log.debug("pod changed while it was marked", { pod: keyOf(pod) });
    }
  }

  #graceOf(node: Node): number {
    return readinessOf(node) === "never-said"
      ? (this.#options.startupGraceMs ?? startupGraceMsDefault)
      : (this.#options.monitorGraceMs ?? monitorGraceMsDefault);
  }

  #now(): number {
    return this.#context.clock.monotonicMs();
  }

  #timeText(): string {
    return formatTime(this.#context.clock.nowMs());
  }
}

function isReadinessKey(key: string): boolean {
  return key === notReadyKey || key === unreachableKey;
}

/** A node that has not reported yet is not held against its zone. */
function isUnready(node: Node): boolean {
  const readiness = readinessOf(node);
  return readiness === "False" || readiness === "Unknown";
}

/** The kubelet itself spoke: not we, whose marks leave the heartbeat time alone and only ever say Unknown. */
function isHeartbeat(before: Node, after: Node): boolean {
  const was = conditionOf(before, "Ready");
  const is = conditionOf(after, "Ready");
  if (is === undefined) return false;
  return (
    (was?.lastHeartbeatTime ?? null) !== (is.lastHeartbeatTime ?? null) ||
    (was?.status !== is.status && is.status !== "Unknown")
  );
}

function concernsUs(before: Node, after: Node): boolean {
  const conditions = ({ status }: Node): string[] =>
    (status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`);
  return (
    before.spec.unschedulable !== after.spec.unschedulable ||
    !semanticEqual(before.spec.taints ?? [], after.spec.taints ?? []) ||
    !semanticEqual(conditions(before), conditions(after))
  );
}

/** Region and zone as labels say; nodes without belong together. */
function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  return `${labels["topology.kubernetes.io/region"] ?? ""}/${labels["topology.kubernetes.io/zone"] ?? ""}`;
}
